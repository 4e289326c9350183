//! Safe bindings to PJRT, the C interface of OpenXLA's compiler and device runtime.

pub mod find;
#[cfg(feature = "install")]
pub mod install;
mod load_options;

pub use load_options::{LoadOptions, TpuLogDir, TpuOptions};
