//! Renders facts and model as text.
#[cfg(feature = "tools")]
pub mod c_header;
pub mod callbacks;
pub mod calls;
pub mod docs;
pub mod enums;
pub mod extension;
pub mod handle;
pub mod held;
pub mod inputs;
pub mod methods;
pub mod outputs;
pub mod plugin;
pub mod sys_names;
pub mod value;
#[cfg(feature = "tools")]
pub mod witness;
