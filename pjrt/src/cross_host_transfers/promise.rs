//! A descriptor that a sender's platform reads, and who frees it.

use super::refused;
use crate::rt::{Api, Owner};
use crate::{ErrorCode, Result, raw, sys};
use std::collections::BTreeMap;
use std::ffi::c_char;
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the plugin reads: where a descriptor lies and how long it is.
#[repr(C)]
struct Cell {
    data: *mut c_char,
    size: usize,
    bytes: Vec<u8>,
}

impl Cell {
    fn hold(&mut self, bytes: Vec<u8>) {
        self.bytes = bytes;
        self.data = self.bytes.as_mut_ptr().cast();
        self.size = self.bytes.len();
    }
}

/// The cells that plugins have not freed yet, by address. A plugin frees a cell by naming its
/// address, so that freeing it twice does nothing.
struct Cells(BTreeMap<usize, NonNull<Cell>>);

// SAFETY: a cell belongs to this table, and is written and freed under its lock only.
unsafe impl Send for Cells {}

static CELLS: Mutex<Cells> = Mutex::new(Cells(BTreeMap::new()));

fn cells() -> MutexGuard<'static, Cells> {
    CELLS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A cell that a plugin may get: its address, as long as the plugin has not freed it.
#[derive(Clone, Copy)]
pub(super) struct Lent(NonNull<Cell>);

// SAFETY: it is an address; what is there is only reached under the lock.
unsafe impl Send for Lent {}

impl Lent {
    /// A cell with a descriptor, or one without that gets it later.
    pub(super) fn new(descriptor: Option<&[u8]>) -> Lent {
        let mut cell = Cell {
            data: ptr::null_mut(),
            size: 0,
            bytes: Vec::new(),
        };
        if let Some(descriptor) = descriptor {
            cell.hold(descriptor.to_vec());
        }
        let cell = NonNull::from(Box::leak(Box::new(cell)));
        cells().0.insert(cell.addr().get(), cell);
        Lent(cell)
    }

    /// The two places that a plugin reads.
    pub(super) fn places(self) -> (*mut *mut c_char, *mut usize) {
        let cell = self.0.as_ptr();
        // SAFETY: the cell is live: nobody else has its address yet. No reference is made.
        unsafe { (cell.cast(), &raw mut (*cell).size) }
    }

    /// Puts the descriptor in, unless the plugin wants it no more.
    fn fill(self, descriptor: Vec<u8>) {
        let cells = cells();
        if let Some(cell) = cells.0.get(&self.0.addr().get()) {
            // SAFETY: the cell is live while it is in the table, which is locked; the plugin reads
            // it only after the event that is set later.
            unsafe { (*cell.as_ptr()).hold(descriptor) };
        }
    }

    /// Frees it, if that has not happened.
    pub(super) fn free(self) {
        free(self.0.addr().get());
    }
}

fn free(address: usize) {
    let cell = cells().0.remove(&address);
    if let Some(cell) = cell {
        // SAFETY: it was a box before it went into the table, and has left the table just now.
        drop(unsafe { Box::from_raw(cell.as_ptr()) });
    }
}

/// What a plugin calls when it needs a descriptor no more.
pub(super) unsafe extern "C" fn destroy(data: *mut *mut c_char, _size: *mut usize) {
    free(data.addr());
}

/// The promise to tell the descriptor that a buffer is sent to: see
/// [`super::CrossHostTransfers::copy_to_remote_device_later`].
pub struct DescriptorPromise {
    pub(super) api: &'static Api,
    /// An event that the plugin destroys after it is set; none once it is.
    pub(super) event: Option<NonNull<sys::PJRT_Event>>,
    pub(super) cell: Lent,
    /// The client, which must be there until then.
    pub(super) _client: Option<Owner>,
}

// SAFETY: the event is ours until it is set, and PJRT lets any thread set it.
unsafe impl Send for DescriptorPromise {}

impl DescriptorPromise {
    /// Tells the descriptor: the copy goes on.
    ///
    /// Calls `PJRT_Event_Set`.
    ///
    /// # Errors
    ///
    /// What the plugin reports.
    pub fn fulfill(mut self, descriptor: Vec<u8>) -> Result<()> {
        self.cell.fill(descriptor);
        self.set(ErrorCode::OK, "")
    }

    /// Says that there will be no descriptor, and why: the copy is not made.
    ///
    /// Plugins built from XLA's sources through 0.114 do not survive this: they end the process
    /// with the reason in their log. Where a descriptor may fail to come, wait for it and then
    /// call [`super::CrossHostTransfers::copy_to_remote_device`].
    ///
    /// Calls `PJRT_Event_Set`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a failure whose code is OK: the promise is then broken with
    /// CANCELLED. What the plugin reports.
    pub fn fail(mut self, code: ErrorCode, message: &str) -> Result<()> {
        if code == ErrorCode::OK {
            let problem = "OK is no failure: give the code of what went wrong".to_owned();
            return Err(refused("PJRT_Event_Set", "error_code", problem));
        }
        self.set(code, message)
    }

    fn set(&mut self, code: ErrorCode, message: &str) -> Result<()> {
        let Some(event) = self.event.take() else {
            return Ok(());
        };
        let input = raw::EventSetIn::new(
            event.as_ptr(),
            code.as_raw(),
            message.as_ptr().cast(),
            message.len(),
        );
        // SAFETY: the plugin keeps the event until it is set, which happens once; the message is
        // copied.
        unsafe { raw::event_set(self.api, input) }.map(drop)
    }
}

impl Drop for DescriptorPromise {
    fn drop(&mut self) {
        // An error has nobody to go to.
        let _ = self.set(
            ErrorCode::CANCELLED,
            "the promise to tell the descriptor was dropped",
        );
    }
}

impl fmt::Debug for DescriptorPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DescriptorPromise").finish_non_exhaustive()
    }
}
