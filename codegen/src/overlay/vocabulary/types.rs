//! The keys of the tables that describe types and extensions.

use super::Kind::{Enum, Field, Flag, Function, Identifier, OneOf, Text};
use super::{Key, may, must};

/// `[handle.NAME]`
pub(super) const HANDLE: &[Key] = &[
    must("rust", Identifier, "Name of the Rust type."),
    must(
        "share",
        OneOf(&["clone", "unique"]),
        "`clone`: counted references that keep the parents alive; `unique`: one owner.",
    ),
    may(
        "destroy",
        Function,
        "The function that frees it; without one it is never owned.",
    ),
    must(
        "threads",
        OneOf(&["send+sync", "send", "none"]),
        "What another thread may do with it.",
    ),
    may(
        "root",
        Flag,
        "It is a client: handles below it belong together.",
    ),
    may(
        "debug",
        OneOf(&["hand-written"]),
        "Its `Debug` is written by a person; else it names the C type and the plugin.",
    ),
    must("doc", Text, "Documentation of the type."),
    must("why", Text, "The reason for `share` and `threads`."),
];

/// `[enum.NAME]`
pub(super) const ENUM: &[Key] = &[
    must("rust", Identifier, "Name of the Rust type."),
    must("doc", Text, "Documentation of the type."),
    may("why", Text, "The reason, where one is needed."),
];

/// `[value.NAME]`
pub(super) const VALUE: &[Key] = &[
    must("rust", Identifier, "Name of the Rust type."),
    must("doc", Text, "Documentation of the type."),
    must(
        "why",
        Text,
        "The reason why copies of the fields say all that the struct says.",
    ),
];

/// `[value.NAME.field]`
pub(super) const MEMBER: &[Key] = &[
    may(
        "len",
        Field,
        "The field that says how many items of this array are in use.",
    ),
    may("rename", Identifier, "Rust name."),
    may("enum", Enum, "The enum whose values this integer holds."),
    may("doc", Text, "Documentation of the field."),
];

/// `[group.NAME]`
pub(super) const GROUP: &[Key] = &[must(
    "why",
    Text,
    "The reason why the fields of this plain struct can be parameters of the methods that take it.",
)];

/// `[extension.NAME]`
pub(super) const EXTENSION: &[Key] = &[
    must("rust", Identifier, "Name of the Rust type."),
    must("doc", Text, "Documentation of the type."),
];
