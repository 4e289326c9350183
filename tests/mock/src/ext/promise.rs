//! Promises of device events: whoever has one ends its event.

use super::device_event::{self, called, less, more, table};
use crate::call::Call;
use crate::event::Signal;
use crate::failure::Failure;
use crate::memory_of::bytes;
use crate::mock::Inner;
use pjrt_sys::device_event as sys;
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A promise. Its event has a reference of the promise's own.
pub(crate) struct DeviceEventPromise {
    signal: Arc<Signal>,
    event: usize,
    references: AtomicUsize,
}

/// A promise that is not kept, with one reference.
pub(crate) fn give(inner: &Inner) -> *mut sys::PJRT_DeviceEventPromise {
    let signal = Signal::new();
    let event = device_event::give(inner, signal.clone());
    let promise = Arc::new(DeviceEventPromise {
        signal,
        event: event.device_event as usize,
        references: AtomicUsize::new(1),
    });
    let functions = table(inner.era, functions());
    inner.give_words(promise, [functions, inner.place])
}

fn functions() -> sys::PJRT_DeviceEventPromise_FunctionTable {
    let mut table = sys::PJRT_DeviceEventPromise_FunctionTable::zeroed();
    table.instance_size = size_of::<sys::PJRT_DeviceEventPromise>();
    table.inc_ref = Some(inc_ref);
    table.dec_ref = Some(dec_ref);
    table.event = Some(event);
    table.set = Some(set);
    table.set_error = Some(set_error);
    table.set_ready = Some(set_ready);
    table
}

fn found(
    promise: *mut sys::PJRT_DeviceEventPromise,
    slot: &'static str,
) -> Option<(Call, Arc<DeviceEventPromise>)> {
    let call = called(promise.cast(), slot)?;
    let found = call.get::<DeviceEventPromise>(promise).ok()?;
    Some((call, found))
}

/// Gives a reference up; with the last one the event's goes too.
pub(crate) fn release(call: &Call, promise: *mut sys::PJRT_DeviceEventPromise) {
    let Ok(kept) = call.get::<DeviceEventPromise>(promise) else {
        return;
    };
    less::<DeviceEventPromise>(call, promise.cast(), |promise| &promise.references);
    if kept.references.load(Ordering::SeqCst) == 0 {
        let event = device_event::of_handle(&call.inner, kept.event as *mut c_void);
        drop(device_event::taken(call, event));
    }
}

/// Ends the event of a promise, and takes the reference of whoever kept it.
pub(crate) fn keep(
    call: &Call,
    promise: *mut sys::PJRT_DeviceEventPromise,
    outcome: Result<(), Failure>,
) {
    if let Ok(found) = call.get::<DeviceEventPromise>(promise)
        && !found.signal.set(outcome)
    {
        call.violation("the promise was kept before".to_owned());
    }
}

unsafe extern "C" fn inc_ref(promise: *mut sys::PJRT_DeviceEventPromise) {
    let slot = "PJRT_DeviceEventPromise_FunctionTable.inc_ref";
    if let Some(call) = called(promise.cast(), slot) {
        more::<DeviceEventPromise>(&call, promise.cast(), |promise| &promise.references);
    }
}

unsafe extern "C" fn dec_ref(promise: *mut sys::PJRT_DeviceEventPromise) {
    let slot = "PJRT_DeviceEventPromise_FunctionTable.dec_ref";
    if let Some(call) = called(promise.cast(), slot) {
        release(&call, promise);
    }
}

/// The event, whose reference stays the promise's.
unsafe extern "C" fn event(promise: *mut sys::PJRT_DeviceEventPromise) -> sys::PJRT_DeviceEvent {
    match found(promise, "PJRT_DeviceEventPromise_FunctionTable.event") {
        None => sys::PJRT_DeviceEvent::zeroed(),
        Some((call, found)) => device_event::of_handle(&call.inner, found.event as *mut c_void),
    }
}

unsafe extern "C" fn set(promise: *mut sys::PJRT_DeviceEventPromise, event: sys::PJRT_DeviceEvent) {
    let found = found(promise, "PJRT_DeviceEventPromise_FunctionTable.set");
    if let Some((call, found)) = found
        && let Ok(signal) = device_event::taken(&call, event)
    {
        device_event::follow(&signal, found.signal.clone());
    }
}

unsafe extern "C" fn set_error(
    promise: *mut sys::PJRT_DeviceEventPromise,
    error: *mut pjrt_sys::PJRT_Error,
) {
    let slot = "PJRT_DeviceEventPromise_FunctionTable.set_error";
    let Some((call, _)) = found(promise, slot) else {
        return;
    };
    match read(error) {
        Some(failure) => keep(&call, promise, Err(failure)),
        None => drop(call.violation("no error, or one without a table".to_owned())),
    }
}

unsafe extern "C" fn set_ready(promise: *mut sys::PJRT_DeviceEventPromise) {
    let slot = "PJRT_DeviceEventPromise_FunctionTable.set_ready";
    if let Some((call, _)) = found(promise, slot) {
        keep(&call, promise, Ok(()));
    }
}

/// Reads and frees an error that a caller made, by its own table.
fn read(error: *mut pjrt_sys::PJRT_Error) -> Option<Failure> {
    if error.is_null() {
        return None;
    }
    // SAFETY: an error begins with its table, which the caller filled.
    unsafe {
        let table = (*error).vtable.as_ref()?;
        let (mut start, mut size) = (std::ptr::null(), 0);
        table.message?(error, &raw mut start, &raw mut size);
        let mut failure = Failure::new(table.get_code?(error), "");
        failure.message = bytes(start, size).to_vec();
        table.destroy?(error);
        Some(failure)
    }
}
