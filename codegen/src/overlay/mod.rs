//! Judgements: what the C types do not say, written by people, each with a reason.
//!
//! [`vocabulary`] is the one definition of the keys; the loader refuses whatever it does not list.
/// What stands in the place of a file's name for upstream's judgements, in the tree of a vendor.
pub const UPSTREAM: &str = "pjrt's own judgements";

mod load;
#[cfg(feature = "vendor")]
mod parse;
#[cfg(feature = "tools")]
mod reference;
mod tree;
mod types;
pub mod vocabulary;

pub use load::from_tree;
#[cfg(feature = "tools")]
pub use load::{load, oldest};
#[cfg(feature = "vendor")]
pub use parse::parse_toml;
#[cfg(feature = "tools")]
pub use reference::{REFERENCE, reference};
pub use tree::{Node, Place, Tree, from_json, merge, to_json};
pub use types::*;
