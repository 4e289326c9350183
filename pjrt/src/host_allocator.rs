//! Host memory that a client allocates for its devices, in plugins of PJRT 0.80 to 0.113.

use crate::raw::host_allocator as raw;
use crate::rt::{self, Function, Place, Table};
use crate::{Client, Error, HostMemory, Result};
use std::ffi::c_void;

pjrt_macros::generate!(extension host_allocator);

const ALLOCATE: &str = "PJRT_HostAllocator_Allocate";

impl HostAllocator {
    /// Allocates `size` bytes of host memory at a multiple of `alignment`, which is a power of two;
    /// [`HostAllocator::preferred_alignment`] tells a good one. No bytes take no memory.
    ///
    /// Calls `PJRT_HostAllocator_Allocate`, and `PJRT_HostAllocator_Free` when the memory is dropped
    /// (since PJRT 0.80).
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for an alignment that is no power of two, or a size that memory cannot have;
    /// `Unimplemented` if the plugin's table lacks one of the functions; `InvalidOutput` where no
    /// memory comes back, or at an address that is not aligned; what the plugin reports.
    pub fn allocate(&self, client: &Client, size: usize, alignment: usize) -> Result<HostMemory> {
        let api = self.table.api();
        rt::of_plugin(api, client, ALLOCATE, "client")?;
        HostMemory::possible(size, ALLOCATE)?;
        if !alignment.is_power_of_two() {
            return Err(Error::InvalidArgument {
                function: ALLOCATE,
                argument: "alignment",
                problem: format!("{alignment} is no power of two"),
            });
        }
        if self.table.table().0.free.is_none() {
            return Err(self.table.absent(&Function {
                name: "PJRT_HostAllocator_Free",
                since: 0,
            }));
        }
        let input = raw::HostAllocatorAllocateIn::new(client.as_raw(), size, alignment);
        // SAFETY: the client is live and of this plugin.
        let out = unsafe { raw::host_allocator_allocate(self.table, input) }?;
        let place = Place {
            function: ALLOCATE,
            field: "ptr",
        };
        // SAFETY: the memory is new, of that size, and freed by this function alone.
        let memory = unsafe {
            HostMemory::with_table(client, out.ptr.cast(), size, (self.table, free), place)
        }?;
        if size > 0 && memory.as_ptr().addr() & (alignment - 1) != 0 {
            return Err(place.invalid("an address that is not aligned as it was asked to be"));
        }
        Ok(memory)
    }
}

/// Frees memory.
///
/// # Safety
///
/// The memory came from this table for this client, and nobody uses it after this.
unsafe fn free(table: &Table<raw::Table>, client: &Client, memory: *mut c_void) {
    let input = raw::HostAllocatorFreeIn::new(client.as_raw(), memory);
    // SAFETY: the caller's promise. An error has nobody to go to.
    let _ = unsafe { raw::host_allocator_free(table, input) };
}
