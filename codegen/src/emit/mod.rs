//! Renders facts and model as text.
pub mod behind;
#[cfg(feature = "vendor")]
pub mod bindings;
#[cfg(feature = "tools")]
pub mod c_header;
pub mod callbacks;
pub mod calls;
pub mod docs;
pub mod enums;
pub mod extension;
pub mod gates;
pub mod handle;
pub mod held;
pub mod inputs;
mod lenders;
pub mod methods;
mod nested;
pub mod outputs;
pub mod platform;
pub mod plugin;
#[cfg(feature = "vendor")]
pub mod positional;
#[cfg(feature = "vendor")]
pub mod server;
pub mod sys_names;
mod tables;
#[cfg(feature = "vendor")]
mod thunks;
pub mod value;
pub mod vtable;
#[cfg(feature = "tools")]
pub mod witness;
