//! Arrays on devices. All of them are in host memory.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::client::Client;
use crate::device::Device;
use crate::element;
use crate::event::Signal;
use crate::failure::Failure;
use crate::memory::Memory;
use crate::memory_of::{items, list, room};
use crate::proto;
use pjrt_sys as sys;
use std::cell::UnsafeCell;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Type and dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) ty: sys::PJRT_Buffer_Type,
    pub(crate) dims: Vec<i64>,
}

impl Shape {
    /// A shape of the caller.
    pub(crate) fn read(
        call: &Call,
        ty: sys::PJRT_Buffer_Type,
        dims: *const i64,
        rank: usize,
    ) -> Result<Shape, Failure> {
        call.known("PJRT_Buffer_Type", ty.0.into())?;
        let dims = items(dims, rank).to_vec();
        let shape = Shape { ty, dims };
        match shape.count() {
            Some(_) => Ok(shape),
            None => Err(Failure::invalid(format!("no array is {}", shape.to_text()))),
        }
    }

    /// Bytes, if the shape is that of an array.
    pub(crate) fn count(&self) -> Option<usize> {
        let width = element::bytes(self.ty)?;
        let count = self.dims.iter().try_fold(width, |count, dim| {
            count.checked_mul(usize::try_from(*dim).ok()?)
        });
        count.filter(|count| isize::try_from(*count).is_ok())
    }

    pub(crate) fn bytes(&self) -> usize {
        self.count().unwrap_or(0)
    }

    /// As a serialised `ShapeProto`.
    pub(crate) fn to_proto(&self) -> Vec<u8> {
        const NUMBERS: &[(&str, u64)] = &[
            ("pred", 1),
            ("s8", 2),
            ("s32", 4),
            ("s64", 5),
            ("f32", 11),
            ("f64", 12),
        ];
        let name = element::name(self.ty);
        let known = NUMBERS.iter().find(|(known, _)| *known == name);
        let mut out = Vec::new();
        proto::number(2, known.map_or(0, |(_, number)| *number), &mut out);
        for dim in &self.dims {
            // Sizes are not below zero.
            proto::number(3, dim.unsigned_abs(), &mut out);
        }
        out
    }

    /// As program texts have it: `f32[2,3]`.
    pub(crate) fn to_text(&self) -> String {
        let dims: Vec<String> = self.dims.iter().map(i64::to_string).collect();
        format!("{}[{}]", element::name(self.ty), dims.join(","))
    }
}

/// Bytes of an array.
pub(crate) enum Storage {
    /// Words, 64 bytes aligned, for plugins hand out their addresses.
    Own(Box<[Line]>, usize),
    /// Memory of the caller, which is told of the end.
    View(View),
}

/// As much as a cache takes at once. Callers get its address, and may write there.
#[repr(C, align(64))]
pub(crate) struct Line(UnsafeCell<[u8; 64]>);

// SAFETY: those who use a buffer's memory order what they do with it, as the API demands.
unsafe impl Sync for Line {}

/// Memory of a caller.
pub(crate) struct View {
    pub(crate) start: usize,
    pub(crate) size: usize,
    pub(crate) ended: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Drop for View {
    fn drop(&mut self) {
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(ended) = ended.take() {
            ended();
        }
    }
}

impl Storage {
    pub(crate) fn copy_of(bytes: &[u8]) -> Arc<Storage> {
        let lines = bytes.chunks(64).map(|piece| {
            let mut line = [0; 64];
            if let Some(start) = line.get_mut(..piece.len()) {
                start.copy_from_slice(piece);
            }
            Line(UnsafeCell::new(line))
        });
        Arc::new(Storage::Own(lines.collect(), bytes.len()))
    }

    pub(crate) fn address(&self) -> usize {
        match self {
            Storage::Own(lines, _) => lines.as_ptr() as usize,
            Storage::View(view) => view.start,
        }
    }

    /// Writes bytes; false if they do not fit.
    pub(crate) fn write(&self, offset: usize, from: &[u8]) -> bool {
        let fits = offset
            .checked_add(from.len())
            .is_some_and(|end| end <= self.bytes().len());
        if fits {
            room((self.address() + offset) as *mut u8, from.len()).copy_from_slice(from);
        }
        fits
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        let size = match self {
            Storage::Own(_, size) => *size,
            Storage::View(view) => view.size,
        };
        items(self.address() as *const u8, size)
    }
}

/// What a buffer holds, now or later.
#[derive(Default)]
pub(crate) struct Data {
    result: OnceLock<Result<Arc<Storage>, Failure>>,
    pub(crate) ready: Arc<Signal>,
}

impl Data {
    /// Gives the contents that were awaited; the first ones count.
    pub(crate) fn fill(&self, contents: Result<Arc<Storage>, Failure>) {
        let outcome = contents.as_ref().map(drop).map_err(Clone::clone);
        if self.result.set(contents).is_ok() {
            self.ready.set(outcome);
        }
    }

    /// The bytes, once they are there.
    pub(crate) fn wait(&self) -> Result<Arc<Storage>, Failure> {
        self.ready.wait()?;
        match self.result.get() {
            Some(result) => result.clone(),
            None => Err(Failure::precondition("the buffer has no contents")),
        }
    }
}

/// A buffer.
pub(crate) struct Buffer {
    pub(crate) client: Arc<Client>,
    pub(crate) shape: Shape,
    pub(crate) device: Arc<Device>,
    pub(crate) device_handle: usize,
    pub(crate) memory: Arc<Memory>,
    pub(crate) memory_handle: usize,
    order: Vec<i64>,
    /// None once it is deleted or donated.
    data: Mutex<Option<Arc<Data>>>,
    external: Mutex<usize>,
}

/// Where a buffer is to be.
pub(crate) struct Place {
    pub(crate) client: Arc<Client>,
    pub(crate) device: Arc<Device>,
    pub(crate) device_handle: usize,
    pub(crate) memory: Arc<Memory>,
    pub(crate) memory_handle: usize,
}

impl Place {
    /// The default memory of a device.
    pub(crate) fn on(call: &Call, device: usize) -> Result<Place, Failure> {
        let found = call.get::<Device>(device as *const u8)?;
        let memory = found.memories().first().copied().ok_or_else(|| {
            let id = found.id;
            Failure::invalid(format!("the device {id} is of another process"))
        })?;
        Place::within(call, memory)
    }

    /// A memory.
    pub(crate) fn within(call: &Call, memory: usize) -> Result<Place, Failure> {
        let found = call.get::<Memory>(memory as *const u8)?;
        let gone = || call.violation("the client has ended".to_owned());
        let client = found.client.upgrade().ok_or_else(gone)?;
        let device_handle = client.device(found.device)?;
        Ok(Place {
            device: call.get::<Device>(device_handle as *const u8)?,
            client,
            device_handle,
            memory: found,
            memory_handle: memory,
        })
    }

    /// Of a device and a memory one, on a client.
    pub(crate) fn one_of(
        call: &Call,
        client: *mut sys::PJRT_Client,
        device: *mut sys::PJRT_Device,
        memory: *mut sys::PJRT_Memory,
    ) -> Result<Place, Failure> {
        let client = call.get::<Client>(client)?;
        let place = match (device.is_null(), memory.is_null()) {
            (true, true) => Place::on(call, client.device(0)?)?,
            (_, false) => Place::within(call, memory as usize)?,
            (false, true) => Place::on(call, device as usize)?,
        };
        if !Arc::ptr_eq(&place.client, &client) {
            return Err(call.violation("device or memory of another client".to_owned()));
        }
        Ok(place)
    }
}

impl Buffer {
    /// A buffer that waits for its contents.
    pub(crate) fn new(shape: Shape, place: Place) -> Arc<Buffer> {
        Buffer::with(shape, place, Arc::default())
    }

    /// A buffer of contents that others have too.
    pub(crate) fn with(shape: Shape, place: Place, data: Arc<Data>) -> Arc<Buffer> {
        let mut order: Vec<i64> = (0..).take(shape.dims.len()).collect();
        order.reverse();
        let buffer = Arc::new(Buffer {
            client: place.client,
            shape,
            device: place.device,
            device_handle: place.device_handle,
            memory: place.memory,
            memory_handle: place.memory_handle,
            order,
            data: Mutex::new(Some(data)),
            external: Mutex::new(0),
        });
        buffer.client.note(&buffer);
        buffer
    }

    /// The same place.
    pub(crate) fn place(&self) -> Place {
        Place {
            client: self.client.clone(),
            device: self.device.clone(),
            device_handle: self.device_handle,
            memory: self.memory.clone(),
            memory_handle: self.memory_handle,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Data>>> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The contents, which may still be awaited.
    pub(crate) fn data(&self) -> Result<Arc<Data>, Failure> {
        self.lock().clone().ok_or_else(deleted)
    }

    /// The bytes, once they are there.
    pub(crate) fn wait(&self) -> Result<Arc<Storage>, Failure> {
        self.data()?.wait()
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.lock().is_none()
    }

    /// Takes the contents away; none if that was done before.
    pub(crate) fn delete(&self) -> Option<Arc<Data>> {
        self.lock().take()
    }

    /// Changes the number of others that use the memory; none if it would be below zero.
    pub(crate) fn hold(&self, more: bool) -> Option<usize> {
        let mut count = self.external.lock().unwrap_or_else(PoisonError::into_inner);
        *count = if more {
            count.checked_add(1)?
        } else {
            count.checked_sub(1)?
        };
        Some(*count)
    }
}

fn deleted() -> Failure {
    Failure::invalid("the buffer was deleted or donated")
}

impl Call {
    /// A buffer of the caller whose contents are there or awaited.
    pub(crate) fn buffer(&self, handle: *mut sys::PJRT_Buffer) -> Result<Arc<Buffer>, Failure> {
        self.get::<Buffer>(handle)
    }
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Buffer_Destroy", destroy);
    all.add("PJRT_Buffer_ElementType", element_type);
    all.add("PJRT_Buffer_Dimensions", dimensions);
    all.add("PJRT_Buffer_UnpaddedDimensions", unpadded_dimensions);
    all.add("PJRT_Buffer_DynamicDimensionIndices", dynamic_dimensions);
    all.add("PJRT_Buffer_GetMemoryLayout", layout);
    all.add("PJRT_Buffer_OnDeviceSizeInBytes", size);
    all.add("PJRT_Buffer_Delete", delete);
    all.add("PJRT_Buffer_IsDeleted", is_deleted);
    all.add("PJRT_Buffer_IsOnCpu", is_on_cpu);
    all.add("PJRT_Buffer_Device", device);
    all.add("PJRT_Buffer_Memory", memory);
    all.add("PJRT_Buffer_ReadyEvent", ready_event);
    all.add("PJRT_Buffer_UnsafePointer", unsafe_pointer);
    all.add("PJRT_Buffer_IncreaseExternalReferenceCount", increase);
    all.add("PJRT_Buffer_DecreaseExternalReferenceCount", decrease);
    all.add("PJRT_Buffer_OpaqueDeviceMemoryDataPointer", opaque_pointer);
}

fn destroy(call: &Call, args: &mut sys::PJRT_Buffer_Destroy_Args) -> Outcome {
    call.destroy::<Buffer>(args.buffer).map(drop)
}

fn element_type(call: &Call, args: &mut sys::PJRT_Buffer_ElementType_Args) -> Outcome {
    args.type_ = call.buffer(args.buffer)?.shape.ty;
    Ok(())
}

fn dimensions(call: &Call, args: &mut sys::PJRT_Buffer_Dimensions_Args) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    (args.dims, args.num_dims) = list(&buffer.shape.dims);
    Ok(())
}

fn unpadded_dimensions(
    call: &Call,
    args: &mut sys::PJRT_Buffer_UnpaddedDimensions_Args,
) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    (args.unpadded_dims, args.num_dims) = list(&buffer.shape.dims);
    Ok(())
}

fn dynamic_dimensions(
    call: &Call,
    args: &mut sys::PJRT_Buffer_DynamicDimensionIndices_Args,
) -> Outcome {
    call.buffer(args.buffer)?;
    (args.dynamic_dim_indices, args.num_dynamic_dims) = (std::ptr::null(), 0);
    Ok(())
}

fn layout(call: &Call, args: &mut sys::PJRT_Buffer_GetMemoryLayout_Args) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    let mut tiled = sys::PJRT_Buffer_MemoryLayout_Tiled::zeroed();
    tiled.struct_size = sys::PJRT_Buffer_MemoryLayout_Tiled_STRUCT_SIZE;
    (tiled.minor_to_major, tiled.minor_to_major_size) = list(&buffer.order);
    args.layout.struct_size = sys::PJRT_Buffer_MemoryLayout_STRUCT_SIZE;
    args.layout.__bindgen_anon_1.tiled = tiled;
    args.layout.type_ = sys::PJRT_Buffer_MemoryLayout_Type_Tiled;
    Ok(())
}

fn size(call: &Call, args: &mut sys::PJRT_Buffer_OnDeviceSizeInBytes_Args) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    buffer.data()?;
    args.on_device_size_in_bytes = buffer.shape.bytes();
    Ok(())
}

fn delete(call: &Call, args: &mut sys::PJRT_Buffer_Delete_Args) -> Outcome {
    drop(call.buffer(args.buffer)?.delete());
    Ok(())
}

fn is_deleted(call: &Call, args: &mut sys::PJRT_Buffer_IsDeleted_Args) -> Outcome {
    args.is_deleted = call.buffer(args.buffer)?.is_deleted();
    Ok(())
}

fn is_on_cpu(call: &Call, args: &mut sys::PJRT_Buffer_IsOnCpu_Args) -> Outcome {
    call.buffer(args.buffer)?;
    args.is_on_cpu = true;
    Ok(())
}

fn device(call: &Call, args: &mut sys::PJRT_Buffer_Device_Args) -> Outcome {
    args.device = call.buffer(args.buffer)?.device_handle as *mut _;
    Ok(())
}

fn memory(call: &Call, args: &mut sys::PJRT_Buffer_Memory_Args) -> Outcome {
    args.memory = call.buffer(args.buffer)?.memory_handle as *mut _;
    Ok(())
}

fn ready_event(call: &Call, args: &mut sys::PJRT_Buffer_ReadyEvent_Args) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    args.event = call.event(buffer.data()?.ready.clone());
    Ok(())
}

fn unsafe_pointer(call: &Call, args: &mut sys::PJRT_Buffer_UnsafePointer_Args) -> Outcome {
    args.buffer_pointer = call.buffer(args.buffer)?.wait()?.address();
    Ok(())
}

fn increase(
    call: &Call,
    args: &mut sys::PJRT_Buffer_IncreaseExternalReferenceCount_Args,
) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    buffer.data()?;
    buffer.hold(true);
    Ok(())
}

fn decrease(
    call: &Call,
    args: &mut sys::PJRT_Buffer_DecreaseExternalReferenceCount_Args,
) -> Outcome {
    let held = call.buffer(args.buffer)?.hold(false);
    held.map(drop)
        .ok_or_else(|| Failure::invalid("nobody holds the buffer's memory"))
}

fn opaque_pointer(
    call: &Call,
    args: &mut sys::PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args,
) -> Outcome {
    args.device_memory_ptr = call.buffer(args.buffer)?.wait()?.address() as *mut _;
    Ok(())
}
