//! Probes: what their handles point to.

use crate::driver::Board;
use crate::server::facts::sys;
use pjrt::server::Failure;
use std::sync::atomic::Ordering;

/// What a handle of a probe points to.
pub(crate) struct Probe {
    pub(crate) name: String,
    pub(crate) device: i32,
    pub(crate) unit: sys::Acme_Unit,
    /// What was measured when the probe was made.
    pub(crate) samples: [f64; 2],
}

/// The probe behind a handle.
///
/// # Safety
///
/// The handle is null, or one of `probe_create` that was not destroyed.
pub(crate) unsafe fn probe<'a, P>(handle: *const P) -> Result<&'a Probe, Failure> {
    // SAFETY: the caller's promise.
    let probe = unsafe { handle.cast::<Probe>().as_ref() };
    probe.ok_or_else(|| Failure::internal("the check let null through"))
}

/// A probe as bytes, in a holder of the caller's.
pub(crate) fn serialize<B: Board>(probe: &Probe, args: &mut sys::Acme_Probe_Serialize_Args) {
    let text = format!("{}@{}", probe.name, probe.device);
    let holder = Box::new(text.into_bytes());
    B::driver().tally.holders.fetch_add(1, Ordering::SeqCst);
    args.bytes = holder.as_ptr().cast();
    args.bytes_size = holder.len();
    args.holder = Box::into_raw(holder).cast();
    args.holder_deleter = Some(free::<B>);
}

unsafe extern "C" fn free<B: Board>(holder: *mut sys::Acme_SerializedProbe) {
    if holder.is_null() {
        return;
    }
    // SAFETY: the holder is one of `serialize`, which its owner gives up.
    drop(unsafe { Box::from_raw(holder.cast::<Vec<u8>>()) });
    B::driver().tally.holders.fetch_sub(1, Ordering::SeqCst);
}
