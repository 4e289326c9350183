//! The one definition of the overlay's keys: the loader checks against it and the reference is
//! printed from it, so that neither can lag behind the other.

/// Where a key may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// `[handle.NAME]`
    Handle,
    /// `[enum.NAME]`
    Enum,
    /// `[value.NAME]`
    Value,
    /// `[value.NAME.field]`, one table per field
    Member,
    /// `[group.NAME]`; its fields have the keys of a function's
    Group,
    /// `[callback.NAME]`
    Callback,
    /// `[callback.NAME.param]`, one table per parameter
    Param,
    /// `[extension.NAME]`
    Extension,
    /// `[function.NAME]`
    Function,
    /// `[function.NAME.field]`, one table per field
    Field,
}

/// What a key's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text that is not empty.
    Text,
    /// A Rust identifier.
    Identifier,
    /// A Rust path.
    Path,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The name of a function of the facts.
    Function,
    /// The name of an enum of the facts.
    Enum,
    /// The name of a handle type, or `none`.
    HandleOrNone,
    /// The name of a field of the same struct.
    Field,
    /// The name of a field of the same struct, or `nul`, or `all`.
    FieldOrNul,
    /// Names of fields of the same struct, joined by ` * `.
    Product,
    /// A whole number from 1.
    Number,
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Where it stands.
    pub section: Section,
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// An entry without it is refused.
    pub required: bool,
    /// What it says.
    pub doc: &'static str,
}

const fn key(
    section: Section,
    name: &'static str,
    kind: Kind,
    required: bool,
    doc: &'static str,
) -> Key {
    Key {
        section,
        name,
        kind,
        required,
        doc,
    }
}

use Kind::{
    Enum, Field, FieldOrNul, Flag, Function, HandleOrNone, Identifier, Number, OneOf, Path,
    Product, Text,
};
use Section as S;

/// All keys.
pub static KEYS: &[Key] = &[
    key(
        S::Handle,
        "rust",
        Identifier,
        true,
        "Name of the Rust type.",
    ),
    key(
        S::Handle,
        "share",
        OneOf(&["clone", "unique"]),
        true,
        "`clone`: counted references that keep the parents alive; `unique`: one owner.",
    ),
    key(
        S::Handle,
        "destroy",
        Function,
        false,
        "The function that frees it; without one it is never owned.",
    ),
    key(
        S::Handle,
        "threads",
        OneOf(&["send+sync", "send", "none"]),
        true,
        "What another thread may do with it.",
    ),
    key(
        S::Handle,
        "root",
        Flag,
        false,
        "It is a client: handles below it belong together.",
    ),
    key(S::Handle, "doc", Text, true, "Documentation of the type."),
    key(
        S::Handle,
        "why",
        Text,
        true,
        "The reason for `share` and `threads`.",
    ),
    key(S::Enum, "rust", Identifier, true, "Name of the Rust type."),
    key(S::Enum, "doc", Text, true, "Documentation of the type."),
    key(
        S::Enum,
        "why",
        Text,
        false,
        "The reason, where one is needed.",
    ),
    key(S::Value, "rust", Identifier, true, "Name of the Rust type."),
    key(S::Value, "doc", Text, true, "Documentation of the type."),
    key(
        S::Value,
        "why",
        Text,
        true,
        "The reason why copies of the fields say all that the struct says.",
    ),
    key(
        S::Member,
        "len",
        Field,
        false,
        "The field that says how many items of this array are in use.",
    ),
    key(S::Member, "rename", Identifier, false, "Rust name."),
    key(
        S::Member,
        "enum",
        Enum,
        false,
        "The enum whose values this integer holds.",
    ),
    key(S::Member, "doc", Text, false, "Documentation of the field."),
    key(
        S::Group,
        "why",
        Text,
        true,
        "The reason why the fields of this plain struct can be parameters of the methods that take it.",
    ),
    key(
        S::Callback,
        "user_data",
        Text,
        true,
        "The parameter that brings back the data that was registered with the callback.",
    ),
    key(
        S::Callback,
        "why",
        Text,
        true,
        "The reason for the threads that call it and for how long its parameters live: the text of the SAFETY comment.",
    ),
    key(
        S::Param,
        "len",
        Text,
        false,
        "The parameter that holds the length, where its name does not say so.",
    ),
    key(
        S::Param,
        "text",
        OneOf(&["utf8", "bytes"]),
        false,
        "What `const char*` with a length holds; by default UTF-8.",
    ),
    key(
        S::Extension,
        "rust",
        Identifier,
        true,
        "Name of the Rust type.",
    ),
    key(
        S::Extension,
        "doc",
        Text,
        true,
        "Documentation of the type.",
    ),
    key(
        S::Function,
        "safe",
        OneOf(&["generated", "hand-written"]),
        false,
        "Who writes the safe form; without it the function has no verdict yet.",
    ),
    key(
        S::Function,
        "path",
        Path,
        false,
        "The Rust item that is the hand-written safe form.",
    ),
    key(
        S::Function,
        "on",
        HandleOrNone,
        false,
        "The handle whose method it becomes; by default the first input that is a handle.",
    ),
    key(
        S::Function,
        "method",
        Identifier,
        false,
        "Name of the method; by default the C name without the receiver's, in snake case, without `get_`.",
    ),
    key(
        S::Function,
        "returns",
        OneOf(&["error", "status", "void", "raw"]),
        false,
        "What the returned `PJRT_Error*` is: the failure of the call (default), the value asked for (`status`), or a failure that is handed over unconverted (`raw`, for the functions of the error type itself).",
    ),
    key(
        S::Function,
        "result",
        Identifier,
        false,
        "Name of the struct that holds several outputs.",
    ),
    key(
        S::Function,
        "unsafe",
        Text,
        false,
        "What a caller must promise, where the method cannot be safe: its Safety section.",
    ),
    key(
        S::Function,
        "compiles",
        Flag,
        false,
        "The plugin looks up handlers of custom calls in it, so none is registered meanwhile.",
    ),
    key(
        S::Function,
        "drop",
        Flag,
        false,
        "It is the destructor of its receiver and becomes `Drop`.",
    ),
    key(
        S::Function,
        "ends",
        Function,
        false,
        "Its success ends the callbacks that the named function registered under the same key.",
    ),
    key(
        S::Function,
        "self",
        OneOf(&["ref", "mut", "value", "freed"]),
        false,
        "How the receiver is taken: `ref` (default); `mut`, on a handle with one owner that the plugin does not lock; `value`, destroyed after the call; `freed`, which the call itself destroys, whatever it answers.",
    ),
    key(
        S::Function,
        "after",
        Function,
        false,
        "Refused before the call unless this function of the receiver answers `true`.",
    ),
    key(
        S::Function,
        "precondition",
        Path,
        false,
        "On an extension: the hand-written function that tests what spans several inputs before the call, given the table and the parameters.",
    ),
    key(
        S::Function,
        "doc",
        Text,
        true,
        "Documentation of the method in our own words.",
    ),
    key(
        S::Function,
        "errors",
        Text,
        false,
        "Errors that a caller should expect beyond the general ones.",
    ),
    key(
        S::Function,
        "why",
        Text,
        true,
        "The reason for ownership, nullability, preconditions and threads: the text of the SAFETY comment.",
    ),
    key(
        S::Field,
        "dir",
        OneOf(&["in", "out", "inout"]),
        false,
        "Direction, where the header's mark is missing or wrong.",
    ),
    key(
        S::Field,
        "len",
        Field,
        false,
        "The field that holds the length, where its name does not say so.",
    ),
    key(
        S::Field,
        "text",
        OneOf(&["utf8", "bytes"]),
        false,
        "What `const char*` with a length holds; by default UTF-8.",
    ),
    key(
        S::Field,
        "owned",
        Flag,
        false,
        "The caller frees this output.",
    ),
    key(
        S::Field,
        "borrow",
        OneOf(&["self", "client", "process"]),
        false,
        "Who owns this output.",
    ),
    key(
        S::Field,
        "parent",
        OneOf(&["self", "client", "none"]),
        false,
        "What an owned output keeps alive.",
    ),
    key(
        S::Field,
        "null",
        OneOf(&["none"]),
        false,
        "A null output is a normal answer.",
    ),
    key(
        S::Field,
        "optional",
        Flag,
        false,
        "This input may be left out.",
    ),
    key(
        S::Field,
        "same",
        OneOf(&["client", "plugin", "any"]),
        false,
        "What a handle input must share with the receiver.",
    ),
    key(
        S::Field,
        "index_below",
        Function,
        false,
        "The input must be at least 0 and below the answer of this function.",
    ),
    key(
        S::Field,
        "once_per_value",
        Flag,
        false,
        "A second call with the same value is refused.",
    ),
    key(S::Field, "rename", Identifier, false, "Rust name."),
    key(
        S::Field,
        "enum",
        Enum,
        false,
        "The enum whose values an integer field holds.",
    ),
    key(
        S::Field,
        "sizes",
        Field,
        false,
        "The field of the array of lengths: of texts behind an array of pointers, or of rows that lie one behind the other.",
    ),
    key(
        S::Field,
        "holder",
        Field,
        false,
        "The field of the object that the deleter takes; without it the deleter takes this pointer itself.",
    ),
    key(
        S::Field,
        "deleter",
        Field,
        false,
        "The field of the function that frees what this output points to.",
    ),
    key(
        S::Field,
        "index_into",
        Field,
        false,
        "This output is an index into the array of the named field; -1 says none.",
    ),
    key(
        S::Field,
        "check",
        OneOf(&["element_type", "failure", "sizes"]),
        false,
        "What the input must be: an element type that arrays have and the plugin knows, a code that says a failure, or sizes that memory can have.",
    ),
    key(
        S::Field,
        "one_of",
        Field,
        false,
        "Exactly one of this optional input and the named one must be given.",
    ),
    key(
        S::Field,
        "given_as",
        Identifier,
        false,
        "The hand-written Rust type whose values lower to the struct, or serialise to the bytes, that this input points to.",
    ),
    key(
        S::Field,
        "rank_of",
        Field,
        false,
        "With `given_as`: it must be for as many dimensions as the named array of this call has.",
    ),
    key(
        S::Field,
        "address",
        Flag,
        false,
        "An address that is handed through as it is; an input only in an unsafe method.",
    ),
    key(
        S::Field,
        "set_by",
        Field,
        false,
        "The field of the flag that says whether this output is set.",
    ),
    key(
        S::Field,
        "capacity",
        Field,
        false,
        "This is memory of the caller that the plugin fills; the named field says how much room there is.",
    ),
    key(
        S::Field,
        "count",
        FieldOrNul,
        false,
        "With `capacity`: the field that says how many items were filled, `nul` where a NUL ends them, or `all` where success fills the whole room.",
    ),
    key(
        S::Field,
        "first",
        Number,
        false,
        "With `capacity`: how much room to offer.",
    ),
    key(
        S::Field,
        "first_of",
        Function,
        false,
        "With `capacity`: the function that answers how much room to offer.",
    ),
    key(
        S::Field,
        "room",
        Product,
        false,
        "With `capacity`: the integer inputs whose product is how much room to offer; each must be at least 1.",
    ),
    key(
        S::Field,
        "keeps",
        Flag,
        false,
        "What the call hands over keeps this handle alive too.",
    ),
    key(
        S::Field,
        "user_data",
        Field,
        false,
        "This input is a callback that the plugin keeps; the named field is the data that it is called with.",
    ),
    key(
        S::Field,
        "keyed_by",
        Field,
        false,
        "With `user_data`: the callback stays until a function that `ends` it is given the same value of the named field; without it, as long as the process.",
    ),
    key(
        S::Field,
        "doc",
        Text,
        false,
        "Documentation of this part of the result.",
    ),
    key(
        S::Field,
        "why",
        Text,
        false,
        "The reason, where the field has one of its own.",
    ),
];

/// The keys of a section.
pub fn keys(section: Section) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section == section)
}

/// The words that a section's key may hold, in a phrase.
pub fn expectation(kind: Kind) -> String {
    match kind {
        Kind::Text => "text that is not empty".into(),
        Kind::Identifier => "a Rust identifier".into(),
        Kind::Path => "a Rust path such as `pjrt::client::Client::compile`".into(),
        Kind::Flag => "true or false".into(),
        Kind::OneOf(words) => format!(
            "one of {}",
            words
                .iter()
                .map(|w| format!("`{w}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Kind::Function => "the name of a function of the facts".into(),
        Kind::Enum => "the name of an enum of the facts".into(),
        Kind::HandleOrNone => "the name of a handle type, or `none`".into(),
        Kind::Field => "the name of a field of the same struct".into(),
        Kind::FieldOrNul => "the name of a field of the same struct, or `nul`, or `all`".into(),
        Kind::Product => "names of fields of the same struct, joined by ` * `".into(),
        Kind::Number => "a whole number from 1".into(),
    }
}
