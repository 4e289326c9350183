//! The extension for raw buffers: the bytes of device memory behind a buffer.
//!
//! The extension has a function for most of what a raw buffer does. Since PJRT 0.113 the object itself
//! carries functions as well, which do the same and more. Where both do the same, the extension's is
//! called, for it takes a struct that tells its size and has been there since 0.67; the object's own
//! serves where the extension's table has a hole.

mod copies;

use crate::device_event::DeviceEvent;
use crate::raw::raw_buffer as calls;
use crate::rt::{self, Handle, Place, Table};
use crate::sys::device_event::PJRT_DeviceEvent;
use crate::sys::raw_buffer::PJRT_RawBuffer;
use crate::{Error, Memory, Result};
use std::ffi::c_void;
use std::ptr::NonNull;

pjrt_macros::generate!(extension raw_buffer);
pjrt_macros::generate!(handle PJRT_RawBuffer);

const SLICE: &str = "PJRT_RawBuffer_FunctionTable.slice";

impl RawBuffer {
    fn table(&self) -> Result<&'static Table<calls::Table>> {
        self.api().extension()
    }

    /// Counts one more reference, for C code that gives it up by the object's own table. A clone of
    /// this handle counts none: all clones share one reference.
    ///
    /// Calls `inc_ref` of the object's table, which is there since PJRT 0.113.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the plugin is older, or the table lacks it.
    pub fn to_raw(&self) -> Result<*mut PJRT_RawBuffer> {
        // SAFETY: the raw buffer is live while the handle is.
        unsafe { calls::raw_buffer_vtable_inc_ref(self.api(), self.as_raw()) }?;
        Ok(self.as_raw())
    }

    /// How many bytes the memory has.
    ///
    /// Calls `PJRT_RawBuffer_GetOnDeviceSizeInBytes`, or the function of the object's own table
    /// where the extension lacks it.
    ///
    /// # Errors
    ///
    /// What the plugin reports.
    pub fn on_device_size(&self) -> Result<usize> {
        let input = calls::RawBufferGetOnDeviceSizeInBytesIn::new(self.as_raw());
        // SAFETY: the raw buffer is live while the handle is.
        let out = unsafe { calls::raw_buffer_get_on_device_size_in_bytes(self.table()?, input) };
        match out {
            Ok(out) => Ok(out.on_device_size_in_bytes),
            Err(Error::Unimplemented { .. }) => {
                let (api, object) = (self.api(), self.as_raw());
                // SAFETY: as above.
                unsafe { calls::raw_buffer_vtable_get_on_device_size_in_bytes(api, object) }
            }
            Err(error) => Err(error),
        }
    }

    /// The memory space that the bytes lie in.
    ///
    /// Calls `PJRT_RawBuffer_GetMemorySpace`, or the function of the object's own table where the
    /// extension lacks it.
    ///
    /// # Errors
    ///
    /// UNIMPLEMENTED if the raw buffer knows none; what else the plugin reports.
    pub fn memory(&self) -> Result<Memory> {
        let input = calls::RawBufferGetMemorySpaceIn::new(self.as_raw());
        // SAFETY: the raw buffer is live while the handle is.
        let out = unsafe { calls::raw_buffer_get_memory_space(self.table()?, input) };
        let memory = match out {
            Ok(out) => out.memory_space,
            Err(Error::Unimplemented { .. }) => {
                let (api, object) = (self.api(), self.as_raw());
                // SAFETY: as above.
                unsafe { calls::raw_buffer_vtable_get_memory_space(api, object) }?
            }
            Err(error) => return Err(error),
        };
        let place = Place {
            function: "PJRT_RawBuffer_GetMemorySpace",
            field: "memory_space",
        };
        // SAFETY: memories belong to their client, which the handle keeps.
        unsafe { rt::borrowed(memory, rt::client_of(self), place) }
    }

    /// Where the host sees the memory, if it does.
    ///
    /// Calls `PJRT_RawBuffer_GetHostPointer` (since PJRT 0.74), or the function of the object's own
    /// table where the extension lacks it.
    ///
    /// # Errors
    ///
    /// What the plugin reports.
    ///
    /// # Safety
    ///
    /// The address is good for as many bytes as [`RawBuffer::on_device_size`] says, while the raw
    /// buffer lives. Reads and writes through it must not race with other uses of the memory, and
    /// nothing may be written that somebody relies on not to change.
    pub unsafe fn host_pointer(&self) -> Result<Option<NonNull<u8>>> {
        let input = calls::RawBufferGetHostPointerIn::new(self.as_raw());
        // SAFETY: the raw buffer is live while the handle is.
        let out = unsafe { calls::raw_buffer_get_host_pointer(self.table()?, input) };
        let pointer = match out {
            Ok(out) => out.host_pointer,
            Err(Error::Unimplemented { .. }) => {
                let (api, object) = (self.api(), self.as_raw());
                // SAFETY: as above.
                unsafe { calls::raw_buffer_vtable_get_host_pointer(api, object) }?
            }
            Err(error) => return Err(error),
        };
        Ok(NonNull::new(pointer.cast()))
    }

    /// The memory's address on the device. A pointer is harmless; using it is the platform's matter.
    ///
    /// Calls `opaque_device_memory_data_pointer` of the object's table, which is there since PJRT
    /// 0.114.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the plugin is older, or the table lacks it.
    pub fn device_address(&self) -> Result<*mut c_void> {
        let (api, object) = (self.api(), self.as_raw());
        // SAFETY: the raw buffer is live while the handle is.
        unsafe { calls::raw_buffer_vtable_opaque_device_memory_data_pointer(api, object) }
    }

    /// Whether the memory may be written; memory that a caller lent may not.
    ///
    /// Calls `is_mutable` of the object's table, which is there since PJRT 0.114.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the plugin is older, or the table lacks it.
    pub fn is_mutable(&self) -> Result<bool> {
        // SAFETY: the raw buffer is live while the handle is.
        unsafe { calls::raw_buffer_vtable_is_mutable(self.api(), self.as_raw()) }
    }

    /// The event that the memory is allocated.
    ///
    /// Calls `make_allocation_ready_event` of the object's table, which is there since PJRT 0.114.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the plugin is older, or the table lacks it; what the plugin reports.
    pub fn allocation_event(&self) -> Result<DeviceEvent> {
        let (api, object) = (self.api(), self.as_raw());
        // SAFETY: the raw buffer is live while the handle is.
        let out = unsafe { calls::raw_buffer_vtable_make_allocation_ready_event(api, object) }?;
        self.new_event(out.event, "make_allocation_ready_event")
    }

    /// The event that the raw buffer itself is there, which it is made with.
    ///
    /// Calls `get_raw_buffer_async_value` of the object's table, which is there since PJRT 0.114.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the plugin is older, or the table lacks it; what the plugin reports.
    pub fn ready_event(&self) -> Result<DeviceEvent> {
        let (api, object) = (self.api(), self.as_raw());
        // SAFETY: the raw buffer is live while the handle is.
        let out = unsafe { calls::raw_buffer_vtable_get_raw_buffer_async_value(api, object) }?;
        let place = Place {
            function: "PJRT_RawBuffer_FunctionTable.get_raw_buffer_async_value",
            field: "event",
        };
        // SAFETY: the event belongs to the raw buffer, so it is live, and a reference is counted.
        unsafe { DeviceEvent::borrowed(api, out.event, rt::client_of(self), place) }
    }

    /// A part of the memory, as a raw buffer of its own. It keeps this one.
    ///
    /// Calls `slice` of the object's table, which is there since PJRT 0.114.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a range that is not within the memory; `Unimplemented` if the plugin is
    /// older, or the table lacks it; what the plugin reports.
    pub fn slice(&self, offset: i64, length: usize) -> Result<RawBuffer> {
        let (api, object) = (self.api(), self.as_raw());
        rt::destructor::<RawBuffer>(api)?;
        let size = self.range(SLICE, offset, length)?;
        // SAFETY: the raw buffer is live while the handle is, and the range lies within it.
        let out = unsafe { calls::raw_buffer_vtable_slice(api, object, offset, size) }?;
        let place = Place {
            function: SLICE,
            field: "sliced_buffer",
        };
        // SAFETY: the part is new and ours to give up.
        unsafe { rt::owned(api, out.sliced_buffer, rt::owner_of(self), place) }
    }

    /// The length of a range of the bytes, which must lie within them.
    fn range(&self, function: &'static str, offset: i64, length: usize) -> Result<i64> {
        crate::raw_copy::range(function, offset, length, self.on_device_size()?)
    }

    /// An event that a function made for the caller. It needs the client.
    fn new_event(&self, event: PJRT_DeviceEvent, field: &'static str) -> Result<DeviceEvent> {
        let place = Place {
            function: "PJRT_RawBuffer_FunctionTable",
            field,
        };
        // SAFETY: the event is new and ours to give up.
        unsafe { DeviceEvent::owned(self.api(), event, rt::client_of(self), place) }
    }
}
