//! The plugin's events and promises. They are never freed, so that their counts can be read when
//! nobody has them.

use pjrt::ErrorCode;
use pjrt::sys::device_event::*;
use pjrt::sys::{self, PJRT_Error};
use std::ffi::{c_char, c_void};
use std::ptr::{from_mut, null};
use std::sync::Mutex;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

static STREAM: AtomicIsize = AtomicIsize::new(7);

type Waiter = Box<dyn FnOnce() + Send>;
/// Whether an event has happened, and with what error; who waits for it.
type State = (Option<Option<(u32, String)>>, Vec<Waiter>);

#[derive(Default)]
pub struct Event {
    references: AtomicUsize,
    state: Mutex<State>,
}

impl Event {
    pub fn new() -> &'static Event {
        let event = Box::leak(Box::new(Event::default()));
        event.references.store(1, Ordering::SeqCst);
        event
    }

    pub fn raw(&self) -> PJRT_DeviceEvent {
        PJRT_DeviceEvent {
            vtable: event_table(size_of::<PJRT_DeviceEvent_FunctionTable>()),
            device_event: std::ptr::from_ref(self).cast_mut().cast(),
        }
    }

    pub fn happen(&self, error: Option<(u32, String)>) {
        let waiters = {
            let mut state = self.state.lock().unwrap();
            assert!(state.0.is_none(), "an event happens once");
            state.0 = Some(error);
            std::mem::take(&mut state.1)
        };
        waiters.into_iter().for_each(|waiter| waiter());
    }

    pub fn then(&self, waiter: Waiter) {
        let mut state = self.state.lock().unwrap();
        if state.0.is_none() {
            state.1.push(waiter);
            return;
        }
        drop(state);
        waiter();
    }

    pub fn less(&self) {
        let before = self.references.fetch_sub(1, Ordering::SeqCst);
        assert!(before > 0, "a reference too many was given up");
    }
}

/// The event behind a pointer that this plugin made.
pub fn event_at(at: *mut c_void) -> &'static Event {
    // SAFETY: events are never freed.
    unsafe { &*at.cast::<Event>() }
}

unsafe extern "C" fn event_inc(at: *mut c_void) {
    event_at(at).references.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn event_dec(at: *mut c_void) {
    event_at(at).less();
}

unsafe extern "C" fn event_then(
    at: *mut c_void,
    call: PJRT_DeviceEvent_AndThen,
    data: *mut c_void,
) {
    let data = data.expose_provenance();
    let waiter = move || {
        // SAFETY: called once, with the data that came with it.
        unsafe { call.unwrap()(std::ptr::with_exposed_provenance_mut(data)) }
    };
    event_at(at).then(Box::new(waiter));
}

unsafe extern "C" fn event_error(
    at: *mut c_void,
    code: *mut sys::PJRT_Error_Code,
    message: *mut *const c_char,
    size: *mut usize,
) -> i32 {
    let state = event_at(at).state.lock().unwrap();
    let Some(Some((number, text))) = &state.0 else {
        return 0;
    };
    // SAFETY: the outputs are the caller's; the text never changes again.
    unsafe {
        *code = sys::PJRT_Error_Code(*number);
        *message = text.as_ptr().cast();
        *size = text.len();
    }
    1
}

unsafe extern "C" fn event_state(at: *mut c_void) -> PJRT_DeviceEvent_State {
    PJRT_DeviceEvent_State(match event_at(at).state.lock().unwrap().0 {
        None => 0,
        Some(None) => 1,
        Some(Some(_)) => 2,
    })
}

unsafe extern "C" fn event_stream(_: *mut c_void, number: *mut u64) -> isize {
    // SAFETY: the output is the caller's.
    unsafe { *number = 42 };
    STREAM.load(Ordering::SeqCst)
}

/// One table for all, so that events are of one kind.
fn root() -> *const PJRT_DeviceEvent_FunctionTable {
    static ROOT: Mutex<usize> = Mutex::new(0);
    let mut root = ROOT.lock().unwrap();
    if *root == 0 {
        *root = event_table_without_parent().expose_provenance();
    }
    std::ptr::with_exposed_provenance(*root)
}

pub fn event_table_without_parent() -> *const PJRT_DeviceEvent_FunctionTable {
    let mut table = PJRT_DeviceEvent_FunctionTable::zeroed();
    table.struct_size = size_of_val(&table);
    table.inc_ref = Some(event_inc);
    table.dec_ref = Some(event_dec);
    table.and_then = Some(event_then);
    table.get_error_if_present = Some(event_error);
    table.get_state = Some(event_state);
    table.get_definition_stream = Some(event_stream);
    Box::leak(Box::new(table))
}

/// A table that says it has this size.
pub fn event_table(size: usize) -> *const PJRT_DeviceEvent_FunctionTable {
    // SAFETY: the table was leaked just now.
    let table = unsafe { &mut *event_table_without_parent().cast_mut() };
    table.struct_size = size;
    table.parent = root();
    table
}

pub fn set_stream(stream: isize) {
    STREAM.store(stream, Ordering::SeqCst);
}

pub fn references(event: PJRT_DeviceEvent) -> usize {
    event_at(event.device_event)
        .references
        .load(Ordering::SeqCst)
}

pub fn happen(event: PJRT_DeviceEvent, error: Option<(ErrorCode, &str)>) {
    let error = error.map(|(code, text)| (code.as_raw().0, text.to_owned()));
    event_at(event.device_event).happen(error);
}

/// Happens on a thread of the plugin's, which is told.
pub fn happen_elsewhere(
    event: PJRT_DeviceEvent,
    error: Option<(ErrorCode, &'static str)>,
) -> ThreadId {
    let event = event_at(event.device_event);
    let error = error.map(|(code, text)| (code.as_raw().0, text.to_owned()));
    let body = move || {
        event.happen(error);
        thread::current().id()
    };
    thread::spawn(body).join().unwrap()
}

/// Waits for what another thread is about to do.
pub fn until(done: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if done() {
            return;
        }
        thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("it never came");
}

/// How a promise was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promise {
    Ready,
    Error(ErrorCode, String),
    Event,
}

#[repr(C)]
struct FakePromise {
    base: PJRT_DeviceEventPromise,
    references: AtomicUsize,
    event: &'static Event,
    kept: Mutex<Option<Promise>>,
}

fn promise_at(at: *mut PJRT_DeviceEventPromise) -> &'static FakePromise {
    // SAFETY: promises are never freed.
    unsafe { &*at.cast::<FakePromise>() }
}

impl FakePromise {
    fn keep(&self, how: Promise) {
        let before = self.kept.lock().unwrap().replace(how);
        assert_eq!(before, None, "a promise is kept once");
    }
}

unsafe extern "C" fn promise_inc(at: *mut PJRT_DeviceEventPromise) {
    promise_at(at).references.fetch_add(1, Ordering::SeqCst);
}

pub unsafe extern "C" fn promise_dec(at: *mut PJRT_DeviceEventPromise) {
    let before = promise_at(at).references.fetch_sub(1, Ordering::SeqCst);
    assert!(before > 0, "a reference too many was given up");
}

unsafe extern "C" fn promise_event(at: *mut PJRT_DeviceEventPromise) -> PJRT_DeviceEvent {
    promise_at(at).event.raw()
}

unsafe extern "C" fn promise_set(at: *mut PJRT_DeviceEventPromise, _: PJRT_DeviceEvent) {
    promise_at(at).keep(Promise::Event);
}

unsafe extern "C" fn promise_error(at: *mut PJRT_DeviceEventPromise, error: *mut PJRT_Error) {
    // SAFETY: an error that a caller made has a table, by which it is read and freed.
    let (code, text) = unsafe {
        let table = &*(*error).vtable;
        let (mut text, mut size) = (null(), 0);
        table.message.unwrap()(error, &raw mut text, &raw mut size);
        let bytes = std::slice::from_raw_parts(text.cast::<u8>(), size).to_vec();
        let code = table.get_code.unwrap()(error);
        table.destroy.unwrap()(error);
        (code, String::from_utf8(bytes).unwrap())
    };
    promise_at(at).keep(Promise::Error(ErrorCode::from_raw(code), text.clone()));
    promise_at(at).event.happen(Some((code.0, text)));
}

pub unsafe extern "C" fn promise_ready(at: *mut PJRT_DeviceEventPromise) {
    promise_at(at).keep(Promise::Ready);
    promise_at(at).event.happen(None);
}

pub fn promise_references(at: *mut PJRT_DeviceEventPromise) -> usize {
    promise_at(at).references.load(Ordering::SeqCst)
}

pub fn kept(at: *mut PJRT_DeviceEventPromise) -> Promise {
    promise_at(at)
        .kept
        .lock()
        .unwrap()
        .clone()
        .expect("it was kept")
}

/// A promise that is not kept, with one reference.
pub fn new_promise() -> *mut PJRT_DeviceEventPromise {
    let mut table = PJRT_DeviceEventPromise_FunctionTable::zeroed();
    table.struct_size = size_of_val(&table);
    table.instance_size = size_of::<PJRT_DeviceEventPromise>();
    table.inc_ref = Some(promise_inc);
    table.dec_ref = Some(promise_dec);
    table.event = Some(promise_event);
    table.set = Some(promise_set);
    table.set_error = Some(promise_error);
    table.set_ready = Some(promise_ready);
    let promise = FakePromise {
        base: PJRT_DeviceEventPromise {
            vtable: Box::leak(Box::new(table)),
        },
        references: AtomicUsize::new(1),
        event: Event::new(),
        kept: Mutex::new(None),
    };
    from_mut(Box::leak(Box::new(promise))).cast()
}
