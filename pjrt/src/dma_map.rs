//! Host memory that devices may reach by themselves.

use crate::rt::{self, Handle};
use crate::{Client, Error, Result, raw};
use std::ffi::c_void;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

const MAP: &str = "PJRT_Client_DmaMap";
const UNMAP: &str = "PJRT_Client_DmaUnmap";

impl Client {
    /// Registers host memory for fast transfers, until the guard is dropped. It keeps the memory,
    /// or the borrow of it, and the client. Most platforms want whole pages; the platform may also
    /// have none of this, as CPUs.
    ///
    /// Calls `PJRT_Client_DmaMap` (since PJRT 0.67).
    ///
    /// # Safety
    ///
    /// `memory.as_ref()`, and `as_mut()` if there is one, give the same bytes as long as the guard
    /// lives, wherever it is moved. The guard of memory that is only borrowed is not forgotten.
    /// When the guard goes, no transfer uses the bytes any more; while one does, they are used as
    /// the transfer allows it.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for no bytes; `Unimplemented` if the plugin's table lacks the function or
    /// the one that ends it; UNIMPLEMENTED on CPU; what the plugin reports.
    pub unsafe fn dma_map<M: AsRef<[u8]>>(&self, memory: M) -> Result<DmaMap<M>> {
        let api = self.api();
        if api.table().PJRT_Client_DmaUnmap.is_none() {
            // What is mapped could never be given back.
            return Err(api.absent(&rt::Function {
                name: UNMAP,
                since: 0,
            }));
        }
        let bytes = memory.as_ref();
        if bytes.is_empty() {
            return Err(Error::InvalidArgument {
                function: MAP,
                argument: "data",
                problem: "there are no bytes to be mapped".to_owned(),
            });
        }
        let address: *mut c_void = bytes.as_ptr().cast_mut().cast();
        let input = raw::ClientDmaMapIn::new(self.as_raw(), address, bytes.len());
        // SAFETY: the range is the memory's, which stays until it is unmapped; the caller vouches
        // for that and for its use.
        unsafe { raw::client_dma_map(api, input) }?;
        Ok(DmaMap {
            client: self.clone(),
            memory: ManuallyDrop::new(memory),
            address,
            mapped: true,
        })
    }
}

/// Host memory that is registered with a client for fast transfers. It reads as its bytes.
///
/// Dropped, it ends the registration. If the plugin refuses that, the memory is never freed, for
/// devices may still reach it.
pub struct DmaMap<M: AsRef<[u8]>> {
    client: Client,
    memory: ManuallyDrop<M>,
    /// What was mapped; only given back.
    address: *mut c_void,
    mapped: bool,
}

// SAFETY: the address is only compared by the plugin, which may be called on any thread; the memory
// may be sent where it may be.
unsafe impl<M: AsRef<[u8]> + Send> Send for DmaMap<M> {}
// SAFETY: a shared reference only reads the memory.
unsafe impl<M: AsRef<[u8]> + Sync> Sync for DmaMap<M> {}

impl<M: AsRef<[u8]>> DmaMap<M> {
    /// Ends the registration and gives the memory back.
    ///
    /// Calls `PJRT_Client_DmaUnmap` (since PJRT 0.67).
    ///
    /// # Errors
    ///
    /// What the plugin reports; the memory is then never freed.
    pub fn unmap(mut self) -> Result<M> {
        self.end()?;
        // SAFETY: it is not used again: the drop below finds it unmapped.
        Ok(unsafe { ManuallyDrop::take(&mut self.memory) })
    }

    /// The client that it is registered with.
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn end(&mut self) -> Result<()> {
        self.mapped = false;
        let input = raw::ClientDmaUnmapIn::new(self.client.as_raw(), self.address);
        // SAFETY: the address was mapped, is unmapped this once, and by the promise of who mapped
        // it no transfer uses it any more.
        unsafe { raw::client_dma_unmap(self.client.api(), input) }.map(drop)
    }
}

impl<M: AsRef<[u8]>> Drop for DmaMap<M> {
    fn drop(&mut self) {
        if self.mapped && self.end().is_ok() {
            // SAFETY: nothing reaches it any more, and this is the end of what holds it.
            unsafe { ManuallyDrop::drop(&mut self.memory) };
        }
    }
}

impl<M: AsRef<[u8]>> Deref for DmaMap<M> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.memory.as_ref()
    }
}

impl<M: AsRef<[u8]> + AsMut<[u8]>> DerefMut for DmaMap<M> {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.memory.as_mut()
    }
}

impl<M: AsRef<[u8]>> fmt::Debug for DmaMap<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes at {:p}", self.len(), self.address)
    }
}
