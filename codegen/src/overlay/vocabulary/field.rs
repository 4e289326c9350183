//! The keys of the tables that describe the fields of a function or of a group.

use super::Kind::{
    Enum, Field, FieldOrNul, Flag, Function, Identifier, Number, OneOf, Path, Product, Text,
};
use super::{Key, may};

/// `[function.NAME.field]` and `[group.NAME.field]`
pub(super) const FIELD: &[Key] = &[
    may(
        "dir",
        OneOf(&["in", "out", "inout"]),
        "Direction, where the header's mark is missing or wrong.",
    ),
    may(
        "len",
        Field,
        "The field that holds the length, where its name does not say so.",
    ),
    may(
        "text",
        OneOf(&["utf8", "bytes"]),
        "What `const char*` with a length holds; by default UTF-8.",
    ),
    may("owned", Flag, "The caller frees this output."),
    may(
        "borrow",
        OneOf(&["self", "client", "process"]),
        "Who owns this output.",
    ),
    may(
        "parent",
        OneOf(&["self", "client", "none"]),
        "What an owned output keeps alive.",
    ),
    may(
        "null",
        OneOf(&["none"]),
        "A null output is a normal answer.",
    ),
    may("optional", Flag, "This input may be left out."),
    may(
        "same",
        OneOf(&["client", "plugin", "any"]),
        "What a handle input must share with the receiver.",
    ),
    may(
        "index_below",
        Function,
        "The input must be at least 0 and below the answer of this function.",
    ),
    may(
        "once_per_value",
        Flag,
        "A second call with the same value is refused.",
    ),
    may("rename", Identifier, "Rust name."),
    may(
        "enum",
        Enum,
        "The enum whose values an integer field holds.",
    ),
    may(
        "sizes",
        Field,
        "The field of the array of lengths: of texts behind an array of pointers, or of rows that lie one behind the other.",
    ),
    may(
        "holder",
        Field,
        "The field of the object that the deleter takes; without it the deleter takes this pointer itself.",
    ),
    may(
        "deleter",
        Field,
        "The field of the function that frees what this output points to.",
    ),
    may(
        "index_into",
        Field,
        "This output is an index into the array of the named field; -1 says none.",
    ),
    may(
        "check",
        OneOf(&["element_type", "failure", "option_types", "sizes"]),
        "What the input must be: an element type that arrays have and the plugin knows, a code that says a failure, options of the types that plugins take for granted, or sizes that memory can have.",
    ),
    may(
        "one_of",
        Field,
        "Exactly one of this optional input and the named one must be given.",
    ),
    may(
        "given_as",
        Identifier,
        "The hand-written Rust type whose values lower to the struct, or serialise to the bytes, that this input points to.",
    ),
    may(
        "read_as",
        Path,
        "The Rust type that these bytes, which come with a deleter, are read into; with `null`, no bytes are none.",
    ),
    may(
        "advises",
        Field,
        "With `given_as`: when the call fails, this input is asked for advice about the named one.",
    ),
    may(
        "rank_of",
        Field,
        "With `given_as`: it must be for as many dimensions as the named array of this call has.",
    ),
    may(
        "address",
        Flag,
        "An address that is handed through as it is; an input only in an unsafe method.",
    ),
    may(
        "reserved",
        Flag,
        "This input has no meaning yet: it stays zero, and the checked call does not take it.",
    ),
    may(
        "set_by",
        Field,
        "The field of the flag that says whether this output is set.",
    ),
    may(
        "capacity",
        Field,
        "This is memory of the caller that the plugin fills; the named field says how much room there is.",
    ),
    may(
        "count",
        FieldOrNul,
        "With `capacity`: the field that says how many items were filled, `nul` where a NUL ends them, or `all` where success fills the whole room.",
    ),
    may("first", Number, "With `capacity`: how much room to offer."),
    may(
        "first_of",
        Function,
        "With `capacity`: the function that answers how much room to offer.",
    ),
    may(
        "room",
        Product,
        "With `capacity`: the integer inputs whose product is how much room to offer; each must be at least 1.",
    ),
    may(
        "keeps",
        Flag,
        "What the call hands over keeps this handle alive too.",
    ),
    may(
        "user_data",
        Field,
        "This input is a callback that the plugin keeps; the named field is the data that it is called with.",
    ),
    may(
        "keyed_by",
        Field,
        "With `user_data`: the callback stays until a function that `ends` it is given the same value of the named field; without it, as long as the process.",
    ),
    may("doc", Text, "Documentation of this part of the result."),
    may(
        "why",
        Text,
        "The reason, where the field has one of its own.",
    ),
];
