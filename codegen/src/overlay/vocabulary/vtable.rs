//! The keys of the tables that describe objects with positional functions.

use super::Kind::Text;
use super::{Key, may, must};

/// `[vtable.NAME]`
pub(super) const VTABLE: &[Key] = &[
    must(
        "object",
        Text,
        "The struct that begins with a pointer to this table: alone (the functions take its address), or before a pointer to what the functions take.",
    ),
    may(
        "clone",
        Text,
        "The slot that counts one more reference to the object.",
    ),
    may(
        "drop",
        Text,
        "The slot that gives a reference up; goes with `clone`.",
    ),
    must(
        "why",
        Text,
        "The reason why the functions may be called through the object, and for how long it lives: the text of the SAFETY comment.",
    ),
];

/// `[vtable.NAME.slot]`, one table per slot
pub(super) const SLOT: &[Key] = &[
    must(
        "outputs",
        Text,
        "The parameters that the function fills, in the order of their declaration, joined by `, `.",
    ),
    may(
        "why",
        Text,
        "The reason, where the slot has one of its own.",
    ),
];
