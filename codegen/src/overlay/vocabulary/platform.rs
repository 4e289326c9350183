//! The keys of platforms and of the options that their clients are created with.

use super::Kind::{Identifier, Natural, OneOf, Text};
use super::{Key, may, must};

/// `[platform.NAME]`
pub(super) const PLATFORM: &[Key] = &[
    must("rust", Identifier, "Name of the Rust type of its options."),
    must(
        "library",
        Text,
        "What is in the name of a library that is a plugin for it.",
    ),
    may(
        "attribute",
        Text,
        "The attribute that plugins for it have and others have not.",
    ),
    must(
        "unlisted",
        OneOf(&["refused", "sent"]),
        "Whether options that are not listed here are refused, for plugins that do not survive a wrong type, or sent where a caller insists.",
    ),
    must("doc", Text, "Documentation of the type."),
    must(
        "why",
        Text,
        "What plugins do with options that they do not know, or of a wrong type.",
    ),
];

/// `[platform.NAME.option.NAME]`
pub(super) const OPTION: &[Key] = &[
    may("rename", Identifier, "Name of the Rust method."),
    must(
        "type",
        OneOf(&["string", "int64", "int64_list", "float", "bool"]),
        "Type of the value.",
    ),
    may("least", Natural, "The least number that is sent."),
    may("most", Natural, "The largest number that is sent."),
    must("default", Text, "What holds where it is not set."),
    must("plugins", Text, "Which plugins of the platform know it."),
    must("doc", Text, "Documentation of the method."),
    must("why", Text, "How type and limits are known."),
];
