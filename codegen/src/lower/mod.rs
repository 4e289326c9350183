//! From the model to what is to be written, one pass per file; no Rust text is made here beyond
//! names and types.
pub mod call;
pub mod callback;
pub mod ctype;
pub mod inputs;
pub mod method;
#[cfg(feature = "vendor")]
pub mod musts;
pub mod names;
pub mod outputs;
pub mod place;
pub mod receiver;
#[cfg(feature = "vendor")]
pub mod served;
pub mod value;
pub mod vtable;
