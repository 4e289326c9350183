//! The keys of tables: those that an extension points at, and what versions of tables are supported.

use super::Kind::{Field, Function, HandleOrNone, Identifier, Number, Text};
use super::{Key, may, must};

/// `[table.NAME]`
pub(super) const TABLE: &[Key] = &[
    must(
        "via",
        Identifier,
        "The slot of an extension's table that points at this table.",
    ),
    must(
        "error",
        HandleOrNone,
        "The error type that its functions return.",
    ),
    must(
        "error_message",
        Function,
        "Its function that tells an error's message.",
    ),
    must(
        "error_code",
        Function,
        "Its function that tells an error's code.",
    ),
    must(
        "error_destroy",
        Function,
        "Its function that frees an error.",
    ),
    may(
        "reserved",
        Field,
        "The field of the table that has no meaning yet and is not looked at.",
    ),
    must(
        "why",
        Text,
        "The reason why the pointer may be followed, and how long what it points at lives.",
    ),
];

/// `[support.NAME]`
pub(super) const SUPPORT: &[Key] = &[
    must(
        "oldest",
        Number,
        "The oldest minor version of the table that is supported; what came before counts as always there.",
    ),
    must("why", Text, "The reason why it is that one."),
];
