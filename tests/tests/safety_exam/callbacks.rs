//! What a plugin calls back, and from where.

use crate::support::{MATRIX, NEWEST, both, client, matrix, memory, with_table};
use pjrt::{Client, ClientOptions, ElementType, InMemoryStore, KeyValueStore, sys};
use pjrt_tests::mock;
use std::ffi::{c_char, c_void};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, ThreadId};

/// A function of the mock's table.
type Function<A> = unsafe extern "C" fn(*mut A) -> *mut sys::PJRT_Error;

static CREATE: OnceLock<Function<sys::PJRT_Client_Create_Args>> = OnceLock::new();
/// What a client was created with: the function, and what it is called with.
static PUT: Mutex<Option<(sys::PJRT_KeyValuePutCallback, usize)>> = Mutex::new(None);

unsafe extern "C" fn noted_create(args: *mut sys::PJRT_Client_Create_Args) -> *mut sys::PJRT_Error {
    // SAFETY: the arguments are whole, and the mock's own function gets them as they came.
    unsafe {
        let put = ((*args).kv_put_callback, (*args).kv_put_user_arg.addr());
        *PUT.lock().unwrap() = Some(put);
        CREATE.get().unwrap()(args)
    }
}

/// No store fails here.
unsafe extern "C" fn no_error(
    _: sys::PJRT_Error_Code,
    _: *const c_char,
    _: usize,
) -> *mut sys::PJRT_Error {
    std::ptr::dangling_mut()
}

/// Puts a value as the plugin would, from a thread of its own; says whether the store took it.
fn put(key: &'static [u8], value: &'static [u8]) -> bool {
    let calls = move || {
        let (put, data) = PUT.lock().unwrap().unwrap();
        let mut make: sys::PJRT_CallbackError = Some(no_error);
        let mut args = sys::PJRT_KeyValuePutCallback_Args::zeroed();
        args.struct_size = size_of_val(&args);
        (args.key, args.key_size) = (key.as_ptr().cast(), key.len());
        (args.value, args.value_size) = (value.as_ptr().cast(), value.len());
        args.callback_error = &raw mut make;
        args.user_arg = data as *mut c_void;
        // SAFETY: the function is the one that was given, with the data that came with it.
        unsafe { put.unwrap()(&raw mut args).is_null() }
    };
    thread::spawn(calls).join().unwrap()
}

pub fn callback_data_on_stack() {
    let inner = mock(NEWEST);
    let plugin = with_table(&inner, |table| {
        CREATE.set(table.PJRT_Client_Create.unwrap()).unwrap();
        table.PJRT_Client_Create = Some(noted_create);
    });
    let store = Arc::new(InMemoryStore::new());
    let options = ClientOptions::new().key_value_store(store.clone());
    let client = plugin.create_client(&options).unwrap();
    drop(options);
    // The plugin calls long after the client was made.
    assert!(put(b"later", b"value"));
    assert_eq!(
        store.try_get(b"later").unwrap().as_deref(),
        Some(&b"value"[..])
    );
    // A call that comes when the client is gone finds nothing, and reads no memory that is gone.
    drop(client);
    assert!(!put(b"too late", b"value"));
    assert_eq!(store.try_get(b"too late").unwrap(), None);
}

static DESTROY: OnceLock<Function<sys::PJRT_Client_Destroy_Args>> = OnceLock::new();
static DESTROYED_BY: Mutex<Option<ThreadId>> = Mutex::new(None);

unsafe extern "C" fn noted_destroy(
    args: *mut sys::PJRT_Client_Destroy_Args,
) -> *mut sys::PJRT_Error {
    *DESTROYED_BY.lock().unwrap() = Some(thread::current().id());
    // SAFETY: the mock's own function gets the arguments as they came.
    unsafe { DESTROY.get().unwrap()(args) }
}

/// Drops the last handles of a client in a callback; gives the thread that it runs on.
fn dropped_in_a_callback(client: Client) -> ThreadId {
    let alias = client.create_alias_buffer(&memory(&client), ElementType::F32, &[2, 2], None);
    let (alias, promise) = alias.unwrap();
    let event = alias.ready_event().unwrap();
    let (buffer, (sender, receiver)) = (matrix(&client), channel());
    let fulfil = move || {
        promise.fulfill(Ok(&buffer)).unwrap();
        // All of it, so that the callback has the last.
        drop(buffer);
    };
    let (go, gone) = channel::<()>();
    let last = (client, alias);
    let told = move |_| {
        // Everybody else's handles are gone.
        gone.recv().unwrap();
        drop(last);
        sender.send(thread::current().id()).unwrap();
    };
    event.on_ready(told).unwrap();
    drop(event);
    let fulfilled = thread::spawn(fulfil);
    go.send(()).unwrap();
    let thread = receiver.recv().unwrap();
    fulfilled.join().unwrap();
    thread
}

pub fn last_drop_on_plugin_thread() {
    both(
        "last_drop_on_plugin_thread",
        |inner| {
            let plugin = with_table(inner, |table| {
                DESTROY.set(table.PJRT_Client_Destroy.unwrap()).unwrap();
                table.PJRT_Client_Destroy = Some(noted_destroy);
            });
            let callback = dropped_in_a_callback(client(&plugin));
            let destroyed = || *DESTROYED_BY.lock().unwrap();
            crate::support::until("nobody destroys the client", || destroyed().is_some());
            assert_ne!(destroyed(), Some(callback));
        },
        |plugin| {
            dropped_in_a_callback(client(plugin));
            let buffer = matrix(&client(plugin));
            assert_eq!(buffer.to_vec::<f32>().unwrap(), MATRIX);
        },
    );
}
