//! Copies between raw buffers and the host, and among raw buffers.

use super::RawBuffer;
use crate::device_event::{DeviceEvent, DeviceEventPromise, DeviceTransfer, EventList};
use crate::raw::raw_buffer as calls;
use crate::rt::{self, Api, Handle, Place};
use crate::{Error, Event, Result, Transfer, sys};
use std::ffi::c_void;

const READ: &str = "PJRT_RawBuffer_CopyRawDeviceToHost";
const WRITE: &str = "PJRT_RawBuffer_CopyRawHostToDevice";
const READ_AFTER: &str = "PJRT_RawBuffer_FunctionTable.copy_raw_device_to_host_and_return_event";
const WRITE_AFTER: &str = "PJRT_RawBuffer_FunctionTable.copy_raw_host_to_device_and_return_event";
const SCHEDULE: &str = "PJRT_RawBuffer_FunctionTable.schedule_copy_to";

/// Who waits for the memory of a copy to be allocated.
struct Allocated {
    api: &'static Api,
    callback: Box<dyn FnOnce(Result<()>) + Send>,
}

impl RawBuffer {
    /// Reads bytes. Returns at once; the bytes come from [`Transfer::wait`]. Nothing orders the copy
    /// after what is to fill the memory: wait for the buffer first.
    ///
    /// Calls `PJRT_RawBuffer_CopyRawDeviceToHost`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a range that is not within the memory; what the plugin reports.
    pub fn copy_to_host(&self, offset: i64, length: usize) -> Result<Transfer<Vec<u8>>> {
        let api = self.api();
        rt::destructor::<Event>(api)?;
        let size = self.range(READ, offset, length)?;
        let mut memory = zeroed(READ, length)?;
        let destination: *mut u8 = memory.as_mut_ptr();
        let input = calls::RawBufferCopyRawDeviceToHostIn::new(
            self.as_raw(),
            destination.cast(),
            offset,
            size,
        );
        // SAFETY: the range lies within the raw buffer, which is kept until the event; the memory
        // has the range's length and is kept, not touched, until then.
        let out = unsafe { calls::raw_buffer_copy_raw_device_to_host(self.table()?, input) };
        self.begun(out.map(|out| out.event), memory, READ)
    }

    /// Writes bytes. Returns at once; they come back from [`Transfer::wait`], when the plugin has
    /// read them.
    ///
    /// Calls `PJRT_RawBuffer_CopyRawHostToDevice`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a range that is not within the memory; what the plugin reports.
    ///
    /// # Safety
    ///
    /// Until the event, nobody else reads or writes the range, and nobody relies on its bytes not to
    /// change, as somebody does who lent the memory ([`RawBuffer::is_mutable`] says no then).
    pub unsafe fn copy_from_host(&self, data: Vec<u8>, offset: i64) -> Result<Transfer<Vec<u8>>> {
        rt::destructor::<Event>(self.api())?;
        let size = self.range(WRITE, offset, data.len())?;
        let source: *const u8 = data.as_ptr();
        let raw = self.as_raw();
        let input = calls::RawBufferCopyRawHostToDeviceIn::new(raw, source.cast(), offset, size);
        // SAFETY: the range lies within the raw buffer, which is kept until the event; the data is
        // kept, not touched, until then. What else is done with the range is the caller's promise.
        let out = unsafe { calls::raw_buffer_copy_raw_host_to_device(self.table()?, input) };
        self.begun(out.map(|out| out.event), data, WRITE)
    }

    /// Reads bytes after events have happened. Returns at once; the bytes come from
    /// [`DeviceTransfer::wait`].
    ///
    /// Calls `copy_raw_device_to_host_and_return_event` of the object's table, which is there, as it
    /// is today, since PJRT 0.114.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a range that is not within the memory; `ForeignHandle` for an event of
    /// another plugin; `Unimplemented` if the plugin is older; what the plugin reports.
    pub fn copy_to_host_after(
        &self,
        events: &[DeviceEvent],
        offset: i64,
        length: usize,
    ) -> Result<DeviceTransfer<Vec<u8>>> {
        let (api, object) = (self.api(), self.as_raw());
        let size = self.range(READ_AFTER, offset, length)?;
        let mut list = self.list(READ_AFTER, events)?;
        let mut memory = zeroed(READ_AFTER, length)?;
        let destination: *mut u8 = memory.as_mut_ptr();
        let (destination, list) = (destination.cast(), list.as_mut_ptr());
        // SAFETY: the range lies within the raw buffer, which is kept until the event; the memory
        // has the range's length and is kept, not touched, until then; the list outlives the call.
        let out = unsafe {
            calls::raw_buffer_vtable_copy_raw_device_to_host_and_return_event(
                api,
                object,
                destination,
                offset,
                size,
                list,
            )
        };
        self.begun_after(out.map(|out| out.event), memory, READ_AFTER)
    }

    /// Writes bytes after events have happened. Returns at once; they come back from
    /// [`DeviceTransfer::wait`], when the plugin has read them.
    ///
    /// Calls `copy_raw_host_to_device_and_return_event` of the object's table, which is there, as it
    /// is today, since PJRT 0.114.
    ///
    /// # Errors
    ///
    /// As for [`RawBuffer::copy_to_host_after`].
    ///
    /// # Safety
    ///
    /// As for [`RawBuffer::copy_from_host`], from the last of the events on.
    pub unsafe fn copy_from_host_after(
        &self,
        events: &[DeviceEvent],
        data: Vec<u8>,
        offset: i64,
    ) -> Result<DeviceTransfer<Vec<u8>>> {
        let (api, object) = (self.api(), self.as_raw());
        let size = self.range(WRITE_AFTER, offset, data.len())?;
        let mut list = self.list(WRITE_AFTER, events)?;
        let source: *const u8 = data.as_ptr();
        let (source, list) = (source.cast(), list.as_mut_ptr());
        // SAFETY: the range lies within the raw buffer, which is kept until the event; the data is
        // kept, not touched, until then; the list outlives the call. What else is done with the
        // range is the caller's promise.
        let out = unsafe {
            calls::raw_buffer_vtable_copy_raw_host_to_device_and_return_event(
                api, object, source, offset, size, list,
            )
        };
        self.begun_after(out.map(|out| out.event), data, WRITE_AFTER)
    }

    /// Copies all bytes to another raw buffer after events have happened. Returns at once: `filled`
    /// happens when the other one has the bytes, `read` when this one is not used any more, and
    /// `allocated` is called once, when the other one's memory is there, from any thread.
    ///
    /// Both raw buffers are kept until then. If the call is refused, the promises are CANCELLED.
    ///
    /// Calls `schedule_copy_to` of the object's table, which is there since PJRT 0.114.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a raw buffer of another size; `ForeignHandle` for one, a promise or an
    /// event of another plugin; `Unimplemented` if the plugin is older, or the table lacks it.
    ///
    /// # Safety
    ///
    /// From the last of the events on until `filled`, nobody else reads or writes the other raw
    /// buffer's memory, and nobody relies on its bytes not to change.
    pub unsafe fn schedule_copy_to(
        &self,
        events: &[DeviceEvent],
        destination: &RawBuffer,
        filled: DeviceEventPromise,
        read: DeviceEventPromise,
        allocated: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<()> {
        let (api, object) = (self.api(), self.as_raw());
        rt::same_plugin(self, destination, SCHEDULE, "dst_buffer")?;
        foreign(api, filled.api(), "definition_event_promise")?;
        foreign(api, read.api(), "src_usage_event_promise")?;
        let (size, room) = (self.on_device_size()?, destination.on_device_size()?);
        if size != room {
            return Err(Error::InvalidArgument {
                function: SCHEDULE,
                argument: "dst_buffer",
                problem: format!("it has {room} bytes for {size}"),
            });
        }
        let mut list = self.list(SCHEDULE, events)?;
        let (source, target) = (self.clone(), destination.clone());
        read.event()?.on_ready(move |_| drop(source))?;
        filled.event()?.on_ready(move |_| drop(target))?;
        let number = rt::waiting(Allocated {
            api,
            callback: Box::new(allocated),
        });
        let (target, first, second) = (destination.as_raw(), filled.object(), read.object());
        // SAFETY: both raw buffers are live and kept until the promises are, which are live and not
        // kept yet; the list outlives the call; the callback finds what waits or nothing. What else is done with the destination is the caller's promise.
        let out = unsafe {
            calls::raw_buffer_vtable_schedule_copy_to(
                api,
                object,
                list.as_mut_ptr(),
                target,
                first,
                second,
                Some(on_allocated),
                number,
            )
        };
        match &out {
            // The plugin has both promises' references.
            Ok(()) => _ = (filled.into_raw(), read.into_raw()),
            Err(_) => drop(rt::called::<Allocated>(number)),
        }
        out
    }

    /// References to events, which must be of this plugin.
    fn list(&self, function: &'static str, events: &[DeviceEvent]) -> Result<EventList> {
        if events.iter().all(|e| std::ptr::eq(self.api(), e.api())) {
            return Ok(EventList::of(self.api(), events));
        }
        Err(Error::ForeignHandle {
            function,
            argument: "dependencies",
            must_share: "plugin",
        })
    }

    /// A copy that was begun, or refused. The raw buffer stays until it is done.
    fn begun(
        &self,
        event: Result<*mut sys::PJRT_Event>,
        memory: Vec<u8>,
        function: &'static str,
    ) -> Result<Transfer<Vec<u8>>> {
        let place = Place {
            function,
            field: "event",
        };
        let owner = rt::owner_of(self);
        let reached = rt::reached(&event);
        // SAFETY: the event is new and ours to destroy.
        let event: Result<Event> =
            event.and_then(|event| unsafe { rt::owned(self.api(), event, owner.clone(), place) });
        match event {
            Ok(event) => Ok(Transfer::new(event, memory).keeping(owner)),
            Err(error) => {
                if reached {
                    // Nobody knows whether the copy was begun.
                    std::mem::forget((memory, owner));
                }
                Err(error)
            }
        }
    }

    /// As [`RawBuffer::begun`], with a device event.
    fn begun_after(
        &self,
        event: Result<sys::device_event::PJRT_DeviceEvent>,
        memory: Vec<u8>,
        function: &'static str,
    ) -> Result<DeviceTransfer<Vec<u8>>> {
        let reached = rt::reached(&event);
        let owner = rt::owner_of(self);
        match event.and_then(|event| self.new_event(event, function)) {
            Ok(event) => Ok(DeviceTransfer::new(event, memory, owner)),
            Err(error) => {
                if reached {
                    // Nobody knows whether the copy was begun.
                    std::mem::forget((memory, owner));
                }
                Err(error)
            }
        }
    }
}

fn foreign(api: &'static Api, given: &'static Api, argument: &'static str) -> Result<()> {
    if std::ptr::eq(api, given) {
        return Ok(());
    }
    Err(Error::ForeignHandle {
        function: SCHEDULE,
        argument,
        must_share: "plugin",
    })
}

fn zeroed(function: &'static str, length: usize) -> Result<Vec<u8>> {
    let mut memory = Vec::new();
    if memory.try_reserve_exact(length).is_err() {
        return Err(Error::InvalidArgument {
            function,
            argument: "transfer_size",
            problem: format!("there is no memory for {length} bytes"),
        });
    }
    memory.resize(length, 0u8);
    Ok(memory)
}

unsafe extern "C" fn on_allocated(error: *mut sys::PJRT_Error, number: *mut c_void) {
    rt::contained(|| {
        let Some(Allocated { api, callback }) = rt::called::<Allocated>(number) else {
            return;
        };
        callback(if error.is_null() {
            Ok(())
        } else {
            Err(rt::plugin_error(api, error, SCHEDULE))
        });
    });
}
