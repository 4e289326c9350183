//! Tests of the history: what is known of the real one, and folding of small made-up ones.

mod appending;
mod files;
mod folding;
mod gates;
mod known;

use std::sync::OnceLock;

use super::{History, load};

const FILE: &str = "schema/history.json";
const TEXT: &str = include_str!("../../../../schema/history.json");

/// The checked-in history, read once.
fn history() -> &'static History {
    static HISTORY: OnceLock<History> = OnceLock::new();
    HISTORY.get_or_init(|| load(FILE, TEXT).expect("the checked-in history is valid"))
}
