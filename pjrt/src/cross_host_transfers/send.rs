//! Sending by descriptors.

use super::CrossHostTransfers;
use super::promise::{DescriptorPromise, Lent, destroy};
use crate::rt::{self, Api, Handle, Owner, Place};
use crate::{Buffer, Event, Result, raw, sys};
use std::ffi::c_void;
use std::ptr::{self, NonNull};

const COPY: &str = "PJRT_Buffer_CopyToRemoteDevice";

/// What waits for the plugin to say how a copy went.
struct Sent {
    api: &'static Api,
    /// The client, which must be there until then.
    _client: Option<Owner>,
    done: Box<dyn FnOnce(Result<()>, bool) + Send>,
}

impl CrossHostTransfers {
    /// Copies a buffer to the device of another process that has told this descriptor. When the
    /// copy is done or has failed, `done` is called, once, perhaps before this returns: with the
    /// outcome, and whether the send was begun. If it failed before it was begun, tell the
    /// receiver, which can cancel; if it failed afterwards, nobody knows whether it came through.
    ///
    /// A panic in `done` ends it and nothing else. Handles that it drops are destroyed on a thread
    /// of this crate.
    ///
    /// Calls `PJRT_Buffer_CopyToRemoteDevice`, since PJRT 0.74; as it is used here since 0.105.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the plugin lacks the function; `TooNew` for a plugin that would free the
    /// descriptor itself; `ForeignHandle` for a buffer of another plugin. All else goes to `done`,
    /// which is dropped without being called if this fails.
    ///
    /// # Safety
    ///
    /// The descriptor must be one that [`CrossHostTransfers::make_receive_buffers`] told on the
    /// receiver for a buffer of the same type, dimensions and layout; nobody else may send to it,
    /// and the receiver may not cancel it. It says where the platform writes, and nobody checks it.
    pub unsafe fn copy_to_remote_device(
        &self,
        buffer: &Buffer,
        descriptor: &[u8],
        done: impl FnOnce(Result<()>, bool) + Send + 'static,
    ) -> Result<()> {
        self.can_copy(buffer)?;
        let cell = Lent::new(Some(descriptor));
        // SAFETY: the cell has its descriptor, which is what it must be as the caller promised;
        // without an event the plugin reads it during the call.
        unsafe { self.copy(buffer, ptr::null_mut(), cell, Box::new(done)) }
    }

    /// As [`CrossHostTransfers::copy_to_remote_device`], for a descriptor that comes later: the
    /// copy waits for the promise, and some platforms' call does not return before. Dropped
    /// unkept, the promise is broken with CANCELLED; read at [`DescriptorPromise::fail`] what that
    /// does to real plugins.
    ///
    /// Calls `PJRT_Event_Create` and `PJRT_Buffer_CopyToRemoteDevice`.
    ///
    /// # Errors
    ///
    /// As there; also `Unimplemented` if the plugin has no events of the caller's.
    ///
    /// # Safety
    ///
    /// As there, for the descriptor that the promise is fulfilled with.
    pub unsafe fn copy_to_remote_device_later(
        &self,
        buffer: &Buffer,
        done: impl FnOnce(Result<()>, bool) + Send + 'static,
    ) -> Result<DescriptorPromise> {
        self.can_copy(buffer)?;
        let api = self.table.api();
        rt::destructor::<Event>(api)?;
        if api.table().PJRT_Event_Set.is_none() {
            return Err(api.absent(&rt::Function {
                name: "PJRT_Event_Set",
                since: 0,
            }));
        }
        // SAFETY: the function takes nothing.
        let out = unsafe { raw::event_create(api, raw::EventCreateIn::new()) }?;
        let place = Place {
            function: "PJRT_Event_Create",
            field: "event",
        };
        let problem = "null where an object must be";
        let event = NonNull::new(out.event).ok_or_else(|| place.invalid(problem))?;
        let mut promise = DescriptorPromise {
            api,
            event: Some(event),
            cell: Lent::new(None),
            _client: rt::client_of(buffer),
        };
        // SAFETY: the event is new and goes to the plugin, which frees it once it is set; that
        // happens after the cell got the descriptor, which is what it must be as the caller
        // promised.
        let copied = unsafe { self.copy(buffer, event.as_ptr(), promise.cell, Box::new(done)) };
        if let Err(error) = copied {
            promise.event = None;
            // SAFETY: the plugin was not reached, so the event is still ours.
            unsafe { Event::destroy(api, event) };
            return Err(error);
        }
        Ok(promise)
    }

    /// What must be so before anything is made for a copy.
    fn can_copy(&self, buffer: &Buffer) -> Result<()> {
        let api = self.table.api();
        rt::of_plugin(api, buffer, COPY, "buffer")?;
        let function = rt::Function {
            name: COPY,
            since: 0,
        };
        let table = &self.table.table().0;
        if table
            .PJRT_Transfers_PJRT_Buffer_CopyToRemoteDevice
            .is_none()
        {
            return Err(self.table.absent(&function));
        }
        raw::cross_host_transfers::BufferCopyToRemoteDeviceIn::knows_descriptor_destructor(
            self.table,
        )
    }

    /// # Safety
    ///
    /// The event is null, and the cell has its descriptor; or the event is ours to give, and is set
    /// when the cell has it. The plugin may write where the descriptor says.
    unsafe fn copy(
        &self,
        buffer: &Buffer,
        event: *mut sys::PJRT_Event,
        cell: Lent,
        done: Box<dyn FnOnce(Result<()>, bool) + Send>,
    ) -> Result<()> {
        let number = rt::waiting(Sent {
            api: self.table.api(),
            _client: rt::client_of(buffer),
            done,
        });
        let (data, size) = cell.places();
        let input = raw::cross_host_transfers::BufferCopyToRemoteDeviceIn::new(
            buffer.as_raw(),
            event,
            data,
            size,
            sys::cross_host_transfers::PJRT_Transfers_CrossHostRemoteSendCallbackInfo {
                user_arg: number,
                on_done: Some(sent),
            },
        )
        .with_descriptor_destructor(Some(destroy));
        // SAFETY: the buffer is live, and the plugin keeps what it needs of it; the cell stays until
        // the plugin frees it; the callback finds what waits or nothing; the rest is the caller's
        // promise.
        let called =
            unsafe { raw::cross_host_transfers::buffer_copy_to_remote_device(self.table, input) };
        if called.is_err() {
            // The plugin was not reached: the function reports nothing itself.
            cell.free();
            drop(rt::called::<Sent>(number));
        }
        called.map(drop)
    }
}

/// What the plugin calls.
unsafe extern "C" fn sent(error: *mut sys::PJRT_Error, enqueued: bool, number: *mut c_void) {
    rt::contained(|| {
        let Some(Sent { api, _client, done }) = rt::called::<Sent>(number) else {
            return;
        };
        if error.is_null() {
            done(Ok(()), enqueued);
        } else {
            // The plugin destroys its error when this returns.
            done(Err(rt::lent_error(api, error, COPY)), enqueued);
        }
    });
}
