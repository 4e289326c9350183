//! Command-line door of the workspace.
#[cfg(feature = "clang")]
pub mod bindings;
#[cfg(feature = "clang")]
pub mod clang;
pub mod clang_door;
pub mod codegen_cmd;
pub mod derive;
pub mod headers;
#[cfg(feature = "clang")]
pub mod libclang;
pub mod outcome;
pub mod paths;
#[cfg(feature = "plugins")]
pub mod plugin_cmd;
#[cfg(feature = "plugins")]
pub mod quickstart_cmd;
pub mod schema_cmd;
