//! The keys of the tables that describe functions.

use super::Kind::{Flag, Function, HandleOrNone, Identifier, OneOf, Path, Text};
use super::{Key, may, must};

/// `[function.NAME]`
pub(super) const FUNCTION: &[Key] = &[
    may(
        "safe",
        OneOf(&["generated", "hand-written"]),
        "Who writes the safe form; without it the function has no verdict yet.",
    ),
    may(
        "path",
        Path,
        "The Rust item that is the hand-written safe form.",
    ),
    may(
        "on",
        HandleOrNone,
        "The handle whose method it becomes; by default the first input that is a handle.",
    ),
    may(
        "method",
        Identifier,
        "Name of the method; by default the C name without the receiver's, in snake case, without `get_`.",
    ),
    may(
        "returns",
        OneOf(&["error", "status", "void", "raw"]),
        "What the returned `PJRT_Error*` is: the failure of the call (default), the value asked for (`status`), or a failure that is handed over unconverted (`raw`, for the functions of the error type itself).",
    ),
    may(
        "result",
        Identifier,
        "Name of the struct that holds several outputs.",
    ),
    may(
        "unsafe",
        Text,
        "What a caller must promise, where the method cannot be safe: its Safety section.",
    ),
    may(
        "compiles",
        Flag,
        "The plugin looks up handlers of custom calls in it, so none is registered meanwhile.",
    ),
    may(
        "allocates",
        Flag,
        "It takes memory of devices, so its error for want of memory tells what they hold.",
    ),
    may(
        "drop",
        Flag,
        "It is the destructor of its receiver and becomes `Drop`.",
    ),
    may(
        "ends",
        Function,
        "Its success ends the callbacks that the named function registered under the same key.",
    ),
    may(
        "self",
        OneOf(&["ref", "mut", "value", "freed"]),
        "How the receiver is taken: `ref` (default); `mut`, on a handle with one owner that the plugin does not lock; `value`, destroyed after the call; `freed`, which the call itself destroys, whatever it answers.",
    ),
    may(
        "after",
        Function,
        "Refused before the call unless this function of the receiver answers `true`.",
    ),
    may(
        "precondition",
        Path,
        "On an extension: the hand-written function that tests what spans several inputs before the call, given the table and the parameters.",
    ),
    must("doc", Text, "Documentation of the method in our own words."),
    may(
        "errors",
        Text,
        "Errors that a caller should expect beyond the general ones.",
    ),
    must(
        "why",
        Text,
        "The reason for ownership, nullability, preconditions and threads: the text of the SAFETY comment.",
    ),
];
