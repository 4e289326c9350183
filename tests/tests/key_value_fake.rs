//! Key-value stores, with a plugin made up here that calls its callbacks: the real CPU plugin never
//! does. It calls them from threads of its own, and as XLA's plugins do with args that are mostly
//! not set.

use pjrt::sys;
use pjrt::{CallbackError, ClientOptions, ErrorCode, InMemoryStore, KeyValueStore, Plugin};
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{from_ref, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

type Failure = *mut sys::PJRT_Error;
/// Code and message of an error, or bytes.
type Answer = Result<Vec<u8>, (sys::PJRT_Error_Code, String)>;

/// What a client was created with.
#[derive(Clone, Copy)]
struct Given {
    get: sys::PJRT_KeyValueGetCallback,
    try_get: sys::PJRT_KeyValueTryGetCallback,
    put: sys::PJRT_KeyValuePutCallback,
    data: [*mut c_void; 3],
}

// SAFETY: the words are only there to be given back, from any thread, as the API says.
unsafe impl Send for Given {}

static GIVEN: Mutex<Vec<Given>> = Mutex::new(Vec::new());
/// Tests look at what the last client was given: one at a time.
static TURN: Mutex<()> = Mutex::new(());

unsafe extern "C" fn initialize(_: *mut sys::PJRT_Plugin_Initialize_Args) -> Failure {
    null_mut()
}

unsafe extern "C" fn create(args: *mut sys::PJRT_Client_Create_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    GIVEN.lock().unwrap().push(Given {
        get: args.kv_get_callback,
        try_get: args.kv_try_get_callback,
        put: args.kv_put_callback,
        data: [
            args.kv_get_user_arg,
            args.kv_try_get_user_arg,
            args.kv_put_user_arg,
        ],
    });
    static CLIENT: u8 = 0;
    args.client = from_ref(&CLIENT).cast_mut().cast();
    null_mut()
}

unsafe extern "C" fn destroy(_: *mut sys::PJRT_Client_Destroy_Args) -> Failure {
    null_mut()
}

fn plugin(minor: i32) -> Plugin {
    let mut table = sys::PJRT_Api::zeroed();
    table.struct_size = size_of_val(&table);
    table.pjrt_api_version.minor_version = minor;
    table.PJRT_Plugin_Initialize = Some(initialize);
    table.PJRT_Client_Create = Some(create);
    table.PJRT_Client_Destroy = Some(destroy);
    // SAFETY: the table is whole, its functions are of the slots' types, and it is never freed.
    unsafe { Plugin::from_api(Box::leak(Box::new(table))) }.unwrap()
}

fn current() -> Plugin {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    *PLUGIN.get_or_init(|| plugin(114))
}

fn with_store(store: impl KeyValueStore) -> (pjrt::Client, Given) {
    let options = ClientOptions::new().key_value_store(Arc::new(store));
    let client = current().create_client(&options).unwrap();
    (client, *GIVEN.lock().unwrap().last().unwrap())
}

/// An error of this plugin.
unsafe extern "C" fn make(
    code: sys::PJRT_Error_Code,
    message: *const c_char,
    size: usize,
) -> Failure {
    // SAFETY: the crate gives a message of that length.
    let message = unsafe { std::slice::from_raw_parts(message.cast::<u8>(), size) };
    let message = String::from_utf8(message.to_vec()).unwrap();
    Box::into_raw(Box::new((code, message))).cast()
}

fn answer(
    error: Failure,
    value: *mut c_char,
    size: usize,
    free: Option<unsafe extern "C" fn(*mut c_char)>,
) -> Answer {
    if !error.is_null() {
        // SAFETY: `make` made it.
        return Err(*unsafe { Box::from_raw(error.cast::<(sys::PJRT_Error_Code, String)>()) });
    }
    // SAFETY: the crate says so many bytes, and how to free them.
    unsafe {
        let bytes = std::slice::from_raw_parts(value.cast::<u8>(), size).to_vec();
        free.unwrap()(value);
        Ok(bytes)
    }
}

impl Given {
    fn get(self, key: &[u8], timeout: c_int) -> Answer {
        let mut make: sys::PJRT_CallbackError = Some(make);
        let mut args = sys::PJRT_KeyValueGetCallback_Args::zeroed();
        // What this plugin leaves in the fields that it does not set.
        args.struct_size = usize::MAX;
        args.value = 3 as *mut c_char;
        args.key = key.as_ptr().cast();
        args.key_size = key.len();
        args.timeout_in_ms = timeout;
        args.callback_error = &raw mut make;
        args.user_arg = self.data[0];
        // SAFETY: the args are as the API says.
        let error = unsafe { self.get.unwrap()(&raw mut args) };
        answer(
            error,
            args.value,
            args.value_size,
            args.value_deleter_callback,
        )
    }

    fn try_get(self, key: &[u8]) -> Answer {
        let mut make: sys::PJRT_CallbackError = Some(make);
        let mut args = sys::PJRT_KeyValueTryGetCallback_Args::zeroed();
        args.struct_size = usize::MAX;
        args.key = key.as_ptr().cast();
        args.key_size = key.len();
        args.callback_error = &raw mut make;
        args.user_arg = self.data[1];
        // SAFETY: the args are as the API says.
        let error = unsafe { self.try_get.unwrap()(&raw mut args) };
        answer(
            error,
            args.value,
            args.value_size,
            args.value_deleter_callback,
        )
    }

    fn put(self, key: &[u8], value: &[u8]) -> Option<(sys::PJRT_Error_Code, String)> {
        let mut make: sys::PJRT_CallbackError = Some(make);
        let mut args = sys::PJRT_KeyValuePutCallback_Args::zeroed();
        args.struct_size = usize::MAX;
        args.key = key.as_ptr().cast();
        args.key_size = key.len();
        args.value = value.as_ptr().cast();
        args.value_size = value.len();
        args.callback_error = &raw mut make;
        args.user_arg = self.data[2];
        // SAFETY: the args are as the API says.
        let error = unsafe { self.put.unwrap()(&raw mut args) };
        if error.is_null() {
            return None;
        }
        answer(error, null_mut(), 0, None).err()
    }
}

#[test]
fn a_plugin_puts_waits_and_asks_from_many_threads() {
    let _turn = TURN.lock();
    let (_client, given) = with_store(InMemoryStore::new());
    let waiting = thread::spawn(move || given.get(b"late", 60_000));
    let forever = thread::spawn(move || given.get(b"late", -1));
    for number in 0..8u8 {
        thread::spawn(move || assert_eq!(given.put(&[number], &[number; 300]), None))
            .join()
            .unwrap();
        assert_eq!(given.try_get(&[number]).unwrap(), [number; 300]);
    }
    assert_eq!(given.put(b"late", b""), None);
    assert_eq!(waiting.join().unwrap(), Ok(Vec::new()));
    assert_eq!(forever.join().unwrap(), Ok(Vec::new()));
}

#[test]
fn what_is_not_there_is_told_apart_from_what_came_too_late() {
    let _turn = TURN.lock();
    let (_client, given) = with_store(InMemoryStore::new());
    let (code, message) = given.try_get(b"name").unwrap_err();
    assert_eq!(code, ErrorCode::NOT_FOUND.as_raw());
    assert!(message.contains("`name`"), "{message}");
    let (code, _) = given.get(b"name", 1).unwrap_err();
    assert_eq!(code, ErrorCode::DEADLINE_EXCEEDED.as_raw());
    assert_eq!(given.put(b"name", b"1"), None);
    let (code, _) = given.put(b"name", b"2").unwrap();
    assert_eq!(code, ErrorCode::ALREADY_EXISTS.as_raw());
}

/// A store that does nothing well.
struct Broken(Arc<AtomicBool>);

impl KeyValueStore for Broken {
    fn get(&self, _: &[u8], timeout: Duration) -> Result<Option<Vec<u8>>, CallbackError> {
        panic!("asked to wait {timeout:?}")
    }
    fn try_get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, CallbackError> {
        Err(CallbackError::new(ErrorCode::OK, "no success"))
    }
    fn put(&self, _: &[u8], _: &[u8]) -> Result<(), CallbackError> {
        Err(CallbackError::new(
            ErrorCode::UNAVAILABLE,
            "the line is cut",
        ))
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn errors_and_panics_of_a_store_become_errors_of_the_plugin() {
    let _turn = TURN.lock();
    let (_client, given) = with_store(Broken(Arc::default()));
    let (code, _) = given.get(b"k", 5).unwrap_err();
    assert_eq!(code, ErrorCode::INTERNAL.as_raw());
    let (code, _) = given.try_get(b"k").unwrap_err();
    assert_eq!(code, ErrorCode::UNKNOWN.as_raw());
    let said = given.put(b"k", b"v").unwrap();
    assert_eq!(
        said,
        (ErrorCode::UNAVAILABLE.as_raw(), "the line is cut".into())
    );
}

#[test]
fn a_store_lives_as_long_as_its_client_and_later_calls_find_none() {
    let _turn = TURN.lock();
    let gone = Arc::new(AtomicBool::new(false));
    let (client, given) = with_store(Broken(gone.clone()));
    let other = client.clone();
    drop(client);
    assert!(!gone.load(Ordering::SeqCst));
    drop(other);
    assert!(gone.load(Ordering::SeqCst));
    let (code, _) = given.put(b"k", b"v").unwrap();
    assert_eq!(code, ErrorCode::FAILED_PRECONDITION.as_raw());
}

#[test]
fn a_plugin_gets_no_callbacks_without_a_store_and_none_that_it_does_not_know() {
    let _turn = TURN.lock();
    let _client = current().create_client(&ClientOptions::new()).unwrap();
    let given = *GIVEN.lock().unwrap().last().unwrap();
    assert!(given.get.is_none() && given.try_get.is_none() && given.put.is_none());
    assert!(given.data.iter().all(|data| data.is_null()));
    let options = ClientOptions::new().key_value_store(Arc::new(InMemoryStore::new()));
    let _client = plugin(61).create_client(&options).unwrap();
    let given = *GIVEN.lock().unwrap().last().unwrap();
    assert!(given.get.is_some() && given.try_get.is_none() && given.put.is_some());
}
