//! All versions of the headers, folded: which item is there, where and how big, at every commit.
//!
//! The history is a list of [states](State), one for each commit that changed a declaration or a
//! version, and for every item the list of its versions, each from one state on. Everything else,
//! such as the first minor that has an item, follows from these and is computed.
mod append;
pub(crate) mod canon;
pub(crate) mod compat;
mod fold;
mod gates;
mod guess;
mod load;
mod minors;
mod query;
mod renames;
mod report;
mod show;

#[cfg(test)]
mod tests;
mod track;
mod types;
mod write;

pub use append::append;
pub use fold::{Folded, Snapshot, Text, fold};
pub use load::{load, load_file, read, read_file};
pub use minors::{Minors, ranges};
pub use renames::{Rename, Renames, What};
pub use report::{Break, Shared, Stale};
pub use show::{Part, Shown, Size};
pub use types::*;
pub use write::to_text;
