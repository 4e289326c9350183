//! Facts about protocol buffer messages, and the message types that are made of them.
//!
//! `schema/protos/*.json` holds what XLA's `.proto` files declare: names, numbers, types.
//! `schema/overlay/protos.toml` says which messages Rust gets, and describes them. The types are
//! written out and checked in, so that no user's build reads either.

mod choice;
mod emit;
mod facts;
mod field;
mod options;
mod read;
mod write;

pub use choice::{Choice, Chosen};
pub use emit::{FOLDER, files};
pub use facts::{Enumeration, Field, File, Label, MessageFacts, Protos, Source, declarations};
pub use options::OPTIONS;
pub use read::load;
pub use write::to_text;

#[cfg(test)]
mod tests;
