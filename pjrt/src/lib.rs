//! Safe bindings to PJRT, the C interface of OpenXLA's compiler and device runtime.
//!
//! A *plugin* is a shared library that drives devices of one kind: CPUs, GPUs, TPUs. It compiles
//! programs written in StableHLO and runs them. [`Plugin`] loads one, [`Client`] is a connection to
//! its devices, [`LoadedExecutable`] is a compiled program, [`Buffer`] an array on a device.
//!
//! ```no_run
//! use pjrt::{ClientOptions, CompileOptions, Plugin, Program};
//!
//! # fn main() -> pjrt::Result<()> {
//! let client = Plugin::find("cpu")?.create_client(&ClientOptions::new())?;
//! let program = Program::mlir("func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }");
//! let executable = client.compile(&program, &CompileOptions::new())?;
//! let x = client.buffer_from_slice(&[1.0f32, 2.0], &[2])?;
//! assert_eq!(executable.run(&[&x])?[0].to_vec::<f32>()?, [1.0, 2.0]);
//! # Ok(())
//! # }
//! ```
//!
//! The methods that need no more than judgement about ownership are generated from the C headers;
//! [`raw`] has a checked call for every function.

// Generated code names this crate from the outside, wherever it is expanded.
extern crate self as pjrt;

mod async_transfer;
mod buffer;
mod client;
mod client_options;
mod compile_options;
mod copy_stream;
mod device;
mod element;
mod enums;
mod error;
mod event;
mod executable;
mod execute_context;
mod extension;
pub mod ffi;
pub mod find;
mod held;
#[cfg(feature = "install")]
pub mod install;
mod layout;
pub mod layouts;
mod load_options;
mod loaded_executable;
mod memory;
mod named_value;
pub mod plugin;
mod program;
pub mod raw;
mod topology;

#[doc(hidden)]
#[path = "rt/mod.rs"]
pub mod __rt;
use __rt as rt;

pub use async_transfer::{AsyncTrackingEvent, AsyncTransferManager};
pub use buffer::Buffer;
pub use client::Client;
pub use client_options::ClientOptions;
pub use compile_options::CompileOptions;
pub use copy_stream::CopyToDeviceStream;
pub use device::{Device, DeviceDescription};
pub use element::Element;
pub use enums::{
    ElementType, ErrorCode, ExtensionType, HostBufferSemantics, MemoryLayoutType, NamedValueType,
    ProcessState,
};
pub use error::{Error, PluginError, Result};
pub use event::Event;
pub use executable::Executable;
pub use execute_context::ExecuteContext;
pub use extension::{Extension, ExtensionNode};
pub use held::{HeldBytes, HeldNamedValues};
pub use load_options::{LoadOptions, TpuLogDir, TpuOptions};
pub use loaded_executable::LoadedExecutable;
pub use memory::Memory;
pub use named_value::{NamedValue, NamedValues, Value};
pub use pjrt_sys as sys;
pub use plugin::Plugin;
pub use program::Program;
pub use topology::TopologyDescription;
