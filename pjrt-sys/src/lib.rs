//! Raw bindings to the PJRT C API.
#![no_std]
#![allow(
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    reason = "names and shapes are those of the C headers"
)]

macro_rules! zeroed {
    ($($name:ident),* $(,)?) => {
        $(
            impl $name {
                /// A value whose bytes are all zero: null pointers, absent functions, zero numbers.
                pub const fn zeroed() -> Self {
                    // SAFETY: the type is a C structure or union of integers, floats, `bool`,
                    // raw pointers, `Option` of function pointers, and of arrays and
                    // structures of these. All-zero bytes are a valid value of each.
                    unsafe { ::core::mem::zeroed() }
                }
            }

            impl Default for $name {
                fn default() -> Self {
                    Self::zeroed()
                }
            }
        )*
    };
}
use zeroed;

#[rustfmt::skip]
mod core;
pub use self::core::*;

#[rustfmt::skip]
pub mod abi_version;
#[rustfmt::skip]
pub mod callback;
#[rustfmt::skip]
pub mod collectives;
#[rustfmt::skip]
pub mod cross_host_transfers;
#[rustfmt::skip]
pub mod custom_partitioner;
#[rustfmt::skip]
pub mod device_event;
#[rustfmt::skip]
pub mod example;
#[rustfmt::skip]
pub mod executable_metadata;
#[rustfmt::skip]
pub mod ffi;
#[rustfmt::skip]
pub mod ffi_api;
#[rustfmt::skip]
pub mod gpu;
#[rustfmt::skip]
pub mod host_memory_allocator;
#[rustfmt::skip]
pub mod layouts;
#[rustfmt::skip]
pub mod megascale;
#[rustfmt::skip]
pub mod memory_descriptions;
#[rustfmt::skip]
pub mod multi_slice;
#[rustfmt::skip]
pub mod phase_compile;
#[rustfmt::skip]
pub mod profiler;
#[rustfmt::skip]
pub mod profiler_c_api;
#[rustfmt::skip]
pub mod raw_buffer;
#[rustfmt::skip]
pub mod shardings;
#[rustfmt::skip]
pub mod stream;
#[rustfmt::skip]
pub mod tpu_executable;
#[rustfmt::skip]
pub mod tpu_topology;
#[rustfmt::skip]
pub mod triton;
#[rustfmt::skip]
pub mod xla_transform;
