//! What a running program calls: for data that it sends, data that it wants, and values on its way.

use crate::element::host_size;
use crate::rt::{self, Api, Owner, Place, contained, numbered};
use crate::{CallbackError, CopyToDeviceStream, ElementType, ErrorCode, sys};
use std::ffi::c_void;
use std::fmt;
use std::ops::Deref;
use std::ptr;
use std::sync::Arc;

/// Bytes from a device, which belong to the plugin until this is dropped.
pub struct SentChunk {
    bytes: *const u8,
    size: usize,
    memory: *mut c_void,
    free: Option<unsafe extern "C" fn(*mut c_void, *mut c_void)>,
    free_with: *mut c_void,
    /// What the memory belongs to.
    owner: Option<Owner>,
}

// SAFETY: the bytes are only read, and freed once, which may happen on any thread.
unsafe impl Send for SentChunk {}
// SAFETY: as above; nothing is written.
unsafe impl Sync for SentChunk {}

impl SentChunk {
    /// # Safety
    ///
    /// The chunk is one that a plugin gave over, and nobody else frees it.
    unsafe fn take(chunk: &sys::PJRT_Chunk) -> Result<SentChunk, CallbackError> {
        let taken = SentChunk {
            bytes: chunk.data.cast_const().cast(),
            size: chunk.size,
            memory: chunk.data,
            free: chunk.deleter,
            free_with: chunk.deleter_arg,
            owner: None,
        };
        let whole = taken.size == 0 || !taken.bytes.is_null();
        if whole && rt::fits(taken.bytes, taken.size) {
            return Ok(taken);
        }
        let problem = "a chunk without its bytes";
        Err(CallbackError::new(ErrorCode::INVALID_ARGUMENT, problem))
    }
}

impl Deref for SentChunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.size == 0 {
            return &[];
        }
        // SAFETY: the pointer is not null and has so many bytes, until they are freed by the drop.
        unsafe { std::slice::from_raw_parts(self.bytes, self.size) }
    }
}

impl AsRef<[u8]> for SentChunk {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for SentChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.size)
    }
}

impl Drop for SentChunk {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: the plugin gave the function for this chunk, and it is called once, while
            // what the memory belongs to is there.
            unsafe { free(self.memory, self.free_with) };
        }
        drop(self.owner.take());
    }
}

/// What a send operation of a running program gives.
#[derive(Debug)]
#[non_exhaustive]
pub struct Sent {
    /// Which of the program's devices it runs on: the place of its argument list.
    pub device: usize,
    /// The bytes of this piece.
    pub chunk: SentChunk,
    /// Bytes of all pieces.
    pub total_size: usize,
    /// This is the last piece.
    pub done: bool,
}

/// A value that an operation of a running program shows on its way.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HloOutput<'a> {
    /// Which replica runs it.
    pub replica: i64,
    /// Which partition runs it.
    pub partition: i64,
    /// Which operand of the operation it is.
    pub operand: i64,
    /// Type of the elements; INVALID where there is no value.
    pub element_type: ElementType,
    /// Dimensions.
    pub dims: &'a [i64],
    /// The elements in row-major order, types narrower than a byte in one byte each; none where
    /// there is no value, or one of a type that this crate does not know the size of.
    pub data: Option<&'a [u8]>,
}

pub(super) type OnSend = dyn Fn(Sent) -> Result<(), CallbackError> + Send + Sync;
pub(super) type OnReceive = dyn Fn(usize, CopyToDeviceStream) + Send + Sync;
pub(super) type OnOutput = dyn Fn(HloOutput<'_>) + Send + Sync;

/// A send operation on one device of one run.
pub(super) struct Sending {
    pub(super) call: Arc<OnSend>,
    pub(super) device: usize,
    pub(super) owner: Option<Owner>,
}

/// A receive operation on one device of one run.
pub(super) struct Receive {
    pub(super) call: Arc<OnReceive>,
    pub(super) device: usize,
    pub(super) api: &'static Api,
    pub(super) owner: Option<Owner>,
}

/// An operation that shows values, in one run.
pub(super) struct Output(pub(super) Arc<OnOutput>);

pub(super) unsafe extern "C" fn send(
    chunk: *mut sys::PJRT_Chunk,
    make: *mut sys::PJRT_CallbackError,
    total_size: usize,
    done: bool,
    data: *mut c_void,
) -> *mut sys::PJRT_Error {
    let failed = |problem| Err(CallbackError::new(ErrorCode::INTERNAL, problem));
    let mut answer = failed("the callback of a send operation panicked");
    contained(|| {
        // SAFETY: the plugin gives a chunk over, for this call to free.
        let chunk = unsafe { chunk.as_ref().map(|chunk| SentChunk::take(chunk)) };
        answer = match (chunk, numbered::<Sending>(data)) {
            (None, _) => failed("a send operation without a chunk"),
            (Some(Err(error)), _) => Err(error),
            (_, None) => failed("the run of the send operation is over"),
            (Some(Ok(mut chunk)), Some(entry)) => {
                chunk.owner.clone_from(&entry.owner);
                (entry.call)(Sent {
                    device: entry.device,
                    chunk,
                    total_size,
                    done,
                })
            }
        };
    });
    match answer {
        Ok(()) => ptr::null_mut(),
        // SAFETY: the plugin gave the function for this call.
        Err(error) => unsafe { error.give(make) },
    }
}

pub(super) unsafe extern "C" fn receive(
    stream: *mut sys::PJRT_CopyToDeviceStream,
    data: *mut c_void,
) {
    contained(|| {
        // A stream that comes when the run is over has nobody left who could free it.
        let Some(entry) = numbered::<Receive>(data) else {
            return;
        };
        let place = Place {
            function: "PJRT_RecvCallback",
            field: "stream",
        };
        // SAFETY: the plugin gives the stream over; it needs the client.
        let stream = unsafe { rt::owned(entry.api, stream, entry.owner.clone(), place) };
        if let Ok(stream) = stream {
            (entry.call)(entry.device, stream);
        }
    });
}

#[allow(
    clippy::too_many_arguments,
    reason = "one for each parameter of the C type"
)]
pub(super) unsafe extern "C" fn output(
    replica: i64,
    partition: i64,
    data: *const c_void,
    dims: *const i64,
    rank: usize,
    element_type: sys::PJRT_Buffer_Type,
    operand: i64,
    user: *mut c_void,
) {
    contained(|| {
        let Some(entry) = numbered::<Output>(user) else {
            return;
        };
        let place = Place {
            function: "PJRT_HloOutputCallback",
            field: "shape_dims",
        };
        // SAFETY: the plugin's dimensions live through the call.
        let Ok(dims) = (unsafe { rt::slice::<i64>(dims, rank, place) }) else {
            return;
        };
        let element_type = ElementType::from_raw(element_type);
        let size = crate::client::element_count(dims)
            .and_then(|count| count.checked_mul(host_size(element_type)?))
            .filter(|size| !data.is_null() && rt::fits::<u8>(data.cast(), *size));
        // SAFETY: not null, and the plugin's array has so many bytes, which live through the call.
        let data = size.map(|size| unsafe { std::slice::from_raw_parts(data.cast(), size) });
        (entry.0)(HloOutput {
            replica,
            partition,
            operand,
            element_type,
            dims,
            data,
        });
    });
}
