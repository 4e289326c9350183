//! Options of runs, with a plugin made up here that shows what arrives and calls the callbacks of
//! send and receive operations and of values on their way: the real CPU plugin never does.

use pjrt::sys;
use pjrt::{
    CallbackError, Client, ClientOptions, CompileOptions, CopyToDeviceStream, ElementType, Error,
    ErrorCode, ExecuteOptions, LoadedExecutable, Plugin, Program, SentChunk,
};
use std::ffi::{CStr, c_char, c_void};
use std::ptr::{from_ref, null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

type Failure = *mut sys::PJRT_Error;

/// What the last run was given.
#[derive(Default)]
struct Seen {
    size: usize,
    launch_id: i32,
    kept: Vec<i64>,
    context: usize,
    location: String,
    tasks: Vec<(i32, i64)>,
    row_major: bool,
    sends: Vec<Vec<(i64, usize)>>,
    receives: Vec<Vec<(i64, usize)>>,
    outputs: Vec<(i64, usize, usize)>,
    send: sys::PJRT_SendCallback,
    receive: sys::PJRT_RecvCallback,
    output: sys::PJRT_HloOutputCallback,
    /// Who waits for the devices.
    waiting: Vec<(sys::PJRT_Event_OnReadyCallback, usize)>,
}

static SEEN: Mutex<Option<Seen>> = Mutex::new(None);
static TURN: Mutex<()> = Mutex::new(());
/// Chunks and streams that were freed, contexts that were destroyed.
static CHUNKS: AtomicUsize = AtomicUsize::new(0);
static STREAMS: AtomicUsize = AtomicUsize::new(0);
static CONTEXTS: AtomicUsize = AtomicUsize::new(0);
/// The number of the launch that fails.
const FAILS: i32 = 666;

/// An object is a pointer to nothing in particular.
fn object<T>() -> *mut T {
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

fn table(minor: i32) -> &'static mut sys::PJRT_Api {
    let mut table = sys::PJRT_Api::zeroed();
    table.struct_size = size_of_val(&table);
    table.pjrt_api_version.minor_version = minor;
    table.PJRT_LoadedExecutable_Execute = Some(execute);
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
        PJRT_Executable_NumOutputs(args: PJRT_Executable_NumOutputs_Args) { args.num_outputs = 1; }
        PJRT_Buffer_Destroy(args: PJRT_Buffer_Destroy_Args) {}
        PJRT_Event_Destroy(args: PJRT_Event_Destroy_Args) {}
        PJRT_Event_OnReady(args: PJRT_Event_OnReady_Args) {
            let waiting = (args.callback, args.user_arg.addr());
            SEEN.lock().unwrap().as_mut().unwrap().waiting.push(waiting);
            POINTERS.lock().unwrap().push(Pointer(args.user_arg));
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

/// Words of the crate's, to be brought back with what makes them pointers.
struct Pointer(*mut c_void);
// SAFETY: the word is only brought back, from any thread, as the API says.
unsafe impl Send for Pointer {}
static POINTERS: Mutex<Vec<Pointer>> = Mutex::new(Vec::new());

fn plugin(minor: i32) -> Plugin {
    // SAFETY: the table is whole, its functions are of the slots' types, and it is never freed.
    unsafe { Plugin::from_api(table(minor)) }.unwrap()
}

fn current() -> Plugin {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    PLUGIN.get_or_init(|| plugin(114)).clone()
}

fn compile(plugin: &Plugin) -> LoadedExecutable {
    let client: Client = plugin.create_client(&ClientOptions::new()).unwrap();
    client
        .compile(&Program::mlir(""), &CompileOptions::new())
        .unwrap()
}

/// Runs of this file happen one at a time, for there is one record.
fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn seen() -> Seen {
    SEEN.lock().unwrap().take().unwrap()
}

/// Both devices are done.
fn finish(waiting: Vec<(sys::PJRT_Event_OnReadyCallback, usize)>) {
    let call = || {
        for (callback, word) in waiting {
            let mut pointers = POINTERS.lock().unwrap();
            let at = pointers.iter().position(|p| p.0.addr() == word).unwrap();
            let pointer = pointers.swap_remove(at);
            drop(pointers);
            // SAFETY: brought back once.
            unsafe { callback.unwrap()(null_mut(), pointer.0) };
        }
    };
    thread::scope(|scope| scope.spawn(call).join().unwrap());
}

fn run(program: &LoadedExecutable, options: &ExecuteOptions) -> Vec<pjrt::Execution> {
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
fn send(seen: &Seen, word: usize, bytes: &[u8]) -> Option<(sys::PJRT_Error_Code, String)> {
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

#[test]
fn every_option_arrives() {
    let _turn = turn();
    let program = compile(&current());
    let context = Arc::new(current().create_execute_context().unwrap());
    let options = ExecuteOptions::new()
        .launch_id(-3)
        .context(context)
        .call_location("train.py:12")
        .task(4, 40)
        .task(5, 50)
        .on_send(7, |_| Ok(()))
        .on_send(8, |_| Ok(()))
        .on_receive(9, |_, _| ())
        .on_output(10, 2, |_| ());
    run(&program, &options);
    let seen = seen();
    assert_eq!(seen.size, sys::PJRT_ExecuteOptions_STRUCT_SIZE);
    assert_eq!(
        (seen.launch_id, seen.location.as_str()),
        (-3, "train.py:12")
    );
    assert_ne!(seen.context, 0);
    assert_eq!(seen.tasks, [(4, 40), (5, 50)]);
    assert!(seen.row_major && seen.kept.is_empty());
    let channels = |lists: &[Vec<(i64, usize)>]| -> Vec<Vec<i64>> {
        let of = |list: &Vec<(i64, usize)>| list.iter().map(|entry| entry.0).collect();
        lists.iter().map(of).collect()
    };
    assert_eq!(channels(&seen.sends), [[7, 8], [7, 8]]);
    assert_eq!(channels(&seen.receives), [[9], [9]]);
    assert_eq!((seen.outputs[0].0, seen.outputs[0].1), (10, 2));
    finish(seen.waiting);

    let native = ExecuteOptions::new().on_send(1, |_| Ok(()));
    run(&program, &native.device_layout_in_callbacks());
    let given = self::seen();
    assert!(!given.row_major);
    finish(given.waiting);
    run(&program, &ExecuteOptions::new());
    let given = self::seen();
    assert!(!given.row_major && given.outputs.is_empty() && given.send.is_none());
    assert!(given.waiting.is_empty(), "nothing is held, so nobody waits");
}

#[test]
fn sent_chunks_reach_the_callback_and_are_freed_once() {
    let _turn = turn();
    let program = compile(&current());
    let kept: Arc<Mutex<Vec<(usize, SentChunk)>>> = Arc::default();
    let inner = kept.clone();
    let options = ExecuteOptions::new().on_send(7, move |sent| match sent.chunk.first() {
        Some(0) => Err(CallbackError::new(ErrorCode::DATA_LOSS, "nothing but zero")),
        Some(1) => panic!("one is too few"),
        _ => {
            assert_eq!((sent.total_size, sent.done), (8, sent.chunk.len() == 8));
            inner.lock().unwrap().push((sent.device, sent.chunk));
            Ok(())
        }
    });
    run(&program, &options);
    drop(options);
    let mut seen = seen();
    let before = CHUNKS.load(Ordering::SeqCst);
    assert_eq!(send(&seen, seen.sends[1][0].1, &[2, 3, 4]), None);
    assert_eq!(send(&seen, seen.sends[0][0].1, &[5; 8]), None);
    assert_eq!(CHUNKS.load(Ordering::SeqCst), before);
    let chunks = std::mem::take(&mut *kept.lock().unwrap());
    assert_eq!((chunks[0].0, &chunks[0].1[..]), (1, &[2u8, 3, 4][..]));
    assert_eq!((chunks[1].0, &chunks[1].1[..]), (0, &[5u8; 8][..]));
    drop(chunks);
    assert_eq!(CHUNKS.load(Ordering::SeqCst), before + 2);

    let (code, text) = send(&seen, seen.sends[0][0].1, &[0]).unwrap();
    assert_eq!(
        (code, text.as_str()),
        (ErrorCode::DATA_LOSS.as_raw(), "nothing but zero")
    );
    let (code, _) = send(&seen, seen.sends[0][0].1, &[1]).unwrap();
    assert_eq!(code, ErrorCode::INTERNAL.as_raw());
    assert_eq!(CHUNKS.load(Ordering::SeqCst), before + 4);

    // When both devices are done the callback goes, and a late call finds none.
    let mut waiting = std::mem::take(&mut seen.waiting);
    let second = waiting.split_off(1);
    finish(waiting);
    assert_eq!(Arc::strong_count(&kept), 2);
    finish(second);
    assert_eq!(Arc::strong_count(&kept), 1);
    assert!(send(&seen, seen.sends[0][0].1, &[9]).is_some());
    assert_eq!(CHUNKS.load(Ordering::SeqCst), before + 5);
}

#[test]
fn a_receive_operation_hands_its_stream_over() {
    let _turn = turn();
    let program = compile(&current());
    let kept: Arc<Mutex<Vec<(usize, CopyToDeviceStream)>>> = Arc::default();
    let inner = kept.clone();
    let options = ExecuteOptions::new()
        .on_receive(1, move |device, stream| {
            inner.lock().unwrap().push((device, stream))
        })
        .on_receive(2, |_, _| panic!("not wanted"));
    run(&program, &options);
    let seen = seen();
    let before = STREAMS.load(Ordering::SeqCst);
    let give = |word: usize| {
        // SAFETY: the stream is given over.
        unsafe { seen.receive.unwrap()(object(), std::ptr::without_provenance_mut(word)) }
    };
    give(seen.receives[1][0].1);
    assert_eq!(kept.lock().unwrap()[0].0, 1);
    assert_eq!(STREAMS.load(Ordering::SeqCst), before);
    kept.lock().unwrap().clear();
    assert_eq!(STREAMS.load(Ordering::SeqCst), before + 1);
    // A stream whose callback panics is destroyed, here on the crate's own thread.
    give(seen.receives[0][1].1);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while STREAMS.load(Ordering::SeqCst) < before + 2 {
        assert!(
            std::time::Instant::now() < deadline,
            "the stream is still there"
        );
        thread::yield_now();
    }
    finish(seen.waiting);
}

#[test]
fn values_on_their_way_are_shown_with_shape_and_bytes() {
    type Shown = (i64, i64, i64, ElementType, Vec<i64>, Option<Vec<u8>>);
    let _turn = turn();
    let program = compile(&current());
    let shown: Arc<Mutex<Vec<Shown>>> = Arc::default();
    let inner = shown.clone();
    let options = ExecuteOptions::new().on_output(10, 1, move |value| {
        inner.lock().unwrap().push((
            value.replica,
            value.partition,
            value.operand,
            value.element_type,
            value.dims.to_vec(),
            value.data.map(<[u8]>::to_vec),
        ));
    });
    run(&program, &options);
    let seen = seen();
    let show = |data: *const c_void, dims: &[i64], ty: ElementType| {
        let word = std::ptr::without_provenance_mut(seen.outputs[0].2);
        let call = seen.output.unwrap();
        // SAFETY: data and dimensions live through the call and belong together.
        unsafe { call(1, 2, data, dims.as_ptr(), dims.len(), ty.as_raw(), 3, word) }
    };
    let data = [1u16, 2];
    show(data.as_ptr().cast(), &[2, 1], ElementType::U16);
    show(null(), &[], ElementType::INVALID);
    show(data.as_ptr().cast(), &[-1], ElementType::U16);
    let bytes = data.iter().flat_map(|n| n.to_ne_bytes()).collect();
    let expected: [Shown; 3] = [
        (1, 2, 3, ElementType::U16, vec![2, 1], Some(bytes)),
        (1, 2, 3, ElementType::INVALID, vec![], None),
        (1, 2, 3, ElementType::U16, vec![-1], None),
    ];
    assert_eq!(*shown.lock().unwrap(), expected);
    finish(seen.waiting);
}

#[test]
fn a_context_lives_until_the_last_device_is_done() {
    let _turn = turn();
    let program = compile(&current());
    let before = CONTEXTS.load(Ordering::SeqCst);
    let context = Arc::new(current().create_execute_context().unwrap());
    drop(run(&program, &ExecuteOptions::new().context(context)));
    let mut waiting = seen().waiting;
    let second = waiting.split_off(1);
    finish(waiting);
    assert_eq!(CONTEXTS.load(Ordering::SeqCst), before);
    finish(second);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while CONTEXTS.load(Ordering::SeqCst) == before {
        assert!(
            std::time::Instant::now() < deadline,
            "the context is still there"
        );
        thread::yield_now();
    }
}

#[test]
fn a_failed_start_on_several_devices_frees_callbacks_but_not_the_context() {
    let _turn = turn();
    let program = compile(&current());
    let before = CONTEXTS.load(Ordering::SeqCst);
    let context = Arc::new(current().create_execute_context().unwrap());
    let count = Arc::new(());
    let inner = count.clone();
    let options = ExecuteOptions::new()
        .launch_id(FAILS)
        .context(context)
        .on_send(1, move |_| {
            let _ = &inner;
            Ok(())
        });
    let failed = program.execute(vec![vec![], vec![]], &options);
    assert!(matches!(failed, Err(Error::Plugin(_))));
    drop(options);
    assert_eq!(Arc::strong_count(&count), 1);
    // Some device may have started: it may read the context as long as it likes.
    assert_eq!(CONTEXTS.load(Ordering::SeqCst), before);
    seen();
}

#[test]
fn what_a_plugin_is_too_old_for_is_refused_and_not_dropped() {
    let _turn = turn();
    let program = compile(&plugin(63));
    let name = |options: ExecuteOptions| match program.execute(vec![vec![], vec![]], &options) {
        Err(Error::TooNew { field, since, .. }) => (field, since),
        other => panic!("expected a refusal, got {other:?}"),
    };
    assert_eq!(
        name(ExecuteOptions::new().call_location("x")),
        ("call_location", 76)
    );
    assert_eq!(name(ExecuteOptions::new().task(1, 2)), ("task_ids", 78));
    let foreign = Arc::new(current().create_execute_context().unwrap());
    let error = program.execute(
        vec![vec![], vec![]],
        &ExecuteOptions::new().context(foreign),
    );
    assert!(matches!(
        error,
        Err(Error::ForeignHandle {
            argument: "context",
            ..
        })
    ));
    // Sends are as old as the API, and their data is row-major there.
    run(&program, &ExecuteOptions::new().on_send(1, |_| Ok(())));
    let seen = seen();
    assert!(!seen.row_major);
    finish(seen.waiting);
    let twice = ExecuteOptions::new()
        .on_send(1, |_| Ok(()))
        .on_send(1, |_| Ok(()));
    let error = program.execute(vec![vec![], vec![]], &twice).unwrap_err();
    assert!(error.to_string().contains("1 is given twice"), "{error}");
}
