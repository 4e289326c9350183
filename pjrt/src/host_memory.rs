//! Host memory that a plugin allocates and frees.

use crate::raw::host_allocator::Table as HostAllocatorTable;
use crate::rt::{Place, Table};
use crate::{Client, Error, Result};
use std::ffi::c_void;
use std::fmt;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// The function that frees memory, and its argument.
type Deleter = (
    Option<unsafe extern "C" fn(*mut c_void, *mut c_void)>,
    *mut c_void,
);
/// A table, and the function that frees memory of it.
type Freed = (
    &'static Table<HostAllocatorTable>,
    unsafe fn(&Table<HostAllocatorTable>, &Client, *mut c_void),
);

/// Who frees the memory.
enum Free {
    Deleter(Deleter),
    Table(Freed),
}

/// Host memory that a client's plugin has allocated, and frees when this is dropped.
///
/// It is not initialised: [`HostMemory::fill`] makes bytes of it. It keeps the client alive.
pub struct HostMemory {
    /// Dangling where there are no bytes.
    bytes: NonNull<u8>,
    size: usize,
    /// None where there is nothing to free.
    free: Option<Free>,
    client: Client,
}

// SAFETY: the memory belongs to this alone, and what frees it may be called on any thread, as XLA
// hands such memory from thread to thread.
unsafe impl Send for HostMemory {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for HostMemory {}

impl HostMemory {
    /// Refuses a size that memory cannot have.
    pub(crate) fn possible(size: usize, function: &'static str) -> Result<()> {
        if isize::try_from(size).is_ok() {
            return Ok(());
        }
        Err(Error::InvalidArgument {
            function,
            argument: "size",
            problem: format!("{size} bytes are more than memory can have"),
        })
    }

    /// Takes memory over that comes with the function that frees it.
    ///
    /// # Safety
    ///
    /// If the pointer is not null, it has `size` bytes, which fit an `isize` and are nobody else's,
    /// until the function is called with it and its argument. The function may be null, which says
    /// that nothing is to be freed, and its argument lives as long as the client.
    pub(crate) unsafe fn with_deleter(
        client: &Client,
        memory: *mut u8,
        size: usize,
        deleter: Deleter,
        place: Place,
    ) -> Result<HostMemory> {
        HostMemory::new(client, memory, size, Free::Deleter(deleter), place)
    }

    /// Takes memory over that a function of an extension's table frees.
    ///
    /// # Safety
    ///
    /// As [`HostMemory::with_deleter`]; the memory came from this table for this client.
    pub(crate) unsafe fn with_table(
        client: &Client,
        memory: *mut u8,
        size: usize,
        freed: Freed,
        place: Place,
    ) -> Result<HostMemory> {
        HostMemory::new(client, memory, size, Free::Table(freed), place)
    }

    fn new(
        client: &Client,
        memory: *mut u8,
        size: usize,
        free: Free,
        place: Place,
    ) -> Result<HostMemory> {
        let (bytes, free) = match NonNull::new(memory) {
            Some(bytes) => (bytes, Some(free)),
            None if size == 0 => (NonNull::dangling(), None),
            None => return Err(place.invalid("null: there is no memory of that size")),
        };
        Ok(HostMemory {
            bytes,
            size,
            free,
            client: client.clone(),
        })
    }

    /// Sets every byte and gives them.
    pub fn fill(&mut self, byte: u8) -> &mut [u8] {
        // SAFETY: the memory has this many bytes and is borrowed alone.
        unsafe { self.bytes.as_ptr().write_bytes(byte, self.size) };
        // SAFETY: as above, and each byte was just written.
        unsafe { std::slice::from_raw_parts_mut(self.bytes.as_ptr(), self.size) }
    }

    /// The client whose plugin allocated it.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Deref for HostMemory {
    type Target = [MaybeUninit<u8>];

    fn deref(&self) -> &[MaybeUninit<u8>] {
        // SAFETY: the memory has this many bytes, and whatever is in them may be uninitialised.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().cast(), self.size) }
    }
}

impl DerefMut for HostMemory {
    fn deref_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        // SAFETY: as for shared access, and it is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.bytes.as_ptr().cast(), self.size) }
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        let memory = self.bytes.as_ptr().cast();
        match self.free.take() {
            // SAFETY: the function came with the memory and its argument, the client lives, and
            // this is the last use.
            Some(Free::Deleter((Some(free), argument))) => unsafe { free(memory, argument) },
            // SAFETY: the memory came from this table for this client, and this is the last use.
            Some(Free::Table((table, free))) => unsafe { free(table, &self.client, memory) },
            Some(Free::Deleter((None, _))) | None => {}
        }
    }
}

impl fmt::Debug for HostMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostMemory")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
