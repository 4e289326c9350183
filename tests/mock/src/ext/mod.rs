//! The extensions that the plugin has.

mod abi_version;
mod allocators;
mod callback;
mod custom_partitioner;
mod example;
pub(crate) mod ffi;
mod gpu;
mod layouts;
mod memory_descriptions;
mod metadata;
mod shardings;
mod stream;
mod tpu_executable;
mod triton;

use crate::calls::Calls;
use crate::era::Era;
use pjrt_sys as sys;

pub(crate) use shardings::SHARDING;

/// Tables that have behaviour, each with its number.
pub(crate) const TABLES: &[(&str, sys::PJRT_Extension_Type)] = &[
    ("PJRT_Layouts_Extension", sys::PJRT_Extension_Type_Layouts),
    (
        "PJRT_MemoryDescriptions_Extension",
        sys::PJRT_Extension_Type_MemoryDescriptions,
    ),
    ("PJRT_Example_Extension", sys::PJRT_Extension_Type_Example),
    ("PJRT_Stream_Extension", sys::PJRT_Extension_Type_Stream),
    (
        "PJRT_Shardings_Extension",
        sys::PJRT_Extension_Type_Shardings,
    ),
    (
        "PJRT_AbiVersion_Extension",
        sys::PJRT_Extension_Type_AbiVersion,
    ),
    (
        "PJRT_ExecutableMetadata_Extension",
        sys::PJRT_Extension_Type_ExecutableMetadata,
    ),
    (
        "PJRT_HostMemoryAllocator_Extension",
        sys::PJRT_Extension_Type_HostMemoryAllocator,
    ),
    (
        "PJRT_HostAllocator_Extension",
        sys::PJRT_Extension_Type_HostAllocator,
    ),
    ("PJRT_FFI_Extension", sys::PJRT_Extension_Type_FFI),
    (
        "PJRT_Gpu_Custom_Call",
        sys::PJRT_Extension_Type_Gpu_Custom_Call,
    ),
    (
        "PJRT_Custom_Partitioner_Extension",
        sys::PJRT_Extension_Type_Custom_Partitioner,
    ),
    (
        "PJRT_TpuExecutable_Extension",
        sys::PJRT_Extension_Type_TpuExecutable,
    ),
    ("PJRT_Triton_Extension", sys::PJRT_Extension_Type_Triton),
    ("PJRT_Callback_Extension", sys::PJRT_Extension_Type_Callback),
];

pub(crate) fn calls(all: &mut Calls) {
    layouts::calls(all);
    memory_descriptions::calls(all);
    example::calls(all);
    stream::calls(all);
    shardings::calls(all);
    abi_version::calls(all);
    metadata::calls(all);
    allocators::calls(all);
    triton::calls(all);
    callback::calls(all);
    ffi::calls(all);
    gpu::calls(all);
    custom_partitioner::calls(all);
    tpu_executable::calls(all);
}

/// The extensions of a version: names of the tables and numbers.
pub(crate) fn of(era: &Era) -> Vec<(&'static str, u32)> {
    let there = TABLES
        .iter()
        .filter(|(table, _)| era.structure(table).is_some());
    there.map(|(table, number)| (*table, number.0)).collect()
}

/// Bytes that are given away with a function that frees them: `holder` gets the first pointer.
pub(crate) fn hold<H>(bytes: Vec<u8>) -> (*const std::ffi::c_char, usize, *mut H) {
    let holder = Box::new(bytes);
    let (start, size) = crate::memory_of::text(&holder);
    (start, size, Box::into_raw(holder).cast())
}

/// Frees what [`hold`] gave.
pub(crate) unsafe extern "C" fn release<H>(holder: *mut H) {
    if !holder.is_null() {
        // SAFETY: the pointer was made by `hold` of a box, and callers call this once.
        drop(unsafe { Box::from_raw(holder.cast::<Vec<u8>>()) });
    }
}
