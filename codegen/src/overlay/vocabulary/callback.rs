//! The keys of the tables that describe callbacks.

use super::Kind::{OneOf, Text};
use super::{Key, may, must};

/// `[callback.NAME]`
pub(super) const CALLBACK: &[Key] = &[
    must(
        "user_data",
        Text,
        "The parameter that brings back the data that was registered with the callback.",
    ),
    must(
        "why",
        Text,
        "The reason for the threads that call it and for how long its parameters live: the text of the SAFETY comment.",
    ),
];

/// `[callback.NAME.param]`
pub(super) const PARAM: &[Key] = &[
    may(
        "len",
        Text,
        "The parameter that holds the length, where its name does not say so.",
    ),
    may(
        "text",
        OneOf(&["utf8", "bytes"]),
        "What `const char*` with a length holds; by default UTF-8.",
    ),
];
