//! Facts, judgements and history of everything that is generated, looked up by name.
mod behind;
pub mod gates;
mod json;
#[cfg(feature = "tools")]
mod merge;

pub use behind::{TableBehind, points_at};
pub use json::{from_json, to_json};
#[cfg(feature = "tools")]
pub use merge::join;

use self::gates::Gates;
use crate::lower::receiver::Receivers;
use crate::overlay::{FieldEntry, FunctionEntry, HandleEntry, Node, Overlay};
use crate::schema::{
    Callback, Direction, Enum, Field, Function, Header, Schema, Struct, StructKind,
};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The module of the main header.
pub const CORE: &str = "core";
/// Name of the table of all functions of the API.
pub const API_TABLE: &str = "PJRT_Api";
/// Name of the error type.
pub const ERROR: &str = "PJRT_Error";
/// Fields that begin a versioned struct and are filled by the generated code.
pub const HEADER_FIELDS: [&str; 2] = ["struct_size", "extension_start"];

/// Everything that the generator knows.
#[derive(Clone, Debug)]
pub struct Model {
    /// Facts.
    pub facts: Schema,
    /// Judgements.
    pub overlay: Overlay,
    /// Judgements as they were written, to be stored.
    pub judgements: Node,
    /// What the history says.
    pub versions: Versions,
    /// The module of a vendor's header, where the model is of a crate other than `pjrt`: its items
    /// stand beside each other in that crate, those of all other modules in `pjrt`.
    vendor: Option<String>,
    index: Index,
    receivers: OnceLock<Receivers>,
}

/// What the history says to the generator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// First minor versions of functions, for messages and documentation.
    pub since: BTreeMap<String, u32>,
    /// What plugins of other versions have of each item.
    pub gates: Gates,
    /// The largest size that a revision of a vendor's table reports; of no other table.
    pub largest: BTreeMap<String, u32>,
}

/// Positions of the facts by name: (header, item).
#[derive(Clone, Debug, Default)]
struct Index {
    functions: BTreeMap<String, (usize, usize)>,
    structs: BTreeMap<String, (usize, usize)>,
    enums: BTreeMap<String, (usize, usize)>,
    modules: BTreeMap<String, usize>,
    behind: behind::Behind,
    /// Functions of tables by the structs that are their arguments.
    takers: BTreeMap<String, String>,
}

impl Model {
    /// Indexes what is already checked.
    pub fn new(facts: Schema, overlay: Overlay, judgements: Node, versions: Versions) -> Model {
        let mut index = Index {
            behind: behind::Behind::new(&facts, &overlay),
            ..Index::default()
        };
        for (h, header) in facts.headers.iter().enumerate() {
            for (i, item) in header.functions.iter().enumerate() {
                index.functions.insert(item.name.clone(), (h, i));
                if let Some(args) = item.args.as_ref().filter(|_| !item.table.is_empty()) {
                    let taker = index.takers.entry(args.clone());
                    taker.or_insert_with(|| item.name.clone());
                }
                index.modules.insert(item.name.clone(), h);
            }
            for (i, item) in header.structs.iter().enumerate() {
                index.structs.insert(item.name.clone(), (h, i));
                index.modules.insert(item.name.clone(), h);
            }
            for (i, item) in header.enums.iter().enumerate() {
                index.enums.insert(item.name.clone(), (h, i));
                index.modules.insert(item.name.clone(), h);
            }
            let others = header.opaques.iter().map(|o| &o.name);
            let others = others.chain(header.aliases.iter().map(|a| &a.name));
            for name in others.chain(header.callbacks.iter().map(|c| &c.name)) {
                index.modules.entry(name.clone()).or_insert(h);
            }
        }
        Model {
            facts,
            overlay,
            judgements,
            versions,
            vendor: None,
            index,
            receivers: OnceLock::new(),
        }
    }

    /// The same, generated for the crate of a vendor whose header is `module`.
    pub fn for_vendor(mut self, module: &str) -> Model {
        self.vendor = Some(module.to_owned());
        self
    }

    /// Whether a module is the vendor's own.
    pub fn is_vendors(&self, module: &str) -> bool {
        self.vendor.as_deref() == Some(module)
    }

    /// The header of the vendor.
    pub fn vendor(&self) -> Option<&Header> {
        self.header(self.vendor.as_deref()?)
    }

    /// Whether what versions have of the items of a table is told by the size of that table, not by
    /// the version of the API: a vendor's header has revisions of its own.
    pub fn counts_by_size(&self, table: &str) -> bool {
        self.vendor.is_some() && self.module_of(table) == self.vendor.as_deref()
    }

    /// What came with a version of an item, in words: `PJRT 0.93`, or of a vendor's items, the
    /// revision of the header whose table has so many bytes.
    pub fn version_in_words(&self, item: &str, since: u32) -> String {
        if self.counts_by_size(item) {
            format!("the revision of its header whose table has {since} bytes")
        } else {
            format!("PJRT 0.{since}")
        }
    }

    /// The functions that become methods, by what they are called on; sorted when first asked.
    pub fn receivers(&self) -> &Receivers {
        self.receivers.get_or_init(|| Receivers::of(self))
    }

    /// The header that a module stands for.
    pub fn header(&self, module: &str) -> Option<&Header> {
        self.facts.headers.iter().find(|h| h.module == module)
    }

    /// A function.
    pub fn function(&self, name: &str) -> Option<&Function> {
        let (h, i) = self.index.functions.get(name)?;
        self.facts.headers.get(*h)?.functions.get(*i)
    }

    /// A struct.
    pub fn structure(&self, name: &str) -> Option<&Struct> {
        let (h, i) = self.index.structs.get(name)?;
        self.facts.headers.get(*h)?.structs.get(*i)
    }

    /// An enum.
    pub fn enumeration(&self, name: &str) -> Option<&Enum> {
        let (h, i) = self.index.enums.get(name)?;
        self.facts.headers.get(*h)?.enums.get(*i)
    }

    /// A type of functions that plugins call.
    pub fn callback(&self, name: &str) -> Option<&Callback> {
        let h = self.index.modules.get(name)?;
        let header = self.facts.headers.get(*h)?;
        header.callbacks.iter().find(|c| c.name == name)
    }

    /// The module whose header declares a name.
    pub fn module_of(&self, name: &str) -> Option<&str> {
        let h = self.index.modules.get(name)?;
        self.facts.headers.get(*h).map(|h| h.module.as_str())
    }

    /// The module that a handle's Rust type lives in: the one whose header can destroy it, else the
    /// one that declares it. The main header declares types that only an extension makes.
    pub fn home(&self, handle: &str) -> Option<&str> {
        let destroy = self.handle(handle).and_then(|h| h.destroy.as_deref());
        destroy
            .and_then(|function| self.shown_in(function))
            .or_else(|| self.module_of(handle))
    }

    /// Judgement on a handle type.
    pub fn handle(&self, name: &str) -> Option<&HandleEntry> {
        self.overlay.handles.get(name)
    }

    /// Judgement on a function.
    pub fn entry(&self, function: &str) -> Option<&FunctionEntry> {
        self.overlay.functions.get(function)
    }

    /// Judgement on a field of a function's args.
    pub fn field_entry(&self, function: &str, field: &str) -> Option<&FieldEntry> {
        self.entry(function)?.fields.get(field)
    }

    /// Direction of a field of a function's args: the overlay's word, then the header's, then in.
    pub fn direction(&self, function: &str, field: &Field) -> Direction {
        let said = self.field_entry(function, &field.name).and_then(|e| e.dir);
        said.or(field.dir).unwrap_or(Direction::In)
    }

    /// Whether a field of a function's args has no meaning and stays zero.
    pub fn reserved(&self, function: &str, field: &str) -> bool {
        self.field_entry(function, field)
            .is_some_and(|e| e.reserved)
    }

    /// The first minor version that has a function, where the history tells.
    pub fn since(&self, function: &str) -> Option<u32> {
        self.versions.since.get(function).copied()
    }

    /// The first minor version from which on all plugins know a field, where some that have its
    /// function, or its struct, do not.
    pub fn later(&self, structure: &str, field: &str) -> Option<u32> {
        let fields = &self.structure(structure)?.fields;
        let field = fields.iter().find(|f| f.name == field)?;
        let end = field.offset.checked_add(field.size)?;
        self.versions.gates.later(self.item_of(structure), end)
    }

    /// The name under which the history's answers about a struct are kept: that of the function
    /// whose argument it is, else its own.
    pub fn item_of<'n>(&'n self, structure: &'n str) -> &'n str {
        self.index
            .takers
            .get(structure)
            .map_or(structure, String::as_str)
    }

    /// The function that a slot of a table holds.
    pub fn held_by(&self, table: &str, slot: &str) -> Option<&Function> {
        let mut functions = self.facts.headers.iter().flat_map(|h| &h.functions);
        functions.find(|f| f.table == table && f.slot == slot)
    }

    /// The oldest supported minor version of a table of functions, if the overlay says one.
    pub fn oldest(&self, table: &str) -> Option<u32> {
        self.overlay.supports.get(table).map(|entry| entry.oldest)
    }

    /// Whether a struct begins with its own size.
    pub fn is_versioned(structure: &Struct) -> bool {
        structure
            .fields
            .first()
            .is_some_and(|f| f.name == HEADER_FIELDS[0])
    }

    /// Plain structs with a size of their own, which callers pass by pointer.
    pub fn versioned_values<'m>(&'m self, header: &'m Header) -> impl Iterator<Item = &'m Struct> {
        header.structs.iter().filter(|s| {
            s.kind == StructKind::Value && Model::is_versioned(s) && s.struct_size.is_some()
        })
    }
}
