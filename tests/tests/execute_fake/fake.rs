//! The plugin: it notes what a run is given, and calls back only when a test tells it to.

use pjrt::__rt::{Handle, OnPlugin};
use pjrt::multi_slice::MultiSliceConfig;
use pjrt::sys;
use pjrt::{
    Client, ClientOptions, CompileOptions, ExecuteOptions, LoadedExecutable, Plugin, Program,
};
use std::ffi::{CStr, c_char, c_void};
use std::ptr::{NonNull, from_ref, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

pub type Failure = *mut sys::PJRT_Error;

/// What the last run was given.
#[derive(Default)]
pub struct Seen {
    pub size: usize,
    pub launch_id: i32,
    pub kept: Vec<i64>,
    pub context: usize,
    pub slices: usize,
    pub location: String,
    pub tasks: Vec<(i32, i64)>,
    pub row_major: bool,
    pub sends: Vec<Vec<(i64, usize)>>,
    pub receives: Vec<Vec<(i64, usize)>>,
    pub outputs: Vec<(i64, usize, usize)>,
    pub send: sys::PJRT_SendCallback,
    pub receive: sys::PJRT_RecvCallback,
    pub output: sys::PJRT_HloOutputCallback,
    /// Who waits for the devices.
    pub waiting: Vec<(sys::PJRT_Event_OnReadyCallback, usize)>,
}

static SEEN: Mutex<Option<Seen>> = Mutex::new(None);
static TURN: Mutex<()> = Mutex::new(());
/// Chunks and streams that were freed, contexts that were destroyed.
pub static CHUNKS: AtomicUsize = AtomicUsize::new(0);
pub static STREAMS: AtomicUsize = AtomicUsize::new(0);
pub static CONTEXTS: AtomicUsize = AtomicUsize::new(0);
/// Configurations of slices that were destroyed.
pub static SLICES: AtomicUsize = AtomicUsize::new(0);
/// How many outputs a program says it has.
pub static OUTPUTS: AtomicUsize = AtomicUsize::new(1);
/// The number of the launch that fails.
pub const FAILS: i32 = 666;

/// An object is a pointer to nothing in particular.
pub fn object<T>() -> *mut T {
    static BYTE: u64 = 0;
    from_ref(&BYTE).cast_mut().cast()
}

macro_rules! slots {
    ($table:ident: $($slot:ident($args:ident: $type:ident) $body:block)*) => {
        $({
            unsafe extern "C" fn call(args: *mut sys::$type) -> Failure {
                // SAFETY: the crate gives whole args.
                let $args = unsafe { &mut *args };
                let _ = &$args;
                $body
                null_mut()
            }
            $table.$slot = Some(call);
        })*
    };
}

unsafe extern "C" fn execute(args: *mut sys::PJRT_LoadedExecutable_Execute_Args) -> Failure {
    // SAFETY: the crate gives whole args, with options and a row for each device.
    unsafe {
        let args = &mut *args;
        let options = &*args.options;
        let mut seen = Seen {
            size: options.struct_size,
            launch_id: options.launch_id,
            context: options.context.addr(),
            slices: options.multi_slice_config.addr(),
            row_major: options.use_major_to_minor_data_layout_for_callbacks,
            ..Seen::default()
        };
        for i in 0..options.num_non_donatable_input_indices {
            seen.kept.push(*options.non_donatable_input_indices.add(i));
        }
        if !options.call_location.is_null() {
            let text = CStr::from_ptr(options.call_location);
            seen.location = text.to_str().unwrap().to_owned();
        }
        for i in 0..options.num_tasks {
            let task = (*options.task_ids.add(i), *options.incarnation_ids.add(i));
            seen.tasks.push(task);
        }
        for device in 0..args.num_devices {
            let (mut sends, mut receives) = (Vec::new(), Vec::new());
            for i in 0..options.num_send_ops {
                let info = &*(*options.send_callbacks.add(device)).add(i);
                sends.push((info.channel_id, info.user_arg.addr()));
                seen.send = info.send_callback;
            }
            for i in 0..options.num_recv_ops {
                let info = &*(*options.recv_callbacks.add(device)).add(i);
                receives.push((info.channel_id, info.user_arg.addr()));
                seen.receive = info.recv_callback;
            }
            seen.sends.push(sends);
            seen.receives.push(receives);
            *(*args.output_lists.add(device)) = object();
            if !args.device_complete_events.is_null() {
                *args.device_complete_events.add(device) = object();
            }
        }
        for i in 0..options.num_hlo_output_callbacks {
            let info = &*options.hlo_output_callbacks.add(i);
            let entry = (info.callback_id, info.num_operands, info.user_arg.addr());
            seen.outputs.push(entry);
            seen.output = info.callback;
        }
        let fails = seen.launch_id == FAILS;
        *SEEN.lock().unwrap() = Some(seen);
        if fails { object() } else { null_mut() }
    }
}

unsafe extern "C" fn destroy_slices(
    _: *mut sys::multi_slice::PJRT_MultiSlice_Config_Destroy_Args,
) -> Failure {
    SLICES.fetch_add(1, Ordering::SeqCst);
    null_mut()
}

fn table(minor: i32) -> &'static mut sys::PJRT_Api {
    let mut table = sys::PJRT_Api::zeroed();
    table.struct_size = size_of_val(&table);
    table.pjrt_api_version.minor_version = minor;
    table.PJRT_LoadedExecutable_Execute = Some(execute);
    let mut slices = sys::multi_slice::PJRT_MultiSlice_Extension::zeroed();
    slices.base.struct_size = size_of_val(&slices);
    slices.base.type_ = sys::PJRT_Extension_Type_MultiSlice;
    slices.config_destroy = Some(destroy_slices);
    table.extension_start = std::ptr::from_mut(Box::leak(Box::new(slices))).cast();
    slots! { table:
        PJRT_Plugin_Initialize(args: PJRT_Plugin_Initialize_Args) {}
        PJRT_Client_Create(args: PJRT_Client_Create_Args) { args.client = object(); }
        PJRT_Client_Destroy(args: PJRT_Client_Destroy_Args) {}
        PJRT_Client_Compile(args: PJRT_Client_Compile_Args) { args.executable = object(); }
        PJRT_LoadedExecutable_Destroy(args: PJRT_LoadedExecutable_Destroy_Args) {}
        PJRT_LoadedExecutable_GetExecutable(args: PJRT_LoadedExecutable_GetExecutable_Args) {
            args.executable = object();
        }
        PJRT_LoadedExecutable_AddressableDevices(args: PJRT_LoadedExecutable_AddressableDevices_Args) {
            static DEVICES: [usize; 2] = [8, 16];
            args.addressable_devices = DEVICES.as_ptr().cast_mut().cast();
            args.num_addressable_devices = DEVICES.len();
        }
        PJRT_Executable_Destroy(args: PJRT_Executable_Destroy_Args) {}
        PJRT_Executable_NumOutputs(args: PJRT_Executable_NumOutputs_Args) {
            args.num_outputs = OUTPUTS.load(Ordering::SeqCst);
        }
        PJRT_Buffer_Destroy(args: PJRT_Buffer_Destroy_Args) {}
        PJRT_Event_Destroy(args: PJRT_Event_Destroy_Args) {}
        PJRT_Event_OnReady(args: PJRT_Event_OnReady_Args) {
            let waiting = (args.callback, args.user_arg.addr());
            SEEN.lock().unwrap().as_mut().unwrap().waiting.push(waiting);
        }
        PJRT_CopyToDeviceStream_Destroy(args: PJRT_CopyToDeviceStream_Destroy_Args) {
            STREAMS.fetch_add(1, Ordering::SeqCst);
        }
        PJRT_ExecuteContext_Create(args: PJRT_ExecuteContext_Create_Args) { args.context = object(); }
        PJRT_ExecuteContext_Destroy(args: PJRT_ExecuteContext_Destroy_Args) {
            CONTEXTS.fetch_add(1, Ordering::SeqCst);
        }
    }
    Box::leak(Box::new(table))
}

pub fn plugin(minor: i32) -> Plugin {
    // SAFETY: the table is whole, its functions are of the slots' types, and it is never freed.
    unsafe { Plugin::from_api(table(minor)) }.unwrap()
}

pub fn current() -> Plugin {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    *PLUGIN.get_or_init(|| plugin(114))
}

/// A configuration of slices, as an extension of the plugin's own would give it.
pub fn slices(plugin: &Plugin) -> MultiSliceConfig {
    let config = NonNull::new(object()).unwrap();
    // SAFETY: nobody else destroys it.
    unsafe { Handle::own(OnPlugin::api(plugin), config, None) }
}

pub fn compile(plugin: &Plugin) -> LoadedExecutable {
    let client: Client = plugin.create_client(&ClientOptions::new()).unwrap();
    client
        .compile(&Program::mlir(""), &CompileOptions::new())
        .unwrap()
}

/// Runs of this file happen one at a time, for there is one record.
pub fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn seen() -> Seen {
    SEEN.lock().unwrap().take().unwrap()
}

/// Both devices are done.
pub fn finish(waiting: Vec<(sys::PJRT_Event_OnReadyCallback, usize)>) {
    let call = || {
        for (callback, word) in waiting {
            // SAFETY: the crate takes any word.
            unsafe { callback.unwrap()(null_mut(), std::ptr::without_provenance_mut(word)) };
        }
    };
    thread::scope(|scope| scope.spawn(call).join().unwrap());
}

pub fn run(program: &LoadedExecutable, options: &ExecuteOptions) -> Vec<pjrt::Execution> {
    program.execute(vec![vec![], vec![]], options).unwrap()
}

unsafe extern "C" fn make(code: sys::PJRT_Error_Code, text: *const c_char, size: usize) -> Failure {
    // SAFETY: the crate gives a message of that length.
    let text = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), size) };
    let text = String::from_utf8(text.to_vec()).unwrap();
    Box::into_raw(Box::new((code, text))).cast()
}

unsafe extern "C" fn free_chunk(data: *mut c_void, size: *mut c_void) {
    CHUNKS.fetch_add(1, Ordering::SeqCst);
    let bytes = std::ptr::slice_from_raw_parts_mut(data.cast::<u8>(), size.addr());
    // SAFETY: freed once, as it was made.
    drop(unsafe { Box::from_raw(bytes) });
}

/// Sends bytes as the plugin does, from a thread of its own.
pub fn send(seen: &Seen, word: usize, bytes: &[u8]) -> Option<(sys::PJRT_Error_Code, String)> {
    let call = || {
        let mut chunk = sys::PJRT_Chunk::zeroed();
        chunk.size = bytes.len();
        chunk.data = Box::into_raw(bytes.to_vec().into_boxed_slice()).cast();
        chunk.deleter = Some(free_chunk);
        chunk.deleter_arg = std::ptr::without_provenance_mut(bytes.len());
        let mut make: sys::PJRT_CallbackError = Some(make);
        let word = std::ptr::without_provenance_mut(word);
        // SAFETY: the chunk is given over; the function lives through the call.
        let error =
            unsafe { seen.send.unwrap()(&raw mut chunk, &raw mut make, 8, bytes.len() == 8, word) };
        // SAFETY: `make` made it.
        (!error.is_null()).then(|| unsafe { *Box::from_raw(error.cast()) })
    };
    thread::scope(|scope| scope.spawn(call).join().unwrap())
}
