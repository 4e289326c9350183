//! Memory of a device's for one call.

use super::Error;
use super::frame::Frame;
use super::xla::Xla;
use crate::sys::ffi_api as c;
use std::ffi::c_void;
use std::marker::PhantomData;

/// Memory of a device's, freed when this is dropped, at the latest when the handler returns.
#[derive(Debug)]
pub struct Scratch<'c> {
    xla: Xla,
    context: *mut c::XLA_FFI_InvokeContext,
    data: *mut c_void,
    size: usize,
    call: PhantomData<&'c ()>,
}

impl<'c> Scratch<'c> {
    pub(super) fn new(
        frame: &'c Frame<'c>,
        context: *mut c::XLA_FFI_InvokeContext,
        size: usize,
        alignment: usize,
    ) -> Result<Scratch<'c>, Error> {
        let xla = frame.xla;
        // What could not be freed is not allocated.
        xla.slot("XLA_FFI_DeviceMemory_Free", |api: &c::XLA_FFI_Api| {
            api.XLA_FFI_DeviceMemory_Free
        })?;
        let function = xla.slot("XLA_FFI_DeviceMemory_Allocate", |api: &c::XLA_FFI_Api| {
            api.XLA_FFI_DeviceMemory_Allocate
        })?;
        let mut args = c::XLA_FFI_DeviceMemory_Allocate_Args::zeroed();
        args.struct_size = c::XLA_FFI_DeviceMemory_Allocate_Args_STRUCT_SIZE;
        args.ctx = context;
        args.size = size;
        args.alignment = alignment;
        // SAFETY: the context is that of the call, which has not returned; the struct is whole.
        unsafe {
            let error = function(&raw mut args);
            xla.check(error, "XLA_FFI_DeviceMemory_Allocate")?;
        }
        Ok(Scratch {
            xla,
            context,
            data: args.data,
            size,
            call: PhantomData,
        })
    }

    /// Its address in the device's memory.
    pub fn as_ptr(&self) -> *mut c_void {
        self.data
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.size
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        let Ok(function) = self
            .xla
            .slot("XLA_FFI_DeviceMemory_Free", |api: &c::XLA_FFI_Api| {
                api.XLA_FFI_DeviceMemory_Free
            })
        else {
            return;
        };
        let mut args = c::XLA_FFI_DeviceMemory_Free_Args::zeroed();
        args.struct_size = c::XLA_FFI_DeviceMemory_Free_Args_STRUCT_SIZE;
        args.ctx = self.context;
        args.size = self.size;
        args.data = self.data;
        // SAFETY: allocated in this call, which has not returned: it outlives `'c`. Freed once.
        // A failure leaks the memory.
        unsafe {
            let error = function(&raw mut args);
            let _ = self.xla.check(error, "XLA_FFI_DeviceMemory_Free");
        }
    }
}
