//! Safe bindings to PJRT, the C interface of OpenXLA's compiler and device runtime.
//!
//! A *plugin* is a shared library that drives devices of one kind: CPUs, GPUs, TPUs. It compiles
//! programs written in StableHLO and runs them. [`Plugin`] loads one, [`Client`] is a connection to
//! its devices, [`LoadedExecutable`] is a compiled program, [`Buffer`] an array on a device.
//!
//! ```
//! use pjrt::{ClientOptions, CompileOptions, Plugin, Program};
//!
//! # pjrt_doc::ready("cpu");
//! let client = Plugin::find("cpu")?.create_client(&ClientOptions::new())?;
//! let program = Program::mlir("func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }");
//! let executable = client.compile(&program, &CompileOptions::new())?;
//! let x = client.buffer_from_slice(&[1.0f32, 2.0], &[2])?;
//! assert_eq!(executable.run(&[&x])?[0].to_vec::<f32>()?, [1.0, 2.0]);
//! # Ok::<(), pjrt::Error>(())
//! ```
//!
//! The methods that need no more than judgement about ownership are generated from the C headers;
//! [`raw`] has a checked call for every function.

// Generated code names this crate from the outside, wherever it is expanded.
extern crate self as pjrt;

pub mod abi_version;
mod alias;
mod async_transfer;
mod buffer;
mod bulk_upload;
#[cfg(feature = "cache")]
pub mod cache;
pub mod callback;
mod callback_error;
mod client;
mod client_of;
mod client_options;
pub mod collectives;
mod compile_options;
mod copy_stream;
pub mod cross_host_transfers;
pub mod custom_partitioner;
mod describe;
mod device;
mod device_assignment;
pub mod device_event;
mod device_memory;
mod device_view;
#[cfg(feature = "dlpack")]
pub mod dlpack;
mod dma_map;
mod download;
pub mod element;
mod enums;
mod error;
mod event;
mod events;
pub mod example;
mod executable;
pub mod executable_metadata;
mod execute;
mod execute_context;
mod extension;
pub mod ffi;
pub mod find;
mod future;
mod held;
pub mod host_allocator;
mod host_array;
mod host_memory;
pub mod host_memory_allocator;
mod host_vec;
#[cfg(feature = "install")]
pub mod install;
pub mod interop;
mod invalid_options;
mod key_value;
#[cfg(feature = "extension-kit")]
pub mod kit;
mod layout;
pub mod layouts;
mod load_options;
mod loaded_executable;
pub mod megascale;
mod memory;
pub mod memory_descriptions;
pub mod multi_slice;
mod named_value;
#[cfg(feature = "ndarray")]
mod nd_array;
mod option_value;
mod own_event;
pub mod phase_compile;
mod placement;
pub mod plugin;
mod process_info;
pub mod profiler;
mod program;
mod promises;
pub mod proto;
pub mod raw;
pub mod raw_buffer;
mod raw_copy;
#[cfg(feature = "extension-kit")]
pub mod server;
pub mod shardings;
pub mod signature;
pub mod stream;
mod topology;
pub mod tpu_executable;
pub mod tpu_topology;
pub mod trace;
mod transfer;
pub mod triton;
mod upload;
mod watch;
pub mod xla_transform;

#[doc(hidden)]
#[path = "rt/mod.rs"]
pub mod __rt;
use __rt as rt;

#[cfg(feature = "extension-kit")]
pjrt_macros::define_extension!();

pub use alias::AliasFulfiller;
pub use async_transfer::{AsyncTrackingEvent, AsyncTransferManager, BufferSpec};
pub use buffer::Buffer;
pub use bulk_upload::{BulkUpload, UploadProgress, Uploading};
pub use callback_error::CallbackError;
pub use client::Client;
pub use client_options::{
    ClientOptionValue, ClientOptions, CpuClientOptions, CudaClientOptions, TpuClientOptions,
};
pub use compile_options::CompileOptions;
pub use copy_stream::CopyToDeviceStream;
pub use device::{Device, DeviceDescription, MemoryStats};
pub use device_assignment::DeviceAssignment;
pub use device_memory::DeviceMemory;
pub use device_view::DeviceView;
pub use dma_map::DmaMap;
pub use download::{Download, DownloadFuture};
pub use element::Element;
pub use enums::{
    ElementType, ErrorCode, ExtensionType, HostBufferSemantics, MemoryLayoutType, NamedValueType,
    ProcessState,
};
pub use error::{Error, PluginError, Result};
pub use event::Event;
pub use events::{Events, EventsFuture};
pub use executable::{CompiledMemoryStats, Executable};
pub use execute::{Argument, ExecuteOptions, Execution, HloOutput, Sent, SentChunk};
pub use execute_context::ExecuteContext;
pub use extension::{Extension, ExtensionNode};
pub use future::{EventFuture, ExecutionFuture, TransferFuture};
pub use held::{HeldBytes, HeldNamedValues};
pub use host_array::HostArray;
pub use host_memory::HostMemory;
pub use host_vec::HostVec;
pub use invalid_options::InvalidOptions;
#[cfg(feature = "redis")]
pub use key_value::RedisStore;
pub use key_value::{DirectoryStore, InMemoryStore, KeyValueStore};
pub use layout::MemoryLayout;
pub use load_options::{LoadOptions, TpuLogDir, TpuOptions};
pub use loaded_executable::{LoadedExecutable, LogicalDeviceIds};
pub use memory::Memory;
pub use named_value::{NamedValue, NamedValues, Value};
pub use option_value::OptionValue;
pub use own_event::OwnEvent;
pub use pjrt_sys as sys;
pub use placement::Placement;
pub use plugin::Plugin;
pub use process_info::ProcessInfo;
pub use program::Program;
pub use promises::{Dependency, RawCopyPromise};
pub use signature::Signature;
pub use topology::TopologyDescription;
pub use transfer::Transfer;
