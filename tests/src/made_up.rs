//! The common part of a plugin made up here: objects that are counted, a client with one device of
//! its own and one of another process, events, and errors with a code and a message.

use pjrt::{Client, ClientOptions, Plugin, sys};
use std::collections::{BTreeMap, BTreeSet};
use std::ptr::{from_mut, null_mut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a function of a plugin returns.
pub type Failure = *mut sys::PJRT_Error;

/// Addresses of objects that live.
static LIVE: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());
/// What happened that must not.
static FAULTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// What is done when an event is set, by its address: with the code.
type Hook = Box<dyn FnOnce(u32) + Send>;
static HOOKS: Mutex<BTreeMap<usize, Hook>> = Mutex::new(BTreeMap::new());
static TURN: Mutex<()> = Mutex::new(());

/// An error: what it says, and that it lives.
struct Said(sys::PJRT_Error_Code, &'static str);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One test at a time, and nothing that lives or went wrong before it or is left by it.
pub struct Turn(#[allow(dead_code, reason = "held until the end")] MutexGuard<'static, ()>);

/// Waits for the turn of this test.
pub fn turn() -> Turn {
    let turn = locked(&TURN);
    locked(&LIVE).clear();
    locked(&FAULTS).clear();
    Turn(turn)
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(locked(&FAULTS).as_slice(), [] as [String; 0]);
            assert_eq!(live(0), 0, "objects that nobody freed");
        }
    }
}

/// Notes what must not happen: the end of the turn fails then.
pub fn fault(what: impl Into<String>) {
    locked(&FAULTS).push(what.into());
}

/// How many objects live. Handles that a callback dropped are freed by a thread of the crate: it is
/// waited until there are as many as expected, for a while.
pub fn live(expected: usize) -> usize {
    for _ in 0..2000 {
        if locked(&LIVE).len() == expected {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    locked(&LIVE).len()
}

/// A new object.
pub fn object<T>() -> *mut T {
    let object: *mut u64 = Box::leak(Box::new(0));
    locked(&LIVE).insert(object.addr());
    object.cast()
}

/// The end of an object. Its memory stays, so that no address comes twice.
pub fn end<T>(object: *mut T) {
    if !locked(&LIVE).remove(&object.addr()) {
        fault(format!("{} freed twice", std::any::type_name::<T>()));
    }
}

/// Whether an object lives.
pub fn is_live<T>(object: *mut T) -> bool {
    locked(&LIVE).contains(&object.addr())
}

/// An error of the plugin.
pub fn error(code: sys::PJRT_Error_Code, message: &'static str) -> Failure {
    let error = from_mut(Box::leak(Box::new(Said(code, message))));
    locked(&LIVE).insert(error.addr());
    error.cast()
}

/// What a plugin does with an error that it lent.
pub fn end_error(error: Failure) {
    if !error.is_null() {
        end(error);
    }
}

/// Sets what is done when an event is set.
pub fn when_set(event: *mut sys::PJRT_Event, hook: impl FnOnce(u32) + Send + 'static) {
    locked(&HOOKS).insert(event.addr(), Box::new(hook));
}

unsafe extern "C" fn initialize(_: *mut sys::PJRT_Plugin_Initialize_Args) -> Failure {
    null_mut()
}

unsafe extern "C" fn error_destroy(args: *mut sys::PJRT_Error_Destroy_Args) {
    // SAFETY: the crate gives whole args.
    end(unsafe { (*args).error });
}

unsafe extern "C" fn error_message(args: *mut sys::PJRT_Error_Message_Args) {
    // SAFETY: the crate gives whole args with an error of ours, whose memory stays.
    let said = unsafe { &*(*args).error.cast::<Said>() };
    // SAFETY: as above.
    unsafe {
        (*args).message = said.1.as_ptr().cast();
        (*args).message_size = said.1.len();
    }
}

unsafe extern "C" fn error_code(args: *mut sys::PJRT_Error_GetCode_Args) -> Failure {
    // SAFETY: as above.
    unsafe {
        if !is_live((*args).error.cast_mut()) {
            fault("an error is read that was destroyed");
        }
        (*args).code = (*(*args).error.cast::<Said>()).0;
    }
    null_mut()
}

unsafe extern "C" fn create(args: *mut sys::PJRT_Client_Create_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).client = object() };
    null_mut()
}

unsafe extern "C" fn destroy(args: *mut sys::PJRT_Client_Destroy_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    end(unsafe { (*args).client });
    null_mut()
}

static DEVICES: [u64; 2] = [0, 1];

unsafe extern "C" fn devices(args: *mut sys::PJRT_Client_Devices_Args) -> Failure {
    let list = DEVICES.each_ref();
    let list = list.map(|device| std::ptr::from_ref(device).cast_mut().cast());
    let list: &'static [*mut sys::PJRT_Device] = Box::leak(Box::new(list));
    // SAFETY: the crate gives whole args.
    unsafe {
        (*args).devices = list.as_ptr();
        (*args).num_devices = list.len();
    }
    null_mut()
}

/// The first device is the process's own.
unsafe extern "C" fn addressable(args: *mut sys::PJRT_Device_IsAddressable_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).is_addressable = (*args).device.addr() == (&raw const DEVICES[0]).addr() };
    null_mut()
}

unsafe extern "C" fn buffer_destroy(args: *mut sys::PJRT_Buffer_Destroy_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    end(unsafe { (*args).buffer });
    null_mut()
}

unsafe extern "C" fn event_create(args: *mut sys::PJRT_Event_Create_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).event = object() };
    null_mut()
}

unsafe extern "C" fn event_set(args: *mut sys::PJRT_Event_Set_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &*args };
    if !is_live(args.event) {
        fault("an event is set that was destroyed");
    }
    let hook = locked(&HOOKS).remove(&args.event.addr());
    match hook {
        Some(hook) => hook(args.error_code.0),
        None => fault("an event is set twice, or was never given to anybody"),
    }
    null_mut()
}

unsafe extern "C" fn event_destroy(args: *mut sys::PJRT_Event_Destroy_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    end(unsafe { (*args).event });
    null_mut()
}

unsafe extern "C" fn event_await(_: *mut sys::PJRT_Event_Await_Args) -> Failure {
    null_mut()
}

unsafe extern "C" fn event_ready(args: *mut sys::PJRT_Event_IsReady_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).is_ready = true };
    null_mut()
}

/// A plugin of a minor version with a chain of extensions.
pub fn plugin(minor: i32, chain: *mut sys::PJRT_Extension_Base) -> Plugin {
    let mut table = sys::PJRT_Api::zeroed();
    table.struct_size = size_of_val(&table);
    table.extension_start = chain;
    table.pjrt_api_version.minor_version = minor;
    table.PJRT_Plugin_Initialize = Some(initialize);
    table.PJRT_Error_Destroy = Some(error_destroy);
    table.PJRT_Error_Message = Some(error_message);
    table.PJRT_Error_GetCode = Some(error_code);
    table.PJRT_Client_Create = Some(create);
    table.PJRT_Client_Destroy = Some(destroy);
    table.PJRT_Client_Devices = Some(devices);
    table.PJRT_Device_IsAddressable = Some(addressable);
    table.PJRT_Buffer_Destroy = Some(buffer_destroy);
    table.PJRT_Event_Create = Some(event_create);
    table.PJRT_Event_Set = Some(event_set);
    table.PJRT_Event_Destroy = Some(event_destroy);
    table.PJRT_Event_Await = Some(event_await);
    table.PJRT_Event_IsReady = Some(event_ready);
    // SAFETY: the table is whole, its functions are of the slots' types, and it is never freed.
    unsafe { Plugin::from_api(Box::leak(Box::new(table))) }.unwrap()
}

/// A client of it.
pub fn client(plugin: &Plugin) -> Client {
    plugin.create_client(&ClientOptions::new()).unwrap()
}
