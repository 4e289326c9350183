//! Arrays between host memory and devices.

use crate::buffer::{Buffer, Place, Shape, Storage};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::element;
use crate::event::{Sent, Signal};
use crate::failure::Failure;
use crate::memory_of::{items, room};
use pjrt_sys as sys;
use std::sync::Arc;

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Client_BufferFromHostBuffer", from_host);
    all.add("PJRT_Buffer_ToHostBuffer", to_host);
    all.add("PJRT_Buffer_CopyToDevice", to_device);
    all.add("PJRT_Buffer_CopyToMemory", to_memory);
    all.add("PJRT_Buffer_CopyRawToHost", raw_to_host);
}

/// Bytes between neighbours of an array that lies in row-major order, or the strides given.
fn strides(shape: &Shape, width: usize) -> Vec<i64> {
    let mut step = i64::try_from(width).unwrap_or(i64::MAX);
    let mut strides = vec![0; shape.dims.len()];
    for (stride, dim) in strides.iter_mut().zip(&shape.dims).rev() {
        *stride = step;
        step = step.saturating_mul(*dim);
    }
    strides
}

/// Brings an array from one order to another; both are strides in bytes.
fn rearrange(
    shape: &Shape,
    from: *const u8,
    from_strides: &[i64],
    to: *mut u8,
    to_strides: &[i64],
) {
    let width = element::bytes(shape.ty).unwrap_or(0);
    let count: i64 = shape.dims.iter().product();
    let mut index = vec![0i64; shape.dims.len()];
    for _ in 0..count {
        let offset = |strides: &[i64]| -> isize {
            let sum: i64 = index.iter().zip(strides).map(|(i, s)| i * s).sum();
            isize::try_from(sum).unwrap_or(0)
        };
        // SAFETY: callers give strides that stay within the memory of the array.
        unsafe {
            let (from, to) = (
                from.offset(offset(from_strides)),
                to.offset(offset(to_strides)),
            );
            std::ptr::copy_nonoverlapping(from, to, width);
        }
        for (i, dim) in index.iter_mut().zip(&shape.dims).rev() {
            *i += 1;
            if *i < *dim {
                break;
            }
            *i = 0;
        }
    }
}

/// Reads an array of the caller.
fn gather(shape: &Shape, data: *const u8, given: &[i64]) -> Arc<Storage> {
    let own = strides(shape, element::bytes(shape.ty).unwrap_or(0));
    if given.is_empty() || given == own {
        return Storage::copy_of(items(data, shape.bytes()));
    }
    let mut bytes = vec![0u8; shape.bytes()];
    rearrange(shape, data, given, bytes.as_mut_ptr(), &own);
    Storage::copy_of(&bytes)
}

fn from_host(call: &Call, args: &mut sys::PJRT_Client_BufferFromHostBuffer_Args) -> Outcome {
    let place = Place::one_of(call, args.client, args.device, args.memory)?;
    let shape = Shape::read(call, args.type_, args.dims, args.num_dims)?;
    call.known(
        "PJRT_HostBufferSemantics",
        args.host_buffer_semantics.0.into(),
    )?;
    if !args.device_layout.is_null() {
        call.read(args.device_layout)?;
    }
    let given = items(args.byte_strides, args.num_byte_strides).to_vec();
    if !given.is_empty() && given.len() != shape.dims.len() {
        return Err(Failure::invalid("as many strides as dimensions are needed"));
    }
    if args.data.is_null() && shape.bytes() != 0 {
        return Err(call.violation("no data".to_owned()));
    }
    let data: *const u8 = args.data.cast();
    let buffer = Buffer::new(shape.clone(), place);
    args.buffer = call.give(buffer.clone());
    let contents = buffer.data()?;
    let during_call =
        args.host_buffer_semantics == sys::PJRT_HostBufferSemantics_kImmutableOnlyDuringCall;
    let copied = during_call.then(|| gather(&shape, data, &given));
    let data = Sent::new(data);
    let done = Signal::new();
    args.done_with_host_buffer = call.event(done.clone());
    call.later(move |outcome| {
        // The caller's memory is read as late as it may be.
        let storage = copied.unwrap_or_else(|| gather(&shape, data.get(), &given));
        contents.fill(outcome.map(|()| storage));
        done.set(Ok(()));
    });
    Ok(())
}

/// The strides of a layout that the caller wants its memory to have.
fn wanted(
    call: &Call,
    shape: &Shape,
    layout: *mut sys::PJRT_Buffer_MemoryLayout,
) -> Result<Vec<i64>, Failure> {
    let width = element::bytes(shape.ty).unwrap_or(0);
    if layout.is_null() {
        return Ok(strides(shape, width));
    }
    let layout = call.read(layout)?;
    call.known("PJRT_Buffer_MemoryLayout_Type", layout.type_.0.into())?;
    let rank = shape.dims.len();
    let refused = || Failure::invalid("the layout does not fit the array");
    if layout.type_ == sys::PJRT_Buffer_MemoryLayout_Type_Strides {
        // SAFETY: the type says so.
        let strides = unsafe { layout.__bindgen_anon_1.strides };
        let strides = items(strides.byte_strides, strides.num_byte_strides);
        return if strides.len() == rank {
            Ok(strides.to_vec())
        } else {
            Err(refused())
        };
    }
    // SAFETY: the type says so.
    let tiled = unsafe { layout.__bindgen_anon_1.tiled };
    let order = items(tiled.minor_to_major, tiled.minor_to_major_size);
    if order.len() != rank || tiled.num_tiles != 0 {
        return Err(refused());
    }
    let mut strides = vec![0; rank];
    let mut step = i64::try_from(width).unwrap_or(i64::MAX);
    for dim in order {
        let dim = usize::try_from(*dim).map_err(|_| refused())?;
        let stride = strides
            .get_mut(dim)
            .filter(|s| **s == 0)
            .ok_or_else(refused)?;
        *stride = step.max(1);
        step = step.saturating_mul(shape.dims.get(dim).copied().unwrap_or(1));
    }
    Ok(strides)
}

fn to_host(call: &Call, args: &mut sys::PJRT_Buffer_ToHostBuffer_Args) -> Outcome {
    let buffer = call.buffer(args.src)?;
    let data = buffer.data()?;
    let size = buffer.shape.bytes();
    let strides = wanted(call, &buffer.shape, args.host_layout)?;
    if args.dst.is_null() {
        args.dst_size = size;
        args.event = std::ptr::null_mut();
        return Ok(());
    }
    if args.dst_size < size {
        let given = args.dst_size;
        return Err(Failure::invalid(format!(
            "{size} bytes do not fit into {given}"
        )));
    }
    let shape = buffer.shape.clone();
    let dst = Sent::new(args.dst.cast::<u8>());
    let done = call.signal_after(move || {
        let storage = data.wait()?;
        let own = self::strides(&shape, element::bytes(shape.ty).unwrap_or(0));
        if strides == own {
            room(dst.get(), size).copy_from_slice(storage.bytes());
        } else {
            rearrange(&shape, storage.bytes().as_ptr(), &own, dst.get(), &strides);
        }
        Ok(())
    });
    args.event = call.event(done);
    Ok(())
}

/// A copy elsewhere.
fn copy(call: &Call, buffer: &Buffer, place: Place) -> Result<*mut sys::PJRT_Buffer, Failure> {
    if !Arc::ptr_eq(&place.client, &buffer.client) {
        return Err(call.violation("a place of another client".to_owned()));
    }
    let from = buffer.data()?;
    let made = Buffer::new(buffer.shape.clone(), place);
    let to = made.data()?;
    call.later(move |outcome| {
        let copied = from.wait().map(|storage| Storage::copy_of(storage.bytes()));
        to.fill(outcome.and(copied));
    });
    Ok(call.give(made))
}

fn to_device(call: &Call, args: &mut sys::PJRT_Buffer_CopyToDevice_Args) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    let place = Place::on(call, args.dst_device as usize)?;
    args.dst_buffer = copy(call, &buffer, place)?;
    Ok(())
}

fn to_memory(call: &Call, args: &mut sys::PJRT_Buffer_CopyToMemory_Args) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    let place = Place::within(call, args.dst_memory as usize)?;
    args.dst_buffer = copy(call, &buffer, place)?;
    Ok(())
}

/// A part of an array's bytes.
pub(crate) fn range(
    buffer: &Buffer,
    offset: i64,
    size: i64,
) -> Result<std::ops::Range<usize>, Failure> {
    let range = usize::try_from(offset).ok().zip(usize::try_from(size).ok());
    let range = range.and_then(|(start, size)| Some(start..start.checked_add(size)?));
    let all = buffer.shape.bytes();
    let refused = || Failure::invalid(format!("{size} bytes at {offset} are not within {all}"));
    range.filter(|range| range.end <= all).ok_or_else(refused)
}

fn raw_to_host(call: &Call, args: &mut sys::PJRT_Buffer_CopyRawToHost_Args) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    let range = range(&buffer, args.offset, args.transfer_size)?;
    let data = buffer.data()?;
    let dst = Sent::new(args.dst.cast::<u8>());
    let done = call.signal_after(move || {
        let storage = data.wait()?;
        let from = storage.bytes().get(range).unwrap_or_default();
        room(dst.get(), from.len()).copy_from_slice(from);
        Ok(())
    });
    args.event = call.event(done);
    Ok(())
}
