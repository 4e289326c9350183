//! Events of devices: objects with a table of their own, and references that are counted.

use crate::call::{Call, Outcome};
use crate::era::Era;
use crate::event::{Sent, Signal};
use crate::failure::Failure;
use crate::memory_of::{items, text};
use crate::mock::Inner;
use crate::stub;
use pjrt_sys::device_event as sys;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What a handle of an event stands for.
pub(crate) struct DeviceEvent {
    pub(crate) signal: Arc<Signal>,
    references: AtomicUsize,
    /// The error, in place as long as the event.
    failure: OnceLock<Failure>,
}

impl DeviceEvent {
    /// Gives the reference of an event's owner up, which ends. Whether callers have counted others.
    pub(crate) fn outlives_its_owner(&self) -> bool {
        self.references.fetch_sub(1, Ordering::SeqCst) > 1
    }
}

/// The function of a slot: what it is counted as.
pub(crate) fn called(object: *const c_void, slot: &'static str) -> Option<Call> {
    let inner = stub::of_object(object)?;
    inner.counts.add(slot);
    Some(Call::of(inner, slot))
}

/// A table as long as that version's, made once for each version.
pub(crate) fn table<T: Any + Copy>(era: &Era, today: T) -> usize {
    static TABLES: Mutex<Option<HashMap<(usize, TypeId), usize>>> = Mutex::new(None);
    let Some(layout) = era.layout::<T>() else {
        return 0;
    };
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    let tables = tables.get_or_insert_default();
    let made = tables.entry((era.state, TypeId::of::<T>()));
    *made.or_insert_with(|| {
        let words = vec![0u64; layout.size.div_ceil(8)].into_boxed_slice();
        let words = Box::leak(words);
        // SAFETY: the words hold that version's struct; the size comes first.
        unsafe { layout.write((&raw const today).cast(), words.as_mut_ptr().cast()) };
        if let Some(first) = words.first_mut() {
            *first = layout.minimum as u64;
        }
        words.as_ptr() as usize
    })
}

/// Counts a reference less, and ends the object with the last.
pub(crate) fn less<T: Any + Send + Sync>(
    call: &Call,
    object: *const c_void,
    references: impl Fn(&T) -> &AtomicUsize,
) {
    if let Ok(found) = call.get::<T>(object)
        && references(&found).fetch_sub(1, Ordering::SeqCst) == 1
    {
        drop(call.destroy::<T>(object));
    }
}

/// Counts a reference more.
pub(crate) fn more<T: Any + Send + Sync>(
    call: &Call,
    object: *const c_void,
    references: impl Fn(&T) -> &AtomicUsize,
) {
    if let Ok(found) = call.get::<T>(object) {
        references(&found).fetch_add(1, Ordering::SeqCst);
    }
}

/// An event that ends with a signal, with one reference.
pub(crate) fn give(inner: &Inner, signal: Arc<Signal>) -> sys::PJRT_DeviceEvent {
    let event = Arc::new(DeviceEvent {
        signal,
        references: AtomicUsize::new(1),
        failure: OnceLock::new(),
    });
    of_handle(inner, inner.give(event))
}

/// An event that ends with its owner: callers count references of their own.
pub(crate) fn lend(call: &Call, signal: Arc<Signal>, owner: usize) -> sys::PJRT_DeviceEvent {
    let event = Arc::new(DeviceEvent {
        signal,
        references: AtomicUsize::new(1),
        failure: OnceLock::new(),
    });
    of_handle(&call.inner, call.lend(event, owner))
}

/// The pair that stands for an event.
pub(crate) fn of_handle(inner: &Inner, handle: *mut c_void) -> sys::PJRT_DeviceEvent {
    sys::PJRT_DeviceEvent {
        vtable: table(inner.era, functions()) as *const _,
        device_event: handle,
    }
}

fn functions() -> sys::PJRT_DeviceEvent_FunctionTable {
    let mut table = sys::PJRT_DeviceEvent_FunctionTable::zeroed();
    table.inc_ref = Some(inc_ref);
    table.dec_ref = Some(dec_ref);
    table.and_then = Some(and_then);
    table.get_error_if_present = Some(error);
    table.get_state = Some(state);
    table.get_definition_stream = Some(stream);
    table
}

unsafe extern "C" fn inc_ref(event: *mut c_void) {
    if let Some(call) = called(event, "PJRT_DeviceEvent_FunctionTable.inc_ref") {
        more::<DeviceEvent>(&call, event, |event| &event.references);
    }
}

unsafe extern "C" fn dec_ref(event: *mut c_void) {
    if let Some(call) = called(event, "PJRT_DeviceEvent_FunctionTable.dec_ref") {
        less::<DeviceEvent>(&call, event, |event| &event.references);
    }
}

unsafe extern "C" fn and_then(
    event: *mut c_void,
    callback: sys::PJRT_DeviceEvent_AndThen,
    user: *mut c_void,
) {
    let call = called(event, "PJRT_DeviceEvent_FunctionTable.and_then");
    let (Some(call), Some(callback)) = (call, callback) else {
        return;
    };
    let user = Sent::new(user);
    if let Ok(event) = call.get::<DeviceEvent>(event) {
        // SAFETY: the callback is the caller's, called once.
        event.signal.then(move |_| unsafe { callback(user.get()) });
    }
}

unsafe extern "C" fn error(
    event: *mut c_void,
    code: *mut pjrt_sys::PJRT_Error_Code,
    message: *mut *const c_char,
    size: *mut usize,
) -> i32 {
    let call = called(event, "PJRT_DeviceEvent_FunctionTable.get_error_if_present");
    let found = call.and_then(|call| call.get::<DeviceEvent>(event).ok());
    let Some((event, Err(failure))) = found.and_then(|e| Some((e.clone(), e.signal.outcome()?)))
    else {
        return 0;
    };
    let failure = event.failure.get_or_init(|| failure);
    let (start, length) = text(&failure.message);
    // SAFETY: the outputs are the caller's.
    unsafe {
        code.write(pjrt_sys::PJRT_Error_Code(failure.code));
        message.write(start);
        size.write(length);
    }
    1
}

unsafe extern "C" fn state(event: *mut c_void) -> sys::PJRT_DeviceEvent_State {
    let call = called(event, "PJRT_DeviceEvent_FunctionTable.get_state");
    let found = call.and_then(|call| call.get::<DeviceEvent>(event).ok());
    match found.and_then(|event| event.signal.outcome()) {
        None => sys::PJRT_DeviceEvent_State_Unavailable,
        Some(Ok(())) => sys::PJRT_DeviceEvent_State_Ready,
        Some(Err(_)) => sys::PJRT_DeviceEvent_State_Error,
    }
}

/// Every event is of the first stream.
unsafe extern "C" fn stream(event: *mut c_void, number: *mut u64) -> isize {
    let call = called(
        event,
        "PJRT_DeviceEvent_FunctionTable.get_definition_stream",
    );
    match call.and_then(|call| call.get::<DeviceEvent>(event).ok()) {
        None => 0,
        Some(_) => {
            // SAFETY: the output is the caller's.
            unsafe { number.write(1) };
            1
        }
    }
}

/// Takes a list of events over, and gives a signal that ends when all of them have ended.
pub(crate) fn after(call: &Call, list: *mut sys::PJRT_DeviceEventVector) -> Arc<Signal> {
    let done = Signal::new();
    if list.is_null() {
        done.set(Ok(()));
        return done;
    }
    // SAFETY: the list is the caller's, and is cleared where it is taken over.
    let taken = unsafe { std::mem::replace(&mut *list, sys::PJRT_DeviceEventVector::zeroed()) };
    let events = items(taken.data.cast_const(), taken.size).to_vec();
    if let Some(destroy) = taken.destroy {
        // SAFETY: the function that came with the memory, once.
        unsafe { destroy(taken.data) };
    }
    let mut signals = Vec::new();
    for event in events {
        if let Ok(found) = call.get::<DeviceEvent>(event.device_event) {
            signals.push(found.signal.clone());
            less::<DeviceEvent>(call, event.device_event, |event| &event.references);
        }
    }
    let told = done.clone();
    call.later(move |outcome| {
        let ended = signals.iter().try_fold((), |(), signal| signal.wait());
        told.set(outcome.and(ended));
    });
    done
}

/// The signal of an event that a caller gives away.
pub(crate) fn taken(call: &Call, event: sys::PJRT_DeviceEvent) -> Result<Arc<Signal>, Failure> {
    let signal = call.get::<DeviceEvent>(event.device_event)?.signal.clone();
    less::<DeviceEvent>(call, event.device_event, |event| &event.references);
    Ok(signal)
}

/// Lets one signal end as another does.
pub(crate) fn follow(signal: &Signal, followed: Arc<Signal>) {
    signal.then(move |outcome: Outcome| {
        followed.set(outcome);
    });
}
