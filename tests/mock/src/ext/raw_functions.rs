//! The table of raw buffers.

use super::device_event::{self, called, less, more};
use super::promise;
use super::raw_buffer::RawBuffer;
use crate::call::{Call, Outcome};
use crate::event::{Sent, Signal};
use crate::failure::Failure;
use pjrt_sys as core;
use pjrt_sys::device_event::{PJRT_DeviceEvent, PJRT_DeviceEventPromise, PJRT_DeviceEventVector};
use pjrt_sys::raw_buffer as sys;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

type Raw = *mut sys::PJRT_RawBuffer;

/// Today's functions. Copies took no events once: a table of that time has them in their places all
/// the same, and callers of today do not call them.
pub(crate) fn functions() -> sys::PJRT_RawBuffer_FunctionTable {
    let mut table = sys::PJRT_RawBuffer_FunctionTable::zeroed();
    table.instance_size = size_of::<sys::PJRT_RawBuffer>();
    table.inc_ref = Some(inc_ref);
    table.dec_ref = Some(dec_ref);
    table.get_on_device_size_in_bytes = Some(size);
    table.get_memory_space = Some(memory);
    table.get_host_pointer = Some(host_pointer);
    table.copy_raw_host_to_device_and_return_event = Some(write);
    table.copy_raw_device_to_host_and_return_event = Some(read);
    table.opaque_device_memory_data_pointer = Some(device_pointer);
    table.make_allocation_ready_event = Some(allocated);
    table.get_raw_buffer_async_value = Some(own_event);
    table.is_mutable = Some(is_mutable);
    table.slice = Some(slice);
    table.schedule_copy_to = Some(schedule);
    table
}

fn found(raw: *const sys::PJRT_RawBuffer, slot: &'static str) -> Option<(Call, Arc<RawBuffer>)> {
    let call = called(raw.cast(), slot)?;
    let found = call.get::<RawBuffer>(raw).ok()?;
    Some((call, found))
}

/// Runs a slot that reports errors.
fn reported(
    raw: Raw,
    slot: &'static str,
    run: impl FnOnce(&Call, &RawBuffer) -> Outcome,
) -> *mut core::PJRT_Error {
    let Some(call) = called(raw.cast(), slot) else {
        return null_mut();
    };
    let raw = call.get::<RawBuffer>(raw);
    match raw.and_then(|raw| run(&call, &raw)) {
        Ok(()) => null_mut(),
        Err(failure) => call.error(failure),
    }
}

fn write_event(to: *mut PJRT_DeviceEvent, event: PJRT_DeviceEvent) {
    // SAFETY: the output is the caller's.
    unsafe { to.write(event) };
}

unsafe extern "C" fn inc_ref(raw: Raw) {
    if let Some(call) = called(raw.cast(), "PJRT_RawBuffer_FunctionTable.inc_ref") {
        more::<RawBuffer>(&call, raw.cast(), |raw| &raw.references);
    }
}

unsafe extern "C" fn dec_ref(raw: Raw) {
    if let Some(call) = called(raw.cast(), "PJRT_RawBuffer_FunctionTable.dec_ref") {
        less::<RawBuffer>(&call, raw.cast(), |raw| &raw.references);
    }
}

unsafe extern "C" fn size(raw: *const sys::PJRT_RawBuffer) -> usize {
    let slot = "PJRT_RawBuffer_FunctionTable.get_on_device_size_in_bytes";
    found(raw, slot).map_or(0, |(_, raw)| raw.size())
}

unsafe extern "C" fn memory(raw: *const sys::PJRT_RawBuffer) -> *mut core::PJRT_Memory {
    let slot = "PJRT_RawBuffer_FunctionTable.get_memory_space";
    found(raw, slot).map_or(null_mut(), |(_, raw)| raw.memory as *mut _)
}

unsafe extern "C" fn host_pointer(raw: *const sys::PJRT_RawBuffer) -> *mut c_void {
    let slot = "PJRT_RawBuffer_FunctionTable.get_host_pointer";
    found(raw, slot).map_or(null_mut(), |(_, raw)| raw.address())
}

unsafe extern "C" fn device_pointer(raw: *const sys::PJRT_RawBuffer) -> *mut c_void {
    let slot = "PJRT_RawBuffer_FunctionTable.opaque_device_memory_data_pointer";
    found(raw, slot).map_or(null_mut(), |(_, raw)| raw.address())
}

unsafe extern "C" fn is_mutable(raw: *const sys::PJRT_RawBuffer) -> bool {
    let slot = "PJRT_RawBuffer_FunctionTable.is_mutable";
    found(raw, slot).is_some_and(|(_, raw)| raw.is_mutable())
}

/// Copies after events, and gives the event of the copy.
fn copy(
    call: &Call,
    list: *mut PJRT_DeviceEventVector,
    event: *mut PJRT_DeviceEvent,
    job: impl FnOnce() -> Outcome + Send + 'static,
) {
    let done = Signal::new();
    write_event(event, device_event::give(&call.inner, done.clone()));
    device_event::after(call, list).then(move |outcome| {
        done.set(outcome.and_then(|()| job()));
    });
}

unsafe extern "C" fn write(
    raw: Raw,
    src: *const c_void,
    offset: i64,
    size: i64,
    list: *mut PJRT_DeviceEventVector,
    event: *mut PJRT_DeviceEvent,
) -> *mut core::PJRT_Error {
    let slot = "PJRT_RawBuffer_FunctionTable.copy_raw_host_to_device_and_return_event";
    reported(raw, slot, |call, raw| {
        copy(call, list, event, raw.writing(src, offset, size)?);
        Ok(())
    })
}

unsafe extern "C" fn read(
    raw: Raw,
    dst: *mut c_void,
    offset: i64,
    size: i64,
    list: *mut PJRT_DeviceEventVector,
    event: *mut PJRT_DeviceEvent,
) -> *mut core::PJRT_Error {
    let slot = "PJRT_RawBuffer_FunctionTable.copy_raw_device_to_host_and_return_event";
    reported(raw, slot, |call, raw| {
        copy(call, list, event, raw.reading(dst, offset, size)?);
        Ok(())
    })
}

unsafe extern "C" fn allocated(raw: Raw, event: *mut PJRT_DeviceEvent) -> *mut core::PJRT_Error {
    let slot = "PJRT_RawBuffer_FunctionTable.make_allocation_ready_event";
    reported(raw, slot, |call, raw| {
        write_event(
            event,
            device_event::give(&call.inner, raw.data.ready.clone()),
        );
        Ok(())
    })
}

/// The event's reference stays the raw buffer's.
unsafe extern "C" fn own_event(raw: Raw, event: *mut PJRT_DeviceEvent) -> *mut core::PJRT_Error {
    let slot = "PJRT_RawBuffer_FunctionTable.get_raw_buffer_async_value";
    let owner = raw;
    reported(raw, slot, |call, raw| {
        let lent = device_event::lend(call, raw.data.ready.clone(), owner as usize);
        write_event(event, lent);
        Ok(())
    })
}

unsafe extern "C" fn slice(
    raw: Raw,
    offset: i64,
    size: i64,
    sliced: *mut Raw,
) -> *mut core::PJRT_Error {
    reported(raw, "PJRT_RawBuffer_FunctionTable.slice", |call, raw| {
        let part = RawBuffer {
            data: raw.data.clone(),
            range: raw.part(offset, size)?,
            memory: raw.memory,
            references: AtomicUsize::new(1),
        };
        let part = part.give(&call.inner);
        // SAFETY: the output is the caller's.
        unsafe { sliced.write(part) };
        Ok(())
    })
}

unsafe extern "C" fn schedule(
    source: Raw,
    list: *mut PJRT_DeviceEventVector,
    target: Raw,
    filled: *mut PJRT_DeviceEventPromise,
    used: *mut PJRT_DeviceEventPromise,
    allocated: Option<unsafe extern "C" fn(*mut core::PJRT_Error, *mut c_void)>,
    data: *mut c_void,
) {
    let slot = "PJRT_RawBuffer_FunctionTable.schedule_copy_to";
    let Some((call, from)) = found(source, slot) else {
        return;
    };
    let Ok(to) = call.get::<RawBuffer>(target) else {
        return;
    };
    if let Some(allocated) = allocated {
        // SAFETY: the function is the caller's, called once.
        unsafe { allocated(null_mut(), data) };
    }
    let promises = Sent::new([filled, used]);
    let again = call.clone();
    device_event::after(&call, list).then(move |outcome| {
        let copied = outcome.and_then(|()| move_bytes(&from, &to));
        for promise in promises.get() {
            promise::keep(&again, promise, copied.clone());
            promise::release(&again, promise);
        }
    });
}

fn move_bytes(from: &RawBuffer, to: &RawBuffer) -> Outcome {
    if from.size() != to.size() {
        return Err(Failure::invalid("the memories have different sizes"));
    }
    let source = from.data.wait()?;
    let bytes = source
        .bytes()
        .get(from.range.clone())
        .unwrap_or_default()
        .to_vec();
    match to.data.wait()?.write(to.range.start, &bytes) {
        true => Ok(()),
        false => Err(Failure::invalid("the range is not within the memory")),
    }
}
