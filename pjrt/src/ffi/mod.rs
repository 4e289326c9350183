//! Custom calls: Rust closures that compiled programs call by name.
//!
//! A module calls one with `stablehlo.custom_call @name(%x) {api_version = 4 : i32, backend_config
//! = {factor = 2.0 : f32}}`. [`Handler`] makes a closure callable; it gets a [`Call`] with typed
//! operands, results and attributes, and its errors and panics become errors of the run.
//!
//! ```
//! use pjrt::ffi::Handler;
//!
//! # pjrt_doc::ready("cpu");
//! let plugin = pjrt::Plugin::find("cpu")?;
//! // A state is made for each place that calls the handler, when the program is compiled.
//! let table = Handler::builder("look_up")
//!     .instantiate(|call| Ok(call.attr::<&[f32]>("table")?.to_vec()))
//!     .execute(|call, table: &Vec<f32>| {
//!         let indices = call.operand::<i32>(0)?;
//!         for (y, i) in call.result_mut::<f32>(0)?.iter_mut().zip(indices.iter()) {
//!             let i = usize::try_from(*i).unwrap_or(usize::MAX);
//!             *y = table.get(i).copied().unwrap_or(f32::NAN);
//!         }
//!         Ok(())
//!     });
//! table.register(&plugin)?;
//! # Ok::<(), pjrt::Error>(())
//! ```
//!
//! A handler may return before its results are there ([`Call::defer`]), run tasks on XLA's threads
//! ([`Call::schedule`]), and see values that belong to a run ([`UserType`]). Register handlers
//! before the first program is compiled: a registration waits until none is being compiled.
//!
//! Operands and results are in row-major order unless the module asks for other layouts, which a
//! handler is not told.

mod array;
mod attribute;
mod borrow;
mod call;
mod call_extension;
mod data_type;
mod deferred;
mod error;
mod extension;
mod frame;
pub(crate) mod gate;
mod handler;
mod known;
mod register;
mod scratch;
mod stage;
mod state;
#[cfg(test)]
mod tests;
mod trampoline;
mod user_data;
mod xla;

pub use array::RawArray;
pub use attribute::{Attribute, Attributes};
pub use borrow::{Operand, ResultMut};
pub use call::{Call, Device, Host, Instantiation};
pub use call_extension::CallExtension;
pub use data_type::DataType;
pub use deferred::Deferred;
pub use error::Error;
pub(crate) use error::panic_text;
pub use extension::{Ffi, GpuCustomCall};
pub use handler::{Handler, HandlerBuilder, StatefulBuilder};
pub use scratch::Scratch;
pub use stage::Stage;
pub use user_data::UserType;
