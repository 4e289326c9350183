//! The sending end of a running program's receive operation.

use crate::rt::{self, Handle, Place};
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
        let number = rt::waiting(data);
        let mut chunk = sys::PJRT_Chunk::zeroed();
        chunk.data = address.cast_mut().cast();
        chunk.size = size;
        chunk.deleter = Some(free);
        chunk.deleter_arg = number;
        let input = raw::CopyToDeviceStreamAddChunkIn::new(self.as_raw(), &raw mut chunk);
        // SAFETY: nobody else uses the stream; the chunk's memory lives until its deleter is
        // called, and the struct is copied.
        let out = unsafe { raw::copy_to_device_stream_add_chunk(api, input) };
        if out.is_err() {
            let data = rt::called::<Vec<u8>>(number);
            if rt::reached(&out) {
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

unsafe extern "C" fn free(_data: *mut c_void, number: *mut c_void) {
    rt::contained(|| drop(rt::called::<Vec<u8>>(number)));
}
