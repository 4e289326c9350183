//! Extensions through which a plugin calls closures, on a plugin made up here: it calls late, from
//! threads of its own, with nonsense, and counts what is freed.

#[path = "ext_callbacks/partitioner.rs"]
mod partitioner;
#[path = "ext_callbacks/transform.rs"]
mod transform;

use pjrt::callback::{Callback, SliceFailure};
use pjrt::sys::{self, callback as c, custom_partitioner as cp, xla_transform as xt};
use pjrt::{Client, ClientOptions, Error, ErrorCode, Plugin};
use pjrt_tests::{cpu, plugin};
use std::ffi::c_void;
use std::ptr::{from_mut, null_mut};
use std::sync::{Arc, Mutex, OnceLock};

type Failure = *mut sys::PJRT_Error;

/// An error is a pointer to nothing in particular; it has no functions. So is a client.
fn something<T>() -> *mut T {
    static BYTE: u64 = 0;
    std::ptr::from_ref(&BYTE).cast_mut().cast()
}

/// The bytes at an address that this plugin was given.
unsafe fn copied(data: *const std::ffi::c_char, size: usize) -> Vec<u8> {
    if size == 0 {
        return Vec::new();
    }
    // SAFETY: the callers give what they got from the crate.
    unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) }.to_vec()
}

unsafe extern "C" fn initialize(_: *mut sys::PJRT_Plugin_Initialize_Args) -> Failure {
    null_mut()
}

unsafe extern "C" fn create_client(args: *mut sys::PJRT_Client_Create_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).client = something() };
    null_mut()
}

unsafe extern "C" fn destroy_client(_: *mut sys::PJRT_Client_Destroy_Args) -> Failure {
    null_mut()
}

/// What a closure was registered with.
#[derive(Clone, Copy)]
struct Registered(
    c::PJRT_Callback_Type,
    unsafe extern "C" fn(*mut c_void, *mut c_void),
    *mut c_void,
);

// SAFETY: it is only there to be called, as the API says, from any thread.
unsafe impl Send for Registered {}

static CALLBACKS: Mutex<Vec<Registered>> = Mutex::new(Vec::new());
/// One test of callbacks at a time: all of them are called.
static ALONE: Mutex<()> = Mutex::new(());

unsafe extern "C" fn register(args: *mut c::PJRT_Callback_RegisterCallback_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &*args };
    assert_eq!(args.client, something());
    let registered = Registered(args.type_, args.callback.unwrap(), args.user_arg);
    CALLBACKS.lock().unwrap().push(registered);
    null_mut()
}

/// Takes the callback, and refuses it.
unsafe extern "C" fn refuse(args: *mut c::PJRT_Callback_RegisterCallback_Args) -> Failure {
    // SAFETY: as above.
    let _ = unsafe { register(args) };
    something()
}

unsafe extern "C" fn invoke(args: *mut c::PJRT_Callback_InvokeCallback_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &*args };
    let callbacks = CALLBACKS.lock().unwrap().clone();
    for Registered(kind, function, data) in callbacks {
        if kind == args.type_ {
            // SAFETY: as the API says.
            unsafe { function(args.args, data) };
        }
    }
    null_mut()
}

type Register = unsafe extern "C" fn(*mut c::PJRT_Callback_RegisterCallback_Args) -> Failure;

/// A plugin with all three extensions, which registers callbacks so.
fn made_up(register: Register) -> Plugin {
    let mut chain: *mut sys::PJRT_Extension_Base = null_mut();
    let mut callback = c::PJRT_Callback_Extension::zeroed();
    callback.register_callback = Some(register);
    callback.invoke_callback = Some(invoke);
    callback.base.struct_size = size_of_val(&callback);
    callback.base.type_ = sys::PJRT_Extension_Type_Callback;
    callback.base.next = chain;
    chain = from_mut(Box::leak(Box::new(callback))).cast();
    let mut xla = xt::PJRT_Xla_Transform_Extension::zeroed();
    transform::fill(&mut xla);
    xla.base.struct_size = size_of_val(&xla);
    xla.base.type_ = sys::PJRT_Extension_Type_XlaTransform;
    xla.base.next = chain;
    chain = from_mut(Box::leak(Box::new(xla))).cast();
    let mut custom = cp::PJRT_Custom_Partitioner_Extension::zeroed();
    partitioner::fill(&mut custom);
    custom.base.struct_size = size_of_val(&custom);
    custom.base.type_ = sys::PJRT_Extension_Type_Custom_Partitioner;
    custom.base.next = chain;
    chain = from_mut(Box::leak(Box::new(custom))).cast();
    let mut unknown = sys::PJRT_Extension_Base::zeroed();
    unknown.struct_size = size_of_val(&unknown);
    unknown.type_ = sys::PJRT_Extension_Type_Unknown;
    unknown.next = chain;
    chain = from_mut(Box::leak(Box::new(unknown)));
    let mut table = sys::PJRT_Api::zeroed();
    table.struct_size = size_of_val(&table);
    table.extension_start = chain;
    table.pjrt_api_version.minor_version = sys::PJRT_API_MINOR as i32;
    table.PJRT_Plugin_Initialize = Some(initialize);
    table.PJRT_Client_Create = Some(create_client);
    table.PJRT_Client_Destroy = Some(destroy_client);
    // SAFETY: the table is whole, its functions are of the slots' types, and it is never freed.
    unsafe { Plugin::from_api(Box::leak(Box::new(table))) }.unwrap()
}

fn fake() -> Plugin {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    *PLUGIN.get_or_init(|| made_up(register))
}

fn client(plugin: &Plugin) -> Client {
    plugin.create_client(&ClientOptions::new()).unwrap()
}

#[test]
fn a_node_without_a_table_is_listed_and_nothing_more() {
    let kinds: Vec<_> = fake().extensions().iter().map(|node| node.kind).collect();
    assert_eq!(kinds[0], pjrt::ExtensionType::UNKNOWN);
    assert_eq!(kinds.len(), 4);
}

#[test]
fn libtpu_has_callbacks_of_the_size_that_is_known_here() {
    let Some(plugin) = plugin("tpu") else { return };
    let nodes = plugin.extensions();
    let size = |kind| nodes.iter().find(|node| node.kind == kind).map(|n| n.size);
    let callback = size(pjrt::ExtensionType::CALLBACK);
    assert_eq!(callback, Some(c::PJRT_Callback_Extension_STRUCT_SIZE));
    let xla = size(pjrt::ExtensionType::XLA_TRANSFORM);
    assert_eq!(xla, Some(xt::PJRT_Xla_Transform_Extension_STRUCT_SIZE));
    plugin.extension::<Callback>().unwrap();
}

#[test]
fn closures_are_called_for_their_kind_with_what_happened() {
    let _alone = ALONE.lock();
    let (callback, client) = (fake().extension::<Callback>().unwrap(), client(&fake()));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (errors, slices) = (heard.clone(), heard.clone());
    callback
        .on_prefatal(&client, move |error| {
            let text = format!("{} {}", error.code, error.message);
            errors.lock().unwrap().push(text);
        })
        .unwrap();
    callback
        .on_slice_failure(&client, move |failure| {
            slices.lock().unwrap().push(failure.to_string());
        })
        .unwrap();
    callback
        .invoke_prefatal(&client, ErrorCode::DATA_LOSS, "gone")
        .unwrap();
    let unknown = SliceFailure::from_raw(c::PJRT_Callback_Tpu_SliceFailureType(77));
    for failure in [SliceFailure::CHIP_DRIVER_ERROR, unknown] {
        callback.invoke_slice_failure(&client, failure).unwrap();
    }
    let expected = ["DATA_LOSS gone", "CHIP_DRIVER_ERROR", "SliceFailure(77)"];
    assert_eq!(*heard.lock().unwrap(), expected);
    CALLBACKS.lock().unwrap().clear();
}

#[test]
fn a_panic_stays_inside_and_what_cannot_be_read_is_not_shown() {
    let _alone = ALONE.lock();
    let (callback, client) = (fake().extension::<Callback>().unwrap(), client(&fake()));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let inside = heard.clone();
    let panics = move |error: &pjrt::callback::Prefatal<'_>| {
        inside.lock().unwrap().push(error.message.to_string());
        panic!("a closure that fails");
    };
    callback.on_prefatal(&client, panics).unwrap();
    let Registered(_, function, data) = CALLBACKS.lock().unwrap().pop().unwrap();
    let call = |args: *mut c::PJRT_Callback_PrefatalArgs| {
        let (args, data) = (args.addr(), data.addr());
        // The closure is called from any thread.
        let thread = std::thread::spawn(move || {
            let exposed = std::ptr::with_exposed_provenance_mut::<c_void>;
            // SAFETY: this is how a plugin calls.
            unsafe { function(exposed(args), exposed(data)) };
        });
        thread.join().unwrap();
    };
    let _ = (data.expose_provenance(), call(null_mut()));
    let mut args = c::PJRT_Callback_PrefatalArgs::zeroed();
    args.struct_size = c::PJRT_Callback_PrefatalArgs_STRUCT_SIZE;
    args.error_message_size = 4;
    let at = &raw mut args;
    let _ = at.expose_provenance();
    // Null with a length is no text.
    call(at);
    // SAFETY: nobody else uses them now.
    unsafe {
        (*at).error_message = c"a\xffb".as_ptr();
        call(at);
        (*at).struct_size -= 8;
        call(at);
    }
    assert_eq!(*heard.lock().unwrap(), ["", "a\u{fffd}b\0"]);
}

#[test]
fn a_refused_closure_is_freed_although_the_plugin_kept_it() {
    let _alone = ALONE.lock();
    let plugin = made_up(refuse);
    let (callback, client) = (plugin.extension::<Callback>().unwrap(), client(&plugin));
    let alive = Arc::new(());
    let inside = alive.clone();
    let closure = move |_| assert_eq!(Arc::strong_count(&inside), 0);
    assert!(callback.on_slice_failure(&client, closure).is_err());
    assert_eq!(Arc::strong_count(&alive), 1);
    // It calls all the same, and finds nothing.
    callback
        .invoke_slice_failure(&client, SliceFailure::INIT_ERROR)
        .unwrap();
    CALLBACKS.lock().unwrap().clear();
}

#[test]
fn a_client_of_another_plugin_is_refused() {
    let Some(cpu) = cpu() else { return };
    let callback = fake().extension::<Callback>().unwrap();
    let errors = [
        callback.on_prefatal(&cpu, |_| ()).unwrap_err(),
        callback
            .invoke_slice_failure(&cpu, SliceFailure::UNKNOWN)
            .unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::ForeignHandle { .. }), "{error}");
    }
    let absent = plugin("cpu").unwrap().extension::<Callback>().unwrap_err();
    assert!(matches!(absent, Error::NoExtension { .. }), "{absent}");
}
