//! Facts, judgements, model and generator of the PJRT bindings.
//!
//! Data flows one way: headers are read into facts ([`schema`]), people add judgements
//! (the overlay), both merge into a model, and the model is lowered and emitted as Rust.
#[cfg(feature = "tools")]
pub mod bump;
#[cfg(feature = "tools")]
pub mod coverage;
#[cfg(feature = "tools")]
pub mod derived;
pub mod diag;
#[cfg(feature = "tools")]
pub mod diff;
pub mod emit;
pub mod expand;
#[cfg(feature = "tools")]
pub mod history;
#[cfg(feature = "tools")]
pub mod infer;
pub mod lower;
pub mod model;
pub mod overlay;
#[cfg(feature = "tools")]
pub mod protos;
pub mod schema;
#[cfg(feature = "vendor")]
pub mod vendor;
