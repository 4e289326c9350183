//! Judgements: what the C types do not say, written by people, each with a reason.
//!
//! [`vocabulary`] is the one definition of the keys; the loader refuses whatever it does not list.
mod load;
mod tree;
mod types;
pub mod vocabulary;

pub use load::{from_tree, load};
pub use tree::{Node, Place, Tree, from_json, merge, parse_toml, to_json};
pub use types::*;
