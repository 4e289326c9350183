//! Meters: objects that carry a table of their functions and count their own references.

use crate::driver::Board;
use crate::server::facts::sys;
use pjrt::server::Failure;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// A meter. Callers know of its first field alone.
#[repr(C)]
struct Meter {
    head: sys::Acme_Meter,
    references: AtomicUsize,
    ticks: AtomicI64,
    device: i32,
}

/// A new meter of a device, with a reference of the caller's.
pub(crate) fn meter<B: Board>(device: i32) -> *mut sys::Acme_Meter {
    let mut head = sys::Acme_Meter::zeroed();
    head.vtable = const {
        &sys::Acme_Meter_FunctionTable {
            struct_size: sys::Acme_Meter_FunctionTable_STRUCT_SIZE,
            extension_start: std::ptr::null_mut(),
            inc_ref: Some(inc_ref::<B>),
            dec_ref: Some(dec_ref::<B>),
            ticks: Some(ticks),
            measure: Some(measure::<B>),
        }
    };
    let tally = &B::driver().tally;
    tally.meters.fetch_add(1, Ordering::SeqCst);
    tally.references.fetch_add(1, Ordering::SeqCst);
    Box::into_raw(Box::new(Meter {
        head,
        references: AtomicUsize::new(1),
        ticks: AtomicI64::new(0),
        device,
    }))
    .cast()
}

/// The meter behind a handle.
///
/// # Safety
///
/// The handle is null, or one of `meter` to which somebody holds a reference.
unsafe fn behind<'a>(meter: *const sys::Acme_Meter) -> Option<&'a Meter> {
    // SAFETY: the caller's promise.
    unsafe { meter.cast::<Meter>().as_ref() }
}

unsafe extern "C" fn inc_ref<B: Board>(meter: *mut sys::Acme_Meter) {
    // SAFETY: the caller holds a reference.
    if let Some(meter) = unsafe { behind(meter) } {
        meter.references.fetch_add(1, Ordering::SeqCst);
        let tally = &B::driver().tally;
        tally.references.fetch_add(1, Ordering::SeqCst);
    }
}

unsafe extern "C" fn dec_ref<B: Board>(meter: *mut sys::Acme_Meter) {
    // SAFETY: the caller holds a reference, which it gives up.
    let Some(found) = (unsafe { behind(meter) }) else {
        return;
    };
    let last = found.references.fetch_sub(1, Ordering::SeqCst) == 1;
    let tally = &B::driver().tally;
    tally.references.fetch_sub(1, Ordering::SeqCst);
    if last {
        // SAFETY: that was the last reference.
        drop(unsafe { Box::from_raw(meter.cast::<Meter>()) });
        tally.meters.fetch_sub(1, Ordering::SeqCst);
    }
}

unsafe extern "C" fn ticks(meter: *const sys::Acme_Meter) -> i64 {
    // SAFETY: the caller holds a reference.
    let meter = unsafe { behind(meter) };
    meter.map_or(0, |meter| meter.ticks.load(Ordering::SeqCst))
}

unsafe extern "C" fn measure<B: Board>(
    meter: *mut sys::Acme_Meter,
    value: *mut f64,
    unit: *mut sys::Acme_Unit,
) -> *mut pjrt::sys::PJRT_Error {
    // SAFETY: the caller holds a reference.
    let meter = unsafe { behind(meter) };
    // SAFETY: the caller's outputs are null, or may be written during the call.
    let outputs = unsafe { value.as_mut().zip(unit.as_mut()) };
    let Some((meter, (value, unit))) = meter.zip(outputs) else {
        let message = "expected a meter and two outputs, got null";
        return B::driver().error(Failure::invalid_argument(message));
    };
    if meter.ticks.fetch_add(1, Ordering::SeqCst) == 2 {
        let message = "the meter is worn out after two measurements";
        let failure = Failure::new(pjrt::ErrorCode::UNAVAILABLE, message);
        return B::driver().error(failure);
    }
    let reading = B::driver().measure(meter.device, sys::Acme_Unit_Watt);
    *value = reading.value;
    *unit = reading.unit;
    std::ptr::null_mut()
}
