//! The overlay's entries with their types.

use crate::schema::Direction;
use std::collections::BTreeMap;

/// All judgements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// By C name of the handle type.
    pub handles: BTreeMap<String, HandleEntry>,
    /// By C name.
    pub enums: BTreeMap<String, EnumEntry>,
    /// By C name of the struct.
    pub values: BTreeMap<String, ValueEntry>,
    /// By C name of the struct.
    pub groups: BTreeMap<String, GroupEntry>,
    /// By C name of the function pointer.
    pub callbacks: BTreeMap<String, CallbackEntry>,
    /// By C name of the table of positional functions.
    pub vtables: BTreeMap<String, VtableEntry>,
    /// By name without prefix, such as `Layouts`.
    pub extensions: BTreeMap<String, ExtensionEntry>,
    /// By C name of the struct.
    pub tables: BTreeMap<String, TableEntry>,
    /// By name.
    pub platforms: BTreeMap<String, PlatformEntry>,
    /// By C name.
    pub functions: BTreeMap<String, FunctionEntry>,
    /// By C name of the table.
    pub supports: BTreeMap<String, SupportEntry>,
}

/// The oldest supported minor versions, by C name of the table.
pub type Oldest = BTreeMap<String, u32>;

/// Which versions of a table of functions are supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportEntry {
    /// The oldest minor version.
    pub oldest: u32,
    /// Reason.
    pub why: String,
}

/// An extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionEntry {
    /// Rust name.
    pub rust: String,
    /// Documentation.
    pub doc: String,
}

/// A platform whose plugins take options that are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformEntry {
    /// Rust name of the type of its options.
    pub rust: String,
    /// What is in the name of a library that is a plugin for it.
    pub library: String,
    /// The attribute that its plugins have and others have not.
    pub attribute: Option<String>,
    /// Options that are not listed may be sent.
    pub sends_unlisted: bool,
    /// Documentation.
    pub doc: String,
    /// By name.
    pub options: BTreeMap<String, OptionEntry>,
}

/// An option that a platform's clients are created with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionEntry {
    /// Rust name of the method that sets it.
    pub method: String,
    /// Type: `string`, `int64`, `int64_list`, `float` or `bool`.
    pub ty: String,
    /// The least number.
    pub least: Option<i64>,
    /// The largest number.
    pub most: Option<i64>,
    /// What holds where it is not set.
    pub default: String,
    /// Which plugins know it.
    pub plugins: String,
    /// Documentation.
    pub doc: String,
}

/// A table that an extension points at, with an error type of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableEntry {
    /// The extension's slot that points at it.
    pub via: String,
    /// C name of the error type.
    pub error: String,
    /// The function that tells an error's message.
    pub message: String,
    /// The function that tells an error's code.
    pub code: String,
    /// The function that frees an error.
    pub destroy: String,
    /// The field without a meaning.
    pub reserved: Option<String>,
    /// Reason.
    pub why: String,
}

impl TableEntry {
    /// The functions that deal with its errors.
    pub fn error_functions(&self) -> [&str; 3] {
        [&self.message, &self.code, &self.destroy]
    }
}

/// A table of positional functions behind an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VtableEntry {
    /// The struct that begins with a pointer to the table.
    pub object: String,
    /// How its references are counted.
    pub counting: Option<Counting>,
    /// By slot: the parameters that its function fills.
    pub outputs: BTreeMap<String, Vec<String>>,
    /// Reason.
    pub why: String,
}

/// The slots that count references to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counting {
    /// One more.
    pub clone: String,
    /// One less.
    pub drop: String,
}

/// How handles of one type are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// `Clone`, by counted references.
    Clone,
    /// One owner.
    Unique,
}

/// What another thread may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// Everything.
    SendSync,
    /// Take it over.
    Send,
    /// Nothing.
    None,
}

/// A handle type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandleEntry {
    /// Rust name.
    pub rust: String,
    /// Sharing.
    pub share: Share,
    /// Destructor.
    pub destroy: Option<String>,
    /// Threads.
    pub threads: Threads,
    /// It is a client.
    pub root: bool,
    /// A person writes its `Debug`.
    pub own_debug: bool,
    /// Documentation.
    pub doc: String,
    /// Reason.
    pub why: String,
}

/// An enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumEntry {
    /// Rust name.
    pub rust: String,
    /// Documentation.
    pub doc: String,
}

/// A plain struct that is copied into a Rust one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueEntry {
    /// Rust name.
    pub rust: String,
    /// Documentation.
    pub doc: String,
    /// By field name.
    pub fields: BTreeMap<String, MemberEntry>,
}

/// A field of a plain struct.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberEntry {
    /// Field that says how many items of this array are in use.
    pub len: Option<String>,
    /// Rust name.
    pub rename: Option<String>,
    /// Enum of an integer.
    pub enumeration: Option<String>,
    /// Documentation.
    pub doc: Option<String>,
}

/// A plain struct whose fields become parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEntry {
    /// By field name.
    pub fields: BTreeMap<String, FieldEntry>,
}

/// A function that a plugin calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackEntry {
    /// The parameter that brings the registered data back.
    pub user_data: String,
    /// Reason.
    pub why: String,
    /// By parameter name.
    pub params: BTreeMap<String, ParamEntry>,
}

/// A parameter of a function that a plugin calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParamEntry {
    /// Parameter that holds the length.
    pub len: Option<String>,
    /// `const char*` holds bytes, not text.
    pub bytes: bool,
}

/// Who writes the safe form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Safe {
    /// The generator.
    Generated,
    /// A person, at this path.
    HandWritten(String),
}

/// What the returned `PJRT_Error*` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// The call failed.
    Error,
    /// The value that was asked for.
    Status,
    /// Nothing comes back.
    Void,
    /// A failure of the error type's own functions, which cannot be converted by themselves.
    Raw,
}

/// How a method takes its receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Taken {
    /// Shared.
    #[default]
    Ref,
    /// Alone.
    Mut,
    /// For good; it is destroyed after the call.
    Value,
    /// For good; the call destroys it.
    Freed,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionEntry {
    /// Verdict, if there is one.
    pub safe: Option<Safe>,
    /// Receiver: a handle type or `none`.
    pub on: Option<String>,
    /// Method name.
    pub method: Option<String>,
    /// Meaning of the result.
    pub returns: Option<Returns>,
    /// Name of the struct that holds several outputs.
    pub result: Option<String>,
    /// Handlers of custom calls are looked up in it.
    pub compiles: bool,
    /// It takes memory of devices: a failure for want of it says what they hold.
    pub allocates: bool,
    /// What a caller must promise, where the method cannot be safe.
    pub unsafety: Option<String>,
    /// How the receiver is taken.
    pub taken: Taken,
    /// The function of the receiver that must answer `true` before.
    pub after: Option<String>,
    /// Path of the function that tests what spans several inputs.
    pub precondition: Option<String>,
    /// Destructor.
    pub drop: bool,
    /// The function whose callbacks end when this one succeeds.
    pub ends: Option<String>,
    /// Documentation.
    pub doc: String,
    /// Errors to expect.
    pub errors: Option<String>,
    /// Reason.
    pub why: String,
    /// By field name.
    pub fields: BTreeMap<String, FieldEntry>,
}

/// Who owns a borrowed output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lender {
    /// The receiver.
    Receiver,
    /// The receiver's client.
    Client,
    /// Nobody: it lives as long as the process.
    Process,
}

/// What an owned output keeps alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    /// The receiver.
    Receiver,
    /// The receiver's client.
    Client,
    /// Nothing.
    None,
}

/// What two handles must share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Same {
    /// The client, where both have one, and the plugin.
    Client,
    /// The plugin.
    Plugin,
    /// Nothing.
    Any,
}

/// A field of a function's args.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldEntry {
    /// Direction override.
    pub dir: Option<Direction>,
    /// Length field.
    pub len: Option<String>,
    /// `const char*` holds bytes, not text.
    pub bytes: Option<bool>,
    /// The caller frees it.
    pub owned: bool,
    /// Who owns it.
    pub borrow: Option<Lender>,
    /// What it keeps alive.
    pub parent: Option<Parent>,
    /// Null is an answer.
    pub nullable: bool,
    /// May be left out.
    pub optional: bool,
    /// What must be shared.
    pub same: Option<Same>,
    /// Upper bound.
    pub index_below: Option<String>,
    /// One call per value.
    pub once_per_value: bool,
    /// Rust name.
    pub rename: Option<String>,
    /// Enum of an integer.
    pub enumeration: Option<String>,
    /// Field of the lengths of texts or rows.
    pub sizes: Option<String>,
    /// Field of the object that the deleter takes.
    pub holder: Option<String>,
    /// Field of the function that frees.
    pub deleter: Option<String>,
    /// Field of the array that this is an index into.
    pub index_into: Option<String>,
    /// What the input must be: a test of the run-time support.
    pub check: Option<String>,
    /// The other of two optional inputs of which one must be given.
    pub one_of: Option<String>,
    /// The Rust type that lowers to the struct.
    pub given_as: Option<String>,
    /// The Rust type that the bytes are read into.
    pub read_as: Option<String>,
    /// The input that it has advice about when the call fails.
    pub advises: Option<String>,
    /// The array whose length is the rank that the struct must be for.
    pub rank_of: Option<String>,
    /// An address that is handed through.
    pub address: bool,
    /// It has no meaning and stays zero.
    pub reserved: bool,
    /// Field of the flag that says whether this one is set.
    pub set_by: Option<String>,
    /// It is a callback: field of the data that it is called with.
    pub user_data: Option<String>,
    /// Field of the key that the callback is registered under.
    pub keyed_by: Option<String>,
    /// Field of the room that the caller offers.
    pub capacity: Option<String>,
    /// How many items the plugin filled.
    pub count: Option<Count>,
    /// How much room to offer.
    pub first: Option<u64>,
    /// The function that answers how much room to offer.
    pub first_of: Option<String>,
    /// The integer inputs whose product is how much room to offer.
    pub room: Vec<String>,
    /// What is handed over keeps this handle alive too.
    pub keeps: bool,
    /// Documentation.
    pub doc: Option<String>,
}

/// How many items a plugin filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Count {
    /// A field says it.
    Field(String),
    /// A NUL ends them.
    Nul,
    /// All that there was room for.
    All,
}
