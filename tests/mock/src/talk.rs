//! What a run says to its caller: sends, receives, values for the host.

use crate::buffer::Shape;
use crate::call::{Call, Outcome};
use crate::callback;
use crate::calls::Calls;
use crate::event::{Sent, Signal};
use crate::executable::Executable;
use crate::failure::Failure;
use crate::memory_of::{items, list};
use pjrt_sys as sys;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

/// The callbacks of one device of a run.
pub(crate) struct Talk {
    call: Call,
    sends: Sent<Vec<sys::PJRT_SendCallbackInfo>>,
    receives: Sent<Vec<sys::PJRT_RecvCallbackInfo>>,
    hosts: Sent<Vec<sys::PJRT_HloOutputCallbackInfo>>,
    replica: i64,
    partition: i64,
}

impl Talk {
    /// Takes the callbacks of the device at a place in the lists.
    pub(crate) fn new(
        call: &Call,
        options: &sys::PJRT_ExecuteOptions,
        index: usize,
        devices: usize,
        executable: &Executable,
    ) -> Result<Talk, Failure> {
        let sends = items(options.send_callbacks, devices).get(index).copied();
        let sends = match sends {
            Some(list) if options.num_send_ops != 0 => call.read_all(list, options.num_send_ops)?,
            _ => Vec::new(),
        };
        let receives = items(options.recv_callbacks, devices).get(index).copied();
        let receives = match receives {
            Some(list) if options.num_recv_ops != 0 => call.read_all(list, options.num_recv_ops)?,
            _ => Vec::new(),
        };
        let hosts = call.read_all(
            options.hlo_output_callbacks,
            options.num_hlo_output_callbacks,
        )?;
        let place = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let partitions = executable.partitions.max(1);
        Ok(Talk {
            call: call.clone(),
            sends: Sent::new(sends),
            receives: Sent::new(receives),
            hosts: Sent::new(hosts),
            replica: place(index / partitions),
            partition: place(index % partitions),
        })
    }

    /// Sends bytes over a channel, in two pieces.
    pub(crate) fn send(&self, channel: i64, bytes: &[u8]) -> Outcome {
        let found = self
            .sends
            .as_ref()
            .iter()
            .find(|info| info.channel_id == channel);
        let info = found.ok_or_else(|| no_callback("channel", channel))?;
        let callback = info
            .send_callback
            .ok_or_else(|| no_callback("channel", channel))?;
        let (first, second) = bytes.split_at(bytes.len() / 2);
        for (piece, last) in [(first, false), (second, true)] {
            let mut chunk = chunk(piece);
            callback::with_error(&self.call, |error| {
                // SAFETY: the callback is the caller's, which owns the chunk's memory from now on.
                unsafe { callback(&raw mut chunk, error, bytes.len(), last, info.user_arg) }
            })?;
        }
        Ok(())
    }

    /// Waits for bytes of a channel.
    pub(crate) fn receive(&self, channel: i64, size: usize) -> Result<Vec<u8>, Failure> {
        let found = self
            .receives
            .as_ref()
            .iter()
            .find(|info| info.channel_id == channel);
        let info = found.ok_or_else(|| no_callback("channel", channel))?;
        let callback = info
            .recv_callback
            .ok_or_else(|| no_callback("channel", channel))?;
        let stream = Stream::new(size);
        let (filled, came) = (stream.filled.clone(), stream.came.clone());
        let handle: *mut sys::PJRT_CopyToDeviceStream = self.call.give(Arc::new(stream));
        // SAFETY: the callback is the caller's, which owns the stream from now on.
        unsafe { callback(handle, info.user_arg) };
        filled.wait()?;
        let came = came.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(came.clone())
    }

    /// Tells a callback of the host the values of an operand.
    pub(crate) fn tell(&self, id: i64, operand: usize, shape: &Shape, bytes: &[u8]) -> Outcome {
        let found = self
            .hosts
            .as_ref()
            .iter()
            .find(|info| info.callback_id == id);
        let info = found.ok_or_else(|| no_callback("host callback", id))?;
        let callback = info
            .callback
            .ok_or_else(|| no_callback("host callback", id))?;
        let (dims, rank) = list(&shape.dims);
        let operand = i64::try_from(operand).unwrap_or(i64::MAX);
        let data = bytes.as_ptr().cast();
        // SAFETY: the callback is the caller's; the values are there for the time of the call.
        unsafe {
            callback(
                self.replica,
                self.partition,
                data,
                dims,
                rank,
                shape.ty,
                operand,
                info.user_arg,
            );
        }
        Ok(())
    }
}

fn no_callback(what: &str, number: i64) -> Failure {
    Failure::invalid(format!("no callback was given for {what} {number}"))
}

/// Bytes with the function that frees them.
fn chunk(bytes: &[u8]) -> sys::PJRT_Chunk {
    unsafe extern "C" fn free(_data: *mut c_void, holder: *mut c_void) {
        // SAFETY: the holder was made below of a box, and callers call this once.
        drop(unsafe { Box::from_raw(holder.cast::<Vec<u8>>()) });
    }
    let mut holder = Box::new(bytes.to_vec());
    let mut chunk = sys::PJRT_Chunk::zeroed();
    chunk.data = holder.as_mut_ptr().cast();
    chunk.size = holder.len();
    chunk.deleter_arg = Box::into_raw(holder).cast();
    chunk.deleter = Some(free);
    chunk
}

/// A stream that a caller fills with what a run receives.
pub(crate) struct Stream {
    total: usize,
    came: Arc<Mutex<Vec<u8>>>,
    filled: Arc<Signal>,
}

/// Pieces of a stream are multiples of this.
const GRANULE: i64 = 1;

impl Stream {
    fn new(total: usize) -> Stream {
        let filled = Signal::new();
        if total == 0 {
            filled.set(Ok(()));
        }
        Stream {
            total,
            came: Arc::default(),
            filled,
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let code = sys::PJRT_Error_Code_CANCELLED;
        self.filled
            .set(Err(Failure::new(code, "the stream ended too early")));
    }
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_CopyToDeviceStream_Destroy", destroy);
    all.add("PJRT_CopyToDeviceStream_AddChunk", add_chunk);
    all.add("PJRT_CopyToDeviceStream_TotalBytes", total_bytes);
    all.add("PJRT_CopyToDeviceStream_GranuleSize", granule_size);
    all.add("PJRT_CopyToDeviceStream_CurrentBytes", current_bytes);
}

fn destroy(call: &Call, args: &mut sys::PJRT_CopyToDeviceStream_Destroy_Args) -> Outcome {
    call.destroy::<Stream>(args.stream).map(drop)
}

fn add_chunk(call: &Call, args: &mut sys::PJRT_CopyToDeviceStream_AddChunk_Args) -> Outcome {
    let stream = call.get::<Stream>(args.stream)?;
    if args.chunk.is_null() {
        return Err(call.violation("no chunk".to_owned()));
    }
    // SAFETY: the chunk is the caller's, read during the call.
    let chunk = unsafe { *args.chunk };
    let bytes = items(chunk.data.cast::<u8>(), chunk.size).to_vec();
    if let Some(free) = chunk.deleter {
        // SAFETY: the memory is the plugin's with the call, and is not used again.
        unsafe { free(chunk.data, chunk.deleter_arg) };
    }
    let mut came = stream.came.lock().unwrap_or_else(PoisonError::into_inner);
    if came.len() + bytes.len() > stream.total {
        return Err(Failure::invalid(format!(
            "{} bytes are more than the {} that the stream takes",
            came.len() + bytes.len(),
            stream.total
        )));
    }
    came.extend(bytes);
    let full = came.len() == stream.total;
    drop(came);
    if full {
        stream.filled.set(Ok(()));
    }
    args.transfer_complete = call.event(call.signal_after(|| Ok(())));
    Ok(())
}

fn total_bytes(call: &Call, args: &mut sys::PJRT_CopyToDeviceStream_TotalBytes_Args) -> Outcome {
    let stream = call.get::<Stream>(args.stream)?;
    args.total_bytes = i64::try_from(stream.total).unwrap_or(i64::MAX);
    Ok(())
}

fn granule_size(call: &Call, args: &mut sys::PJRT_CopyToDeviceStream_GranuleSize_Args) -> Outcome {
    call.get::<Stream>(args.stream)?;
    args.granule_size_in_bytes = GRANULE;
    Ok(())
}

fn current_bytes(
    call: &Call,
    args: &mut sys::PJRT_CopyToDeviceStream_CurrentBytes_Args,
) -> Outcome {
    let stream = call.get::<Stream>(args.stream)?;
    let came = stream.came.lock().unwrap_or_else(PoisonError::into_inner);
    args.current_bytes = i64::try_from(came.len()).unwrap_or(i64::MAX);
    Ok(())
}
