//! A descriptor that a sender's platform reads, and who frees it.

use super::refused;
use crate::rt::{Api, Owner, Sorted};
use crate::{ErrorCode, Result, raw, sys};
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

/// The cells that plugins have not freed yet, by address, for that is how a plugin names the one
/// that it frees; and how many there were so far. An address may be used again, a number is not.
struct Cells {
    last: u64,
    by_address: Sorted<usize, (u64, NonNull<Cell>)>,
}

// SAFETY: a cell belongs to this table, and is written and freed under its lock only.
unsafe impl Send for Cells {}

static CELLS: Mutex<Cells> = Mutex::new(Cells {
    last: 0,
    by_address: Sorted::new(),
});

fn cells() -> MutexGuard<'static, Cells> {
    CELLS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A cell that a plugin may get: its address, as long as the plugin has not freed it, and its
/// number, which tells it from a later one at the same address.
#[derive(Clone, Copy)]
pub(super) struct Lent {
    cell: NonNull<Cell>,
    number: u64,
}

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
        let mut cells = cells();
        cells.last = cells.last.wrapping_add(1);
        let number = cells.last;
        cells.by_address.insert(cell.addr().get(), (number, cell));
        Lent { cell, number }
    }

    /// The two places that a plugin reads.
    pub(super) fn places(self) -> (*mut *mut c_char, *mut usize) {
        let cell = self.cell.as_ptr();
        // SAFETY: the cell is live: nobody else has its address yet. No reference is made.
        unsafe { (cell.cast(), &raw mut (*cell).size) }
    }

    /// Puts the descriptor in, unless the plugin wants it no more.
    fn fill(self, descriptor: Vec<u8>) {
        let cells = cells();
        let found = cells.by_address.get(&self.cell.addr().get());
        if let Some((_, cell)) = found.filter(|(number, _)| *number == self.number) {
            // SAFETY: the cell is live while it is in the table, which is locked; the plugin reads
            // it only after the event that is set later.
            unsafe { (*cell.as_ptr()).hold(descriptor) };
        }
    }

    /// Frees it, if that has not happened.
    pub(super) fn free(self) {
        free(self.cell.addr().get(), Some(self.number));
    }
}

/// Frees the cell at an address, or none if another than the one of the number is there.
fn free(address: usize, number: Option<u64>) {
    let mut cells = cells();
    let found = cells.by_address.get(&address);
    if found.is_none_or(|(of, _)| number.is_some_and(|number| number != *of)) {
        return;
    }
    let cell = cells.by_address.remove(&address);
    drop(cells);
    if let Some((_, cell)) = cell {
        // SAFETY: it was a box before it went into the table, and has left the table just now.
        drop(unsafe { Box::from_raw(cell.as_ptr()) });
    }
}

/// What a plugin calls when it needs a descriptor no more.
pub(super) unsafe extern "C" fn destroy(data: *mut *mut c_char, _size: *mut usize) {
    free(data.addr(), None);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a plugin reads.
    fn told(cell: Lent) -> Vec<u8> {
        let (data, size) = cell.places();
        // SAFETY: nobody has freed the cell, whose two places are set.
        unsafe { std::slice::from_raw_parts((*data).cast::<u8>(), *size) }.to_vec()
    }

    #[test]
    fn a_cell_that_is_gone_is_not_the_next_one_at_its_address() {
        let there = Lent::new(Some(b"there"));
        let gone = Lent {
            number: there.number.wrapping_sub(1),
            ..there
        };
        gone.fill(b"another".to_vec());
        gone.free();
        assert_eq!(told(there), b"there");
        there.fill(b"new".to_vec());
        assert_eq!(told(there), b"new");
        let (data, size) = there.places();
        // SAFETY: as a plugin frees it; a second time it is not there.
        unsafe {
            destroy(data, size);
            destroy(data, size);
        }
        there.fill(b"late".to_vec());
        there.free();
    }
}
