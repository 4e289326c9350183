//! The sending end of a running program's receive operation.

use crate::rt::{self, Handed, Handle, Place};
use crate::{Event, Result, raw, sys};
use std::ffi::c_void;

pjrt_macros::generate!(handle PJRT_CopyToDeviceStream);

const ADD: &str = "PJRT_CopyToDeviceStream_AddChunk";

impl CopyToDeviceStream {
    /// Sends a chunk; the event tells when it is on the device.
    ///
    /// Calls `PJRT_CopyToDeviceStream_AddChunk`.
    ///
    /// # Errors
    ///
    /// Through the event: a length that is no multiple of the granule, more bytes than expected, a
    /// finished stream.
    pub fn add_chunk(&mut self, data: Vec<u8>) -> Result<Event> {
        let api = self.api();
        rt::destructor::<Event>(api)?;
        let (address, size) = (data.as_ptr(), data.len());
        let (ours, theirs) = Handed::new(data);
        let mut chunk = sys::PJRT_Chunk::zeroed();
        chunk.data = address.cast_mut().cast();
        chunk.size = size;
        chunk.deleter = Some(free);
        chunk.deleter_arg = theirs;
        let input = raw::CopyToDeviceStreamAddChunkIn::new(self.as_raw(), &raw mut chunk);
        // SAFETY: nobody else uses the stream; the chunk's memory lives until its deleter is
        // called, and the struct is copied.
        let out = unsafe { raw::copy_to_device_stream_add_chunk(api, input) };
        if out.is_err() {
            let reached = rt::reached(&out);
            // SAFETY: the pointer came with it.
            let data = unsafe { ours.take_back(theirs, reached) };
            if reached {
                // Nobody knows whether the plugin still reads it.
                std::mem::forget(data);
            }
        }
        let place = Place {
            function: ADD,
            field: "transfer_complete",
        };
        // SAFETY: the event is new and the caller's to destroy.
        unsafe { rt::owned(api, out?.transfer_complete, rt::client_of(self), place) }
    }
}

unsafe extern "C" fn free(_data: *mut c_void, memory: *mut c_void) {
    rt::contained(|| {
        // SAFETY: the plugin brings back, once, what it was given for this function.
        drop(unsafe { rt::taken::<Vec<u8>>(memory) });
    });
}
