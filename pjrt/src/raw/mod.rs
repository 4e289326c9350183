//! Checked calls: one `unsafe fn` for each C function, over structs of raw values.
//!
//! A checked call fills the C argument struct, sends the right size, tests that the plugin has the
//! function, turns a returned error into [`crate::Error`], and hands the outputs back. It says
//! nothing about ownership, lifetimes or nulls: the safe methods are built on it.

pjrt_macros::generate!(calls core);

/// Checked calls of the extension `abi_version`.
pub mod abi_version {
    pjrt_macros::generate!(calls abi_version);
}
/// Checked calls of the extension `callback`.
pub mod callback {
    pjrt_macros::generate!(calls callback);
}
/// Checked calls of the extension `collectives`.
pub mod collectives {
    pjrt_macros::generate!(calls collectives);
}
/// Checked calls of the extension `cross_host_transfers`.
pub mod cross_host_transfers {
    pjrt_macros::generate!(calls cross_host_transfers);
}
/// Checked calls of the extension `custom_partitioner`.
pub mod custom_partitioner {
    pjrt_macros::generate!(calls custom_partitioner);
}
/// Checked calls of the functions that events and promises of devices carry.
pub mod device_event {
    pjrt_macros::generate!(calls device_event);
}
/// Checked calls of the extension `example`.
pub mod example {
    pjrt_macros::generate!(calls example);
}
/// Checked calls of the extension `executable_metadata`.
pub mod executable_metadata {
    pjrt_macros::generate!(calls executable_metadata);
}
/// Checked calls of the extension `ffi`.
pub mod ffi {
    pjrt_macros::generate!(calls ffi);
}
/// Checked calls of the extension `gpu`.
pub mod gpu {
    pjrt_macros::generate!(calls gpu);
}
/// Checked calls of the extension `host_allocator`.
pub mod host_allocator {
    pjrt_macros::generate!(calls host_allocator);
}
/// Checked calls of the extension `host_memory_allocator`.
pub mod host_memory_allocator {
    pjrt_macros::generate!(calls host_memory_allocator);
}
/// Checked calls of the extension `layouts`.
pub mod layouts {
    pjrt_macros::generate!(calls layouts);
}
/// Checked calls of the extension `megascale`.
pub mod megascale {
    pjrt_macros::generate!(calls megascale);
}
/// Checked calls of the extension `memory_descriptions`.
pub mod memory_descriptions {
    pjrt_macros::generate!(calls memory_descriptions);
}
/// Checked calls of the extension `multi_slice`.
pub mod multi_slice {
    pjrt_macros::generate!(calls multi_slice);
}
/// Checked calls of the extension `phase_compile`.
pub mod phase_compile {
    pjrt_macros::generate!(calls phase_compile);
}
/// Checked calls of the extension `profiler`.
pub mod profiler {
    pjrt_macros::generate!(calls profiler);
}
/// Checked calls of the table that the extension `profiler` points at.
pub mod profiler_api {
    pjrt_macros::generate!(calls profiler_api);
}
/// Checked calls of the extension `raw_buffer`, and of the functions that raw buffers carry.
pub mod raw_buffer {
    pjrt_macros::generate!(calls raw_buffer);
}
/// Checked calls of the extension `shardings`.
pub mod shardings {
    pjrt_macros::generate!(calls shardings);
}
/// Checked calls of the extension `stream`.
pub mod stream {
    pjrt_macros::generate!(calls stream);
}
/// Checked calls of the extension `tpu_executable`.
pub mod tpu_executable {
    pjrt_macros::generate!(calls tpu_executable);
}
/// Checked calls of the extension `tpu_topology`.
pub mod tpu_topology {
    pjrt_macros::generate!(calls tpu_topology);
}
/// Checked calls of the extension `triton`.
pub mod triton {
    pjrt_macros::generate!(calls triton);
}
/// Checked calls of the extension `xla_transform`.
pub mod xla_transform {
    pjrt_macros::generate!(calls xla_transform);
}
