//! The one definition of the overlay's sections and keys: the loader checks against it and the
//! reference (`docs/src/overlay.md`) is printed from it, so that neither can lag behind the other.

mod callback;
mod field;
mod function;
mod platform;
mod sections;
mod table;
mod types;
mod vtable;

pub use sections::{About, SECTIONS, about, nested, section, tops};

/// What a proposed entry has where a person must write: refused in every text.
pub const HOLE: &str = "???";

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
    /// `[vtable.NAME]`
    Vtable,
    /// `[vtable.NAME.slot]`, one table per slot
    Slot,
    /// `[extension.NAME]`
    Extension,
    /// `[table.NAME]`
    Table,
    /// `[support.NAME]`
    Support,
    /// `[platform.NAME]`
    Platform,
    /// `[platform.NAME.option.NAME]`
    Option,
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
    /// A whole number from 0.
    Natural,
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// An entry without it is refused.
    pub required: bool,
    /// What it says.
    pub doc: &'static str,
}

/// A key without which an entry is refused.
const fn must(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        required: true,
        doc,
    }
}

/// A key that an entry may leave out.
const fn may(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        required: false,
        doc,
    }
}

/// The keys of a section.
pub const fn keys(section: Section) -> &'static [Key] {
    match section {
        Section::Handle => types::HANDLE,
        Section::Enum => types::ENUM,
        Section::Value => types::VALUE,
        Section::Vtable => vtable::VTABLE,
        Section::Slot => vtable::SLOT,
        Section::Member => types::MEMBER,
        Section::Group => types::GROUP,
        Section::Extension => types::EXTENSION,
        Section::Table => table::TABLE,
        Section::Support => table::SUPPORT,
        Section::Platform => platform::PLATFORM,
        Section::Option => platform::OPTION,
        Section::Callback => callback::CALLBACK,
        Section::Param => callback::PARAM,
        Section::Function => function::FUNCTION,
        Section::Field => field::FIELD,
    }
}

/// What a kind of value is called in a table of keys.
pub const fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Identifier => "Rust name",
        Kind::Path => "Rust path",
        Kind::Flag => "flag",
        Kind::OneOf(_) => "word",
        Kind::Function => "function",
        Kind::Enum => "enum",
        Kind::HandleOrNone => "handle",
        Kind::Field => "field",
        Kind::FieldOrNul => "field or word",
        Kind::Product => "product",
        Kind::Number => "number",
        Kind::Natural => "number or 0",
    }
}

/// The words that a section's key may hold, in a phrase.
pub fn expectation(kind: Kind) -> String {
    match kind {
        Kind::Text => format!("text that is not empty and has no `{HOLE}`"),
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
        Kind::Natural => "a whole number from 0".into(),
    }
}
