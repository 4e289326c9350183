//! Extensions of somebody else's: their nodes in the plugin's chain, and what their functions ask of
//! the plugin, which is its errors and what a handle stands for.

use crate::buffer::Buffer;
use crate::client::Client;
use crate::device::Device;
use crate::failure::Failure;
use crate::mock::{Builder, Inner, Mock};
use pjrt_sys as sys;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// A node of somebody else's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreign(pub(crate) *mut u64);

// SAFETY: the node is written while a plugin is made of it, which is its owner's promise.
unsafe impl Send for Foreign {}
// SAFETY: as above.
unsafe impl Sync for Foreign {}

impl Builder {
    /// Links a node of somebody else's into the chain of extensions: at a place from 0, or at the end.
    ///
    /// # Safety
    ///
    /// The node is a table of an extension that lives as long as the process; its `next` is written
    /// when the plugin is made, and nobody else uses it meanwhile. A node is in one plugin at a time.
    pub unsafe fn extension_node(
        mut self,
        at: usize,
        node: *mut sys::PJRT_Extension_Base,
    ) -> Builder {
        self.looks.foreign.push((at, Foreign(node.cast())));
        self
    }
}

impl Mock {
    /// The plugin's books, for functions of extensions that are not the mock's.
    pub fn books(&self) -> Books {
        Books {
            inner: self.inner.clone(),
        }
    }
}

/// The books of a plugin, for an extension that is linked into its chain. They outlive it.
#[derive(Clone)]
pub struct Books {
    inner: Arc<Inner>,
}

impl Books {
    /// An error of the plugin's, which its caller destroys.
    pub fn error(&self, failure: Failure) -> *mut sys::PJRT_Error {
        self.inner.error(failure)
    }

    /// Whether a handle is a live client of the plugin's.
    ///
    /// # Errors
    ///
    /// What it is instead; that a caller gave it is among the plugin's violations.
    pub fn client(&self, handle: *const sys::PJRT_Client) -> Result<(), Failure> {
        self.get::<Client>(handle).map(drop)
    }

    /// The number of a device of the plugin's.
    ///
    /// # Errors
    ///
    /// As [`Books::client`].
    pub fn device(&self, handle: *const sys::PJRT_Device) -> Result<i32, Failure> {
        self.get::<Device>(handle).map(|device| device.id)
    }

    /// Whether a handle is a live buffer of the plugin's.
    ///
    /// # Errors
    ///
    /// As [`Books::client`].
    pub fn buffer(&self, handle: *const sys::PJRT_Buffer) -> Result<(), Failure> {
        self.get::<Buffer>(handle).map(drop)
    }

    /// How many bytes of device memory a live buffer of the plugin's takes.
    ///
    /// # Errors
    ///
    /// As [`Books::client`].
    pub fn buffer_bytes(&self, handle: *const sys::PJRT_Buffer) -> Result<usize, Failure> {
        self.get::<Buffer>(handle)
            .map(|buffer| buffer.shape.bytes())
    }

    /// An event of the plugin's, which its caller destroys. It ends on another thread, after a job
    /// and as that says.
    pub fn event(
        &self,
        job: impl FnOnce() -> Result<(), Failure> + Send + 'static,
    ) -> *mut sys::PJRT_Event {
        self.inner.event_after(job)
    }

    fn get<T: Any + Send + Sync>(&self, handle: *const impl Sized) -> Result<Arc<T>, Failure> {
        let found = self.inner.registry().get::<T>(handle as usize);
        found.map_err(|what| {
            self.inner.violation(what.clone());
            Failure::invalid(what)
        })
    }
}

impl fmt::Debug for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Books")
    }
}
