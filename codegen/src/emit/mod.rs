//! Renders facts and model as text.
#[cfg(feature = "tools")]
pub mod c_header;
pub mod calls;
pub mod docs;
pub mod enums;
pub mod handle;
pub mod methods;
pub mod plugin;
pub mod sys_names;
#[cfg(feature = "tools")]
pub mod witness;
