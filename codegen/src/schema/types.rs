//! The types of the facts. They know nothing of clang.

/// All facts of one set of headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// `PJRT_API_MAJOR`.
    pub major: u32,
    /// `PJRT_API_MINOR`.
    pub minor: u32,
    /// One entry per header, the main header (module `core`) first, then by module name.
    pub headers: Vec<Header>,
}

/// The facts of one header file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Short name in snake case, used for Rust modules: `core`, `layouts`, `ffi_api`.
    pub module: String,
    /// Path within the upstream tree, such as `xla/pjrt/c/pjrt_c_api.h`.
    pub path: String,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// SHA-256 of the normalised declarations, in hex: two files with one ABI have one digest.
    pub digest: String,
    /// Where the file came from.
    pub source: Source,
    /// Modules whose types this header uses.
    pub uses: Vec<String>,
    /// The extension that the header declares, if it declares one.
    pub extension: Option<Extension>,
    /// Object-like macros with an integer or string value that matter to a caller.
    pub macros: Vec<Macro>,
    /// Types that are declared and never defined.
    pub opaques: Vec<Opaque>,
    /// Names given to another type.
    pub aliases: Vec<Alias>,
    /// Enumerations.
    pub enums: Vec<Enum>,
    /// Structures, function tables included.
    pub structs: Vec<Struct>,
    /// `typedef R (*Name)(..)`: types of callbacks.
    pub callbacks: Vec<Callback>,
    /// Functions: everything that a slot of a table can point to.
    pub functions: Vec<Function>,
}

/// Provenance of a header file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// `git`, `package` or `directory`.
    pub kind: String,
    /// Repository (`owner/name`) or package; empty for a directory.
    pub name: String,
    /// Commit or package version; empty for a directory.
    pub revision: String,
}

/// What makes a header an extension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extension {
    /// Value of `PJRT_Extension_Type`.
    pub number: u32,
    /// Name of that value without its prefix, such as `Layouts`.
    pub name: String,
    /// The struct that begins with `PJRT_Extension_Base`.
    pub table: String,
    /// Value of the header's `PJRT_API_*_EXTENSION_VERSION` macro.
    pub version: Option<u32>,
}

/// An object-like macro.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Macro {
    /// Name.
    pub name: String,
    /// Replacement text, white space folded.
    pub value: String,
    /// Line of the definition.
    pub line: u32,
}

/// A type without a definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opaque {
    /// Name.
    pub name: String,
    /// Line of the first declaration.
    pub line: u32,
}

/// A typedef of something else than a struct, enum or function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alias {
    /// New name.
    pub name: String,
    /// Type it stands for, in canonical spelling.
    pub ty: String,
    /// Line.
    pub line: u32,
}

/// An enumeration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enum {
    /// Name of the typedef or of the tag.
    pub name: String,
    /// Underlying integer type: `uint32_t`, `int32_t`, `uint8_t`.
    pub repr: String,
    /// Size in bytes.
    pub size: u32,
    /// Line.
    pub line: u32,
    /// Values in order.
    pub values: Vec<EnumValue>,
}

/// One value of an enumeration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnumValue {
    /// Whole C name.
    pub name: String,
    /// Value.
    pub value: i64,
    /// Line.
    pub line: u32,
}

/// The part that a struct plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StructKind {
    /// The argument of one function of a table.
    Args,
    /// The argument that a callback gets.
    CallbackArgs,
    /// The table of all functions of the API (`PJRT_Api`), or one behind an extension's pointer.
    Api,
    /// A table that begins with `PJRT_Extension_Base`.
    ExtensionTable,
    /// Positional C functions behind an object's first word.
    Vtable,
    /// An object that callers hold by pointer and whose definition is visible.
    Handle,
    /// Plain data.
    #[default]
    Value,
}

/// A structure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Struct {
    /// Name that C code uses.
    pub name: String,
    /// `struct` tag; empty for an untagged one.
    pub tag: String,
    /// Part it plays.
    pub kind: StructKind,
    /// `sizeof`.
    pub size: u64,
    /// `alignof`.
    pub align: u64,
    /// Value of the header's own `*_STRUCT_SIZE`, if it has one.
    pub struct_size: Option<u64>,
    /// Line.
    pub line: u32,
    /// Fields in order.
    pub fields: Vec<Field>,
}

/// Direction of a field as the header marks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `in`
    In,
    /// `out`
    Out,
    /// `in/out`
    InOut,
}

/// What a field of a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A function that can be called.
    Function,
    /// A `void*` left in place of a deleted function.
    Deprecated,
    /// A plain value, such as a flag.
    Flag,
    /// A pointer to data, such as a second table.
    Data,
}

/// A field of a struct.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// Name; empty for an anonymous union.
    pub name: String,
    /// Canonical C type: `const char*`, `PJRT_Device* const*`, `int32_t[4]`, `void (*)(void*)`,
    /// `union`.
    pub ty: String,
    /// Offset in bytes from the start of the outermost struct.
    pub offset: u64,
    /// Size in bytes.
    pub size: u64,
    /// Mark of the header, all spellings normalised; none where the header says nothing.
    pub dir: Option<Direction>,
    /// The header calls the field optional.
    pub optional: bool,
    /// Set in tables only.
    pub slot: Option<Slot>,
    /// Signature, where the type is an inline function pointer.
    pub signature: Option<Signature>,
    /// Members, where the type is an anonymous union.
    pub members: Vec<Field>,
    /// For a union: the name of the sibling field that says which member holds.
    pub tag: String,
    /// Line.
    pub line: u32,
}

/// Result and parameters of a C function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// Canonical return type.
    pub returns: String,
    /// Parameters in order.
    pub params: Vec<Param>,
}

/// A parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Param {
    /// Name; may be empty.
    pub name: String,
    /// Canonical type.
    pub ty: String,
}

/// A function-pointer typedef.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callback {
    /// Name.
    pub name: String,
    /// Signature.
    pub signature: Signature,
    /// Line.
    pub line: u32,
}

/// How a function's type is declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FunctionForm {
    /// `typedef R F(A* args);`
    #[default]
    Function,
    /// `typedef R (*F)(A* args);`
    Pointer,
    /// `R (*f)(A* args);` inside the table itself: the function is named after table and slot.
    Member,
}

/// A function that a table offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Name of its type.
    pub name: String,
    /// Form of the declaration.
    pub form: FunctionForm,
    /// Signature.
    pub signature: Signature,
    /// The struct that the single pointer parameter points to, where there is one.
    pub args: Option<String>,
    /// Table that holds it.
    pub table: String,
    /// Name of the table's field.
    pub slot: String,
    /// Position among the table's fields, from 0.
    pub index: u32,
    /// Offset of the slot in the table, in bytes.
    pub offset: u64,
    /// Line of the typedef.
    pub line: u32,
}
