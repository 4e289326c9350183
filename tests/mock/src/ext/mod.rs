//! The extensions that the plugin has.

mod abi_version;
mod allocators;
pub(crate) mod attributes;
pub(crate) mod callback;
mod collectives;
mod cross_host;
pub(crate) mod custom_call;
pub(crate) mod custom_partitioner;
pub(crate) mod device_event;
mod example;
mod fabric;
pub(crate) mod ffi;
mod gpu;
mod invocation;
mod layouts;
mod meeting;
mod megascale;
mod megascale_errors;
mod memory_descriptions;
mod metadata;
pub(crate) mod multi_slice;
mod phase_compile;
pub(crate) mod profiler;
pub(crate) mod promise;
mod raw_buffer;
mod raw_functions;
mod reduce;
mod shardings;
mod stream;
mod texts;
mod tpu_counts;
mod tpu_executable;
mod tpu_topology;
mod triton;
pub(crate) mod xla_ffi;
pub(crate) mod xla_transform;

use crate::call::Call;
use crate::calls::Calls;
use crate::era::Era;
use crate::memory_of::text;
use crate::stub;
use pjrt_sys as sys;
use std::any::Any;
use std::ffi::c_char;
use std::sync::Arc;

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
    ("PJRT_Profiler_Extension", sys::PJRT_Extension_Type_Profiler),
    (
        "PJRT_RawBuffer_Extension",
        sys::PJRT_Extension_Type_RawBuffer,
    ),
    (
        "PJRT_PhaseCompile_Extension",
        sys::PJRT_Extension_Type_PhaseCompile,
    ),
    (
        "PJRT_CrossHostTransfers_Extension",
        sys::PJRT_Extension_Type_CrossHostTransfers,
    ),
    (
        "PJRT_TpuTopology_Extension",
        sys::PJRT_Extension_Type_TpuTopology,
    ),
    (
        "PJRT_Megascale_Extension",
        sys::PJRT_Extension_Type_Megascale,
    ),
    (
        "PJRT_Collectives_Extension",
        sys::PJRT_Extension_Type_Collectives,
    ),
    (
        "PJRT_MultiSlice_Extension",
        sys::PJRT_Extension_Type_MultiSlice,
    ),
    // A number without a table: a node and nothing more.
    ("PJRT_Extension_Base", sys::PJRT_Extension_Type_Unknown),
    (
        "PJRT_Xla_Transform_Extension",
        sys::PJRT_Extension_Type_XlaTransform,
    ),
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
    xla_ffi::calls(all);
    invocation::calls(all);
    gpu::calls(all);
    custom_partitioner::calls(all);
    tpu_executable::calls(all);
    profiler::calls(all);
    raw_buffer::calls(all);
    phase_compile::calls(all);
    cross_host::calls(all);
    tpu_topology::calls(all);
    tpu_counts::calls(all);
    megascale::calls(all);
    megascale_errors::calls(all);
    collectives::calls(all);
    multi_slice::calls(all);
    xla_transform::calls(all);
}

/// The extensions of a version: names of the tables and numbers.
pub(crate) fn of(era: &Era) -> Vec<(&'static str, u32)> {
    let there = TABLES.iter().filter(|(table, number)| {
        era.structure(table).is_some() && era.knows("PJRT_Extension_Type", number.0.into())
    });
    there.map(|(table, number)| (*table, number.0)).collect()
}

/// Something that was given away with a function that frees it.
pub(crate) struct Held(#[allow(dead_code, reason = "callers read it")] Box<dyn Any + Send + Sync>);

impl Held {
    /// A handle of something that stays in place until it is freed.
    pub(crate) fn give<H>(call: &Call, held: impl Any + Send + Sync) -> *mut H {
        call.give(Arc::new(Held(Box::new(held))))
    }
}

/// Bytes that are given away with a function that frees them: start, length and handle.
pub(crate) fn hold<H>(call: &Call, bytes: Vec<u8>) -> (*const c_char, usize, *mut H) {
    let (start, size) = text(&bytes);
    (start, size, Held::give(call, bytes))
}

/// Frees what was held: once, as the books see.
pub(crate) unsafe extern "C" fn release<H>(holder: *mut H) {
    if let Some(inner) = stub::of_object(holder.cast()) {
        // What is wrong with the handle is in the books.
        drop(Call::of(inner, "a deleter").destroy::<Held>(holder));
    }
}
