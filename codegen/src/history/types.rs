//! The types of the history.

/// All versions of all headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// What was folded.
    pub source: Source,
    /// The commits that changed a declaration or a version, the oldest first.
    pub states: Vec<State>,
    /// The headers, by module name.
    pub modules: Vec<Module>,
    /// Every struct that was ever there, by name.
    pub structs: Vec<Item<StructBody>>,
    /// Every enumeration, by name.
    pub enums: Vec<Item<EnumBody>>,
    /// Every function of a table, by name.
    pub functions: Vec<Item<FunctionBody>>,
    /// Every type of callback, by name.
    pub callbacks: Vec<Item<Signature>>,
    /// Renames that were confirmed by people, as they happened.
    pub renamed: Vec<Renamed>,
    /// Headers that could not be read in some commit.
    pub problems: Vec<Problem>,
}

/// Where the history comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Repository, `owner/name`.
    pub name: String,
    /// Newest commit.
    pub commit: String,
    /// Commits that changed any header.
    pub commits: u32,
    /// Commits that changed the main header.
    pub main: u32,
    /// Commits left out, for their main header states no version: nothing can report it.
    pub unversioned: u32,
}

/// One commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Hash, 12 digits.
    pub commit: String,
    /// Day, `YYYY-MM-DD`.
    pub date: String,
    /// `PJRT_API_MINOR` of the main header.
    pub minor: u32,
    /// `XLA_FFI_API_MINOR`, which counts for itself; none before it was there, and while its major
    /// was not that of today.
    pub ffi: Option<u32>,
}

/// One header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Name.
    pub name: String,
    /// Path of the newest file.
    pub path: String,
    /// Its declarations from each state on.
    pub revisions: Vec<Revision>,
}

/// The declarations of a header from a state on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// First state.
    pub state: usize,
    /// What the header is.
    pub header: Presence,
}

/// What a header is at some state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Read.
    Known {
        /// Digest of the declarations, 16 digits.
        digest: String,
        /// The version that the extension's header states.
        version: Option<u32>,
    },
    /// Not in the tree.
    Gone,
    /// In the tree and not readable: nothing is known of its items.
    Unknown,
}

/// All versions of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<T> {
    /// Its newest name.
    pub name: String,
    /// The module that has it, or had it last.
    pub module: String,
    /// Its versions from each state on; none where it is not there.
    pub versions: Vec<Version<T>>,
}

/// What an item is from a state on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version<T> {
    /// First state.
    pub state: usize,
    /// None where it is not there.
    pub body: Option<T>,
}

/// A struct at some state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StructBody {
    /// Word of the facts for the part that it plays.
    pub kind: String,
    /// `sizeof`.
    pub size: u64,
    /// The header's own constant.
    pub struct_size: Option<u64>,
    /// Fields in order; the members of an anonymous union stand for it.
    pub fields: Vec<FieldBody>,
}

/// A field at some state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldBody {
    /// Newest name.
    pub name: String,
    /// Type, with the newest names.
    pub ty: String,
    /// Offset.
    pub offset: u64,
    /// Size.
    pub size: u64,
}

/// An enumeration at some state: names and numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnumBody {
    /// Width in bytes.
    pub size: u32,
    /// Values in order.
    pub values: Vec<(String, i64)>,
}

/// A function at some state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionBody {
    /// Table that holds it; its place is that of the slot among the table's fields.
    pub table: String,
    /// Name of the table's field.
    pub slot: String,
    /// Struct behind its only parameter.
    pub args: Option<String>,
    /// Types.
    pub signature: Signature,
}

/// Types of a function: the result, then the parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature(pub Vec<String>);

/// A rename that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// `field`, `value`, `type`, `function`, ..
    pub what: String,
    /// Old name.
    pub from: String,
    /// New name.
    pub to: String,
    /// States with the new name for the first time, each with the owners (structs, enumerations)
    /// or, for what has none, the names.
    pub at: Vec<(usize, Vec<String>)>,
}

/// A header that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Hash, 12 digits.
    pub commit: String,
    /// Path.
    pub path: String,
    /// Why.
    pub message: String,
}

/// The module of the FFI header, which has versions of its own.
pub(crate) const FFI: &str = "ffi_api";
/// The field that begins a chain of extensions.
pub(crate) const CHAIN: &str = "extension_start";
