//! Host memory that a client allocates for its devices.

use crate::raw::host_memory_allocator as raw;
use crate::rt::{self, Place};
use crate::{Client, HostMemory, Result};
use std::ffi::c_int;

pjrt_macros::generate!(extension host_memory_allocator);

const ALLOCATE: &str = "PJRT_HostMemoryAllocator_Allocate";

impl HostMemoryAllocator {
    /// Allocates `size` bytes of host memory, near a NUMA node if one is given. The plugin chooses
    /// the alignment. No bytes take no memory.
    ///
    /// Calls `PJRT_HostMemoryAllocator_Allocate` (since PJRT 0.103).
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a size that memory cannot have; UNIMPLEMENTED where the client has no
    /// such allocator; `InvalidOutput` where no memory comes back, which is how an allocator says
    /// that it has none left; what the plugin reports.
    pub fn allocate(
        &self,
        client: &Client,
        size: usize,
        numa_node: Option<u16>,
    ) -> Result<HostMemory> {
        rt::of_plugin(self.table.api(), client, ALLOCATE, "client")?;
        HostMemory::possible(size, ALLOCATE)?;
        // -1 says that no node is preferred.
        let node = numa_node.map_or(-1, c_int::from);
        let input = raw::HostMemoryAllocatorAllocateIn::new(client.as_raw(), size, node);
        // SAFETY: the client is live and of this plugin.
        let out = unsafe { raw::host_memory_allocator_allocate(self.table, input) }?;
        let place = Place {
            function: ALLOCATE,
            field: "ptr",
        };
        let (free, argument) = (out.deleter, out.deleter_arg);
        // SAFETY: the memory is new, of that size, and nobody else frees it; the function came
        // with it, and its argument lives as long as the client.
        unsafe { HostMemory::with_deleter(client, out.ptr, size, (free, argument), place) }
    }
}
