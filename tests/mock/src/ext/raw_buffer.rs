//! Raw buffers: the memory of buffers, without shape and without order.

use super::device_event::{self, table};
use super::raw_functions::functions;
use crate::buffer::{Data, Storage};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::event::Sent;
use crate::failure::Failure;
use crate::memory_of::{items, room};
use crate::mock::Inner;
use pjrt_sys::raw_buffer as sys;
use std::ffi::c_void;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// A range of a buffer's memory.
pub(crate) struct RawBuffer {
    pub(crate) data: Arc<Data>,
    pub(crate) range: Range<usize>,
    pub(crate) memory: usize,
    pub(crate) references: AtomicUsize,
}

impl RawBuffer {
    /// A handle with one reference.
    pub(crate) fn give(self, inner: &Inner) -> *mut sys::PJRT_RawBuffer {
        let functions = table(inner.era, functions());
        inner.give_words(Arc::new(self), [functions, inner.place])
    }

    pub(crate) fn size(&self) -> usize {
        self.range.len()
    }

    /// Where the memory is; null if it will never be there.
    pub(crate) fn address(&self) -> *mut c_void {
        let there = self.data.wait();
        there.map_or(std::ptr::null_mut(), |storage| {
            (storage.address() + self.range.start) as *mut c_void
        })
    }

    /// Whether it may be written; memory that a caller lent may not.
    pub(crate) fn is_mutable(&self) -> bool {
        matches!(self.data.wait().as_deref(), Ok(Storage::Own(..)))
    }

    /// A range of the bytes, counted from the beginning of the whole buffer.
    pub(crate) fn part(&self, offset: i64, size: i64) -> Result<Range<usize>, Failure> {
        let (from, size) = (usize::try_from(offset), usize::try_from(size));
        let part = from.ok().zip(size.ok()).filter(|(from, size)| {
            from.checked_add(*size)
                .is_some_and(|end| end <= self.size())
        });
        let Some((from, size)) = part else {
            return Err(Failure::invalid("the range is not within the memory"));
        };
        let start = self.range.start + from;
        Ok(start..start + size)
    }

    /// What copies bytes out of the range to the caller.
    pub(crate) fn reading(
        &self,
        dst: *mut c_void,
        offset: i64,
        size: i64,
    ) -> Result<impl FnOnce() -> Outcome + Send + 'static, Failure> {
        let (data, part) = (self.data.clone(), self.part(offset, size)?);
        let dst = Sent::new(dst.cast::<u8>());
        Ok(move || {
            let storage = data.wait()?;
            let from = storage.bytes().get(part).unwrap_or_default();
            room(dst.get(), from.len()).copy_from_slice(from);
            Ok(())
        })
    }

    /// What copies bytes of the caller into the range.
    pub(crate) fn writing(
        &self,
        src: *const c_void,
        offset: i64,
        size: i64,
    ) -> Result<impl FnOnce() -> Outcome + Send + 'static, Failure> {
        let (data, part) = (self.data.clone(), self.part(offset, size)?);
        let src = Sent::new(src.cast::<u8>());
        Ok(move || {
            let from = items(src.get(), part.len());
            match data.wait()?.write(part.start, from) {
                true => Ok(()),
                false => Err(Failure::invalid("the range is not within the memory")),
            }
        })
    }
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_RawBuffer_CreateRawAliasOfBuffer", alias);
    all.add("PJRT_RawBuffer_Destroy", destroy);
    all.add("PJRT_RawBuffer_GetHostPointer", host_pointer);
    all.add("PJRT_RawBuffer_GetOnDeviceSizeInBytes", size);
    all.add("PJRT_RawBuffer_GetMemorySpace", memory);
    all.add("PJRT_RawBuffer_CopyRawDeviceToHost", read);
    all.add("PJRT_RawBuffer_CopyRawHostToDevice", write);
}

fn alias(call: &Call, args: &mut sys::PJRT_RawBuffer_CreateRawAliasOfBuffer_Args) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    let raw = RawBuffer {
        data: buffer.data()?,
        range: 0..buffer.shape.bytes(),
        memory: buffer.memory_handle,
        references: AtomicUsize::new(1),
    };
    args.raw_buffer = raw.give(&call.inner);
    Ok(())
}

/// Gives a reference up.
fn destroy(call: &Call, args: &mut sys::PJRT_RawBuffer_Destroy_Args) -> Outcome {
    call.get::<RawBuffer>(args.buffer)?;
    device_event::less::<RawBuffer>(call, args.buffer.cast(), |raw| &raw.references);
    Ok(())
}

fn host_pointer(call: &Call, args: &mut sys::PJRT_RawBuffer_GetHostPointer_Args) -> Outcome {
    args.host_pointer = call.get::<RawBuffer>(args.buffer)?.address();
    Ok(())
}

fn size(call: &Call, args: &mut sys::PJRT_RawBuffer_GetOnDeviceSizeInBytes_Args) -> Outcome {
    args.on_device_size_in_bytes = call.get::<RawBuffer>(args.buffer)?.size();
    Ok(())
}

fn memory(call: &Call, args: &mut sys::PJRT_RawBuffer_GetMemorySpace_Args) -> Outcome {
    args.memory_space = call.get::<RawBuffer>(args.buffer)?.memory as *mut _;
    Ok(())
}

fn read(call: &Call, args: &mut sys::PJRT_RawBuffer_CopyRawDeviceToHost_Args) -> Outcome {
    let raw = call.get::<RawBuffer>(args.buffer)?;
    let job = raw.reading(args.dst, args.offset, args.transfer_size)?;
    args.event = call.event(call.signal_after(job));
    Ok(())
}

fn write(call: &Call, args: &mut sys::PJRT_RawBuffer_CopyRawHostToDevice_Args) -> Outcome {
    let raw = call.get::<RawBuffer>(args.buffer)?;
    if !raw.is_mutable() {
        return Err(Failure::invalid(
            "the memory is lent, and not to be written",
        ));
    }
    let job = raw.writing(args.src, args.offset, args.transfer_size)?;
    args.event = call.event(call.signal_after(job));
    Ok(())
}
