//! Extensions of a plugin made up here: what no real plugin shows. It calls handlers from threads of
//! its own, late and with nonsense, hands out what is wrong, and has the example extension.

use pjrt::example::Example;
use pjrt::megascale::{ErrorDigest, Megascale};
use pjrt::sys::{self, example as ex, megascale as mega};
use pjrt::{Error, Plugin};
use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::ptr::{from_mut, null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, ThreadId};

/// What a handler was registered with.
#[derive(Clone, Copy)]
struct Registered(
    unsafe extern "C" fn(*const c_char, usize, *mut c_void),
    *mut c_void,
);

// SAFETY: the pair is only there to be called, as the API says, from any thread.
unsafe impl Send for Registered {}

static HANDLERS: Mutex<BTreeMap<String, Registered>> = Mutex::new(BTreeMap::new());
/// Threads on which digests were deleted.
static DELETED: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());
/// Example objects that live, and the sum of what they were given.
static OBJECTS: AtomicUsize = AtomicUsize::new(0);
static SUM: AtomicUsize = AtomicUsize::new(0);
/// Lists of addresses that were freed.
static FREED: AtomicUsize = AtomicUsize::new(0);

type Failure = *mut sys::PJRT_Error;

unsafe fn name(text: *const c_char, size: usize) -> String {
    // SAFETY: the callers give what they got from the crate.
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), size) };
    String::from_utf8(bytes.to_vec()).unwrap()
}

unsafe extern "C" fn initialize(_: *mut sys::PJRT_Plugin_Initialize_Args) -> Failure {
    null_mut()
}

/// An error is a pointer to nothing in particular; it has no functions.
fn failure() -> Failure {
    static BYTE: u8 = 0;
    std::ptr::from_ref(&BYTE).cast_mut().cast()
}

unsafe extern "C" fn register(
    args: *mut mega::PJRT_Megascale_RegisterErrorHandler_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &*args };
    // SAFETY: as above.
    let name = unsafe { name(args.handler_name, args.handler_name_size) };
    let refused = name.starts_with("refused");
    let pair = Registered(args.handler.unwrap(), args.user_data);
    HANDLERS.lock().unwrap().insert(name, pair);
    if refused { failure() } else { null_mut() }
}

/// Unregistering forgets nothing: this plugin calls late.
unsafe extern "C" fn unregister(
    _: *mut mega::PJRT_Megascale_UnregisterErrorHandler_Args,
) -> Failure {
    null_mut()
}

unsafe extern "C" fn aggregator(
    args: *mut mega::PJRT_Megascale_ErrorAggregator_Create_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).aggregator = failure().cast() };
    null_mut()
}

unsafe extern "C" fn drop_aggregator(
    _: *mut mega::PJRT_Megascale_ErrorAggregator_Delete_Args,
) -> Failure {
    null_mut()
}

unsafe extern "C" fn digest(
    args: *mut mega::PJRT_Megascale_ErrorAggregator_ProcessAndShutdown_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).digest = failure().cast() };
    null_mut()
}

unsafe extern "C" fn drop_digest(_: *mut mega::PJRT_Megascale_ErrorDigest_Delete_Args) -> Failure {
    DELETED.lock().unwrap().push(thread::current().id());
    null_mut()
}

unsafe extern "C" fn free(_: *mut mega::PJRT_Megascale_SerializedAddresses) {
    FREED.fetch_add(1, Ordering::SeqCst);
}

/// Two addresses; for a negative port, a number of addresses without the addresses.
unsafe extern "C" fn addresses(
    args: *mut mega::PJRT_Megascale_GetInterfaceAddressesHelper_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    let texts: &'static mut [*const c_char] =
        Box::leak(Box::new([c"one".as_ptr(), c"three".as_ptr()]));
    let sizes: &'static mut [usize] = Box::leak(Box::new([3, 5]));
    args.num_addresses = 2;
    args.serialized_addresses_sizes = sizes.as_mut_ptr();
    args.addresses = failure().cast();
    args.addresses_deleter = Some(free);
    if args.megascale_port >= 0 {
        args.serialized_addresses = texts.as_mut_ptr();
    }
    null_mut()
}

unsafe extern "C" fn create(
    args: *mut ex::PJRT_ExampleExtension_CreateExampleExtensionCpp_Args,
) -> Failure {
    OBJECTS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: the crate gives whole args.
    unsafe { (*args).extension_cpp = failure().cast() };
    null_mut()
}

unsafe extern "C" fn destroy(
    args: *mut ex::PJRT_ExampleExtension_CreateExampleExtensionCpp_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    assert!(!unsafe { (*args).extension_cpp }.is_null());
    OBJECTS.fetch_sub(1, Ordering::SeqCst);
    null_mut()
}

unsafe extern "C" fn method(args: *mut ex::PJRT_ExampleExtension_ExampleMethod_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &*args };
    let times = if args.extension_cpp.is_null() { 1 } else { 10 };
    let value = usize::try_from(args.value).unwrap();
    SUM.fetch_add(times * value, Ordering::SeqCst);
    null_mut()
}

/// A plugin with the given example table, if any, and with Megascale.
fn plugin(example: Option<ex::PJRT_Example_Extension>) -> Plugin {
    let mut chain: *mut sys::PJRT_Extension_Base = null_mut();
    let mut megascale = mega::PJRT_Megascale_Extension::zeroed();
    megascale.register_megascale_error_handler = Some(register);
    megascale.unregister_megascale_error_handler = Some(unregister);
    megascale.error_aggregator_create = Some(aggregator);
    megascale.error_aggregator_delete = Some(drop_aggregator);
    megascale.error_aggregator_process_and_shutdown = Some(digest);
    megascale.error_digest_delete = Some(drop_digest);
    megascale.get_interface_addresses_helper = Some(addresses);
    megascale.base.struct_size = size_of_val(&megascale);
    megascale.base.type_ = sys::PJRT_Extension_Type_Megascale;
    megascale.base.next = chain;
    chain = from_mut(Box::leak(Box::new(megascale))).cast();
    if let Some(mut example) = example {
        example.base.struct_size = size_of_val(&example);
        example.base.type_ = sys::PJRT_Extension_Type_Example;
        example.base.next = chain;
        chain = from_mut(Box::leak(Box::new(example))).cast();
    }
    let mut table = sys::PJRT_Api::zeroed();
    table.struct_size = size_of_val(&table);
    table.extension_start = chain;
    table.pjrt_api_version.minor_version = sys::PJRT_API_MINOR as i32;
    table.PJRT_Plugin_Initialize = Some(initialize);
    // SAFETY: the table is whole, its functions are of the slots' types, and it is never freed.
    unsafe { Plugin::from_api(Box::leak(Box::new(table))) }.unwrap()
}

fn megascale() -> Megascale {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    PLUGIN.get_or_init(|| plugin(None)).extension().unwrap()
}

/// Calls a handler as the plugin would, from a thread of its own, and gives that thread.
fn report(name: &str, error: Option<&'static [u8]>) -> ThreadId {
    let handler = *HANDLERS.lock().unwrap().get(name).unwrap();
    let call = move || {
        let handler = handler;
        let bytes = error.map_or(null(), <[u8]>::as_ptr);
        // SAFETY: this is how a plugin calls; null with a length is what it must not do.
        unsafe { (handler.0)(bytes.cast(), error.map_or(7, <[u8]>::len), handler.1) };
        thread::current().id()
    };
    thread::spawn(call).join().unwrap()
}

#[test]
fn a_handler_gets_the_bytes_on_the_plugins_thread() {
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let handler = move |error: &[u8]| {
        let message = (error.to_vec(), thread::current().id());
        sender.lock().unwrap().send(message).unwrap();
    };
    megascale()
        .register_error_handler("bytes", handler)
        .unwrap();
    let thread = report("bytes", Some(b"broken"));
    assert_eq!(receiver.recv().unwrap(), (b"broken".to_vec(), thread));
    report("bytes", Some(b""));
    assert_eq!(receiver.recv().unwrap().0, b"");
    // Null with a length is no error's bytes.
    report("bytes", None);
    assert!(receiver.try_recv().is_err());
}

#[test]
fn a_panic_of_a_handler_stays_in_it() {
    let count = Arc::new(AtomicUsize::new(0));
    let inside = count.clone();
    let handler = move |_: &[u8]| {
        inside.fetch_add(1, Ordering::SeqCst);
        panic!("a handler that fails");
    };
    megascale()
        .register_error_handler("panic", handler)
        .unwrap();
    report("panic", Some(b"a"));
    report("panic", Some(b"b"));
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[test]
fn a_late_call_finds_no_handler() {
    let count = Arc::new(AtomicUsize::new(0));
    let inside = count.clone();
    let handler = move |_: &[u8]| {
        inside.fetch_add(1, Ordering::SeqCst);
    };
    megascale().register_error_handler("late", handler).unwrap();
    report("late", Some(b"in time"));
    megascale().unregister_error_handler("late").unwrap();
    assert_eq!(Arc::strong_count(&count), 1);
    report("late", Some(b"late"));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn a_registration_that_fails_frees_its_handler_even_if_the_plugin_kept_it() {
    let count = Arc::new(AtomicUsize::new(0));
    let inside = count.clone();
    let handler = move |_: &[u8]| {
        inside.fetch_add(1, Ordering::SeqCst);
    };
    let refused = megascale().register_error_handler("refused", handler);
    assert!(matches!(refused, Err(Error::Plugin(_))), "{refused:?}");
    assert_eq!(Arc::strong_count(&count), 1);
    report("refused", Some(b"nonetheless"));
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[test]
fn a_handler_that_unregisters_itself_ends_after_its_call() {
    let alive = Arc::new(());
    let inside = alive.clone();
    let handler = move |_: &[u8]| {
        megascale().unregister_error_handler("itself").unwrap();
        assert_eq!(Arc::strong_count(&inside), 2);
    };
    megascale()
        .register_error_handler("itself", handler)
        .unwrap();
    report("itself", Some(b"once"));
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn a_handle_that_goes_away_in_a_handler_is_destroyed_on_another_thread() {
    let aggregator = megascale().error_aggregator("drops").unwrap();
    let digest: ErrorDigest = aggregator.process_and_shutdown().unwrap();
    let digest = Mutex::new(Some(digest));
    let handler = move |_: &[u8]| drop(digest.lock().unwrap().take());
    megascale()
        .register_error_handler("drops", handler)
        .unwrap();
    let before = DELETED.lock().unwrap().len();
    let plugins = report("drops", Some(b"now"));
    let deleted = loop {
        if let Some(thread) = DELETED.lock().unwrap().get(before) {
            break *thread;
        }
        thread::yield_now();
    };
    assert_ne!(deleted, plugins);
}

#[test]
fn addresses_are_copied_and_freed_once_and_nonsense_is_freed_too() {
    let list = megascale().interface_addresses("port", 1, &["eth"], false, false);
    assert_eq!(list.unwrap(), [b"one".to_vec(), b"three".to_vec()]);
    assert_eq!(FREED.load(Ordering::SeqCst), 1);
    let list = megascale().interface_addresses("port", -1, &[], true, false);
    assert!(matches!(list, Err(Error::InvalidOutput { .. })), "{list:?}");
    assert_eq!(FREED.load(Ordering::SeqCst), 2);
}

#[test]
fn a_slot_that_is_null_is_an_error_that_names_the_function() {
    let error = megascale().default_client_context().unwrap_err();
    let Error::Unimplemented { function, .. } = error else {
        panic!("expected an absent function, got {error}")
    };
    assert_eq!(function, "PJRT_Megascale_DeleteClientContext");
    assert!(matches!(
        megascale().megascale_id(1, 1),
        Err(Error::Unimplemented {
            function: "PJRT_Megascale_DeviceId_To_MegascaleId",
            ..
        })
    ));
}

#[test]
fn the_example_extension_makes_objects_and_takes_numbers() {
    let mut table = ex::PJRT_Example_Extension::zeroed();
    table.example_method = Some(method);
    // What could not be destroyed is not made.
    table.create = Some(create);
    let example: Example = plugin(Some(table)).extension().unwrap();
    assert!(matches!(
        example.create(),
        Err(Error::Unimplemented {
            function: "PJRT_Example_Extension_destroy",
            ..
        })
    ));
    assert_eq!(OBJECTS.load(Ordering::SeqCst), 0);

    table.destroy = Some(destroy);
    let other: Example = plugin(Some(table)).extension().unwrap();
    let object = other.create().unwrap();
    other.example_method(Some(&object), 3).unwrap();
    other.example_method(None, 4).unwrap();
    assert_eq!(SUM.load(Ordering::SeqCst), 34);
    let foreign = example.example_method(Some(&object), 1);
    assert!(
        matches!(foreign, Err(Error::ForeignHandle { .. })),
        "{foreign:?}"
    );
    assert_eq!(OBJECTS.load(Ordering::SeqCst), 1);
    drop(object);
    assert_eq!(OBJECTS.load(Ordering::SeqCst), 0);
    assert!(plugin(None).extension::<Example>().is_err());
}
