//! From a tree to entries: every key, name and word is checked, and all faults are gathered.

mod across;
mod callback;
mod field;
mod group;
mod near;
mod platform;
mod rules;
mod table;
mod value;
mod vtable;

use super::tree::{Node, Tree};
use super::types::*;
use super::vocabulary::{self, Kind, Section};
use crate::diag::{Diagnostic, Diagnostics};
use crate::schema::{Callback, Function, Schema, Struct, StructKind};
use std::collections::BTreeMap;

/// Reads overlay files, given as (name, text), and checks them against the facts.
#[cfg(feature = "tools")]
pub fn load(
    files: &[(String, String)],
    schemas: &[&Schema],
) -> Result<(Node, Overlay), Diagnostics> {
    let (names, tree) = parsed(files)?;
    let overlay = from_tree(&tree, &names, schemas)?;
    Ok((tree, overlay))
}

/// The names of overlay files and the tree of all.
#[cfg(feature = "tools")]
fn parsed(files: &[(String, String)]) -> Result<(Vec<String>, Node), Diagnostics> {
    let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    let mut found = Diagnostics::default();
    let mut trees = Vec::new();
    for (index, (name, text)) in files.iter().enumerate() {
        match super::parse::parse_toml(text, index, name) {
            Ok(tree) => trees.push(tree),
            Err(faults) => found.extend(faults),
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    let tree = super::tree::merge(&names, trees)?;
    Ok((names, tree))
}

/// The oldest supported versions that overlay files say, which the history is asked with before
/// there is a model. Whether the tables are those of the facts is checked by [`load`].
///
/// # Errors
///
/// Files that cannot be read, and entries of other keys.
#[cfg(feature = "tools")]
pub fn oldest(files: &[(String, String)]) -> Result<Oldest, Diagnostics> {
    let (names, tree) = parsed(files)?;
    let mut loader = Loader {
        files: &names,
        facts: Facts::new(&[]),
        found: Diagnostics::default(),
    };
    let entries = match tree.get("support") {
        Some(node) => loader.each(node, Loader::support_of),
        None => BTreeMap::new(),
    };
    let oldest = entries
        .into_iter()
        .map(|(name, entry)| (name, entry.oldest));
    loader.found.into_result(oldest.collect())
}

/// Checks a tree and gives its entries.
pub fn from_tree(
    tree: &Node,
    files: &[String],
    schemas: &[&Schema],
) -> Result<Overlay, Diagnostics> {
    let mut loader = Loader {
        files,
        facts: Facts::new(schemas),
        found: Diagnostics::default(),
    };
    let overlay = loader.overlay(tree);
    loader.found.into_result(overlay)
}

/// The facts by name.
struct Facts<'a> {
    functions: BTreeMap<&'a str, &'a Function>,
    structs: BTreeMap<&'a str, &'a Struct>,
    enums: Vec<&'a str>,
    extensions: Vec<&'a str>,
    callbacks: BTreeMap<&'a str, &'a Callback>,
    handles: Vec<&'a str>,
}

impl<'a> Facts<'a> {
    fn new(schemas: &[&'a Schema]) -> Facts<'a> {
        let headers = || schemas.iter().flat_map(|s| &s.headers);
        let handles = headers().flat_map(|h| {
            // Whether callers hold a visible struct by pointer is a judgement.
            let visible = h
                .structs
                .iter()
                .filter(|s| matches!(s.kind, StructKind::Handle | StructKind::Value));
            h.opaques
                .iter()
                .map(|o| o.name.as_str())
                .chain(visible.map(|s| s.name.as_str()))
        });
        Facts {
            functions: headers()
                .flat_map(|h| &h.functions)
                .map(|f| (f.name.as_str(), f))
                .collect(),
            structs: headers()
                .flat_map(|h| &h.structs)
                .map(|s| (s.name.as_str(), s))
                .collect(),
            enums: headers()
                .flat_map(|h| &h.enums)
                .map(|e| e.name.as_str())
                .collect(),
            handles: handles.collect(),
            callbacks: headers()
                .flat_map(|h| &h.callbacks)
                .map(|c| (c.name.as_str(), c))
                .collect(),
            extensions: headers()
                .filter_map(|h| Some(h.extension.as_ref()?.name.as_str()))
                .collect(),
        }
    }

    fn args(&self, function: &str) -> Option<&'a Struct> {
        let args = self.functions.get(function)?.args.as_deref()?;
        self.structs.get(args).copied()
    }
}

struct Loader<'a> {
    files: &'a [String],
    facts: Facts<'a>,
    found: Diagnostics,
}

impl Loader<'_> {
    fn refuse(&mut self, code: &'static str, node: &Node, message: String, help: &str) {
        let file = self.files.get(node.file).map_or("overlay", String::as_str);
        self.found.push(
            Diagnostic::new(code, file, message)
                .at(node.place.line, node.place.column)
                .help(help),
        );
    }

    fn overlay(&mut self, tree: &Node) -> Overlay {
        let mut overlay = Overlay::default();
        for (word, node) in tree.entries() {
            match vocabulary::section(word) {
                Some(Section::Handle) => overlay.handles = self.each(node, Self::handle),
                Some(Section::Enum) => overlay.enums = self.each(node, Self::enumeration),
                Some(Section::Value) => overlay.values = self.each(node, Self::value),
                Some(Section::Group) => overlay.groups = self.each(node, Self::group),
                Some(Section::Callback) => overlay.callbacks = self.each(node, Self::callback),
                Some(Section::Vtable) => overlay.vtables = self.each(node, Self::vtable),
                Some(Section::Extension) => overlay.extensions = self.each(node, Self::extension),
                Some(Section::Table) => overlay.tables = self.each(node, Self::table),
                Some(Section::Platform) => overlay.platforms = self.each(node, Self::platform),
                Some(Section::Function) => overlay.functions = self.each(node, Self::function),
                Some(Section::Support) => overlay.supports = self.each(node, Self::support),
                // The others stand within entries.
                Some(
                    Section::Member
                    | Section::Param
                    | Section::Slot
                    | Section::Option
                    | Section::Field,
                )
                | None => self.refuse(
                    "O010",
                    node,
                    format!("unknown section `{word}`"),
                    &sections(),
                ),
            }
        }
        self.cross_check(tree, &overlay);
        self.destructors(tree, &overlay);
        overlay
    }

    fn each<T>(
        &mut self,
        node: &Node,
        read: fn(&mut Self, &str, &Node) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let mut entries = BTreeMap::new();
        if !matches!(node.tree, Tree::Table(_)) {
            self.refuse(
                "O011",
                node,
                format!("expected a table of entries, found {}", node.type_name()),
                "write `[section.NAME]`",
            );
        }
        for (name, entry) in node.entries() {
            if let Some(value) = read(self, name, entry) {
                entries.insert(name.clone(), value);
            }
        }
        entries
    }

    /// Checks an entry's keys against the vocabulary. `args` is the struct that field names refer to.
    fn keys(&mut self, section: Section, what: &str, node: &Node, args: Option<&Struct>) -> bool {
        if !matches!(node.tree, Tree::Table(_)) {
            self.refuse(
                "O011",
                node,
                format!("{what}: expected a table, found {}", node.type_name()),
                "write `key = value` lines",
            );
            return false;
        }
        let mut good = true;
        for (name, value) in node.entries() {
            if vocabulary::nested(section).any(|within| within.word == name) {
                self.table_of_fields(what, value);
                continue;
            }
            let Some(key) = vocabulary::keys(section).iter().find(|k| k.name == name) else {
                let known: Vec<&str> = vocabulary::keys(section).iter().map(|k| k.name).collect();
                self.refuse(
                    "O012",
                    value,
                    format!("{what}: unknown key `{name}`"),
                    &near::advice(name, &known, &format!("the keys are {}", known.join(", "))),
                );
                good = false;
                continue;
            };
            if !self.fits(key.kind, value, args) {
                let expected = vocabulary::expectation(key.kind);
                let came = value
                    .text()
                    .map_or_else(|| value.type_name().to_owned(), |t| format!("`{t}`"));
                self.refuse(
                    "O013",
                    value,
                    format!("{what}: `{name}` must be {expected}, found {came}"),
                    &self.advice(key, value, args),
                );
                good = false;
            }
        }
        for key in vocabulary::keys(section).iter().filter(|k| k.required) {
            if node.get(key.name).is_none() {
                self.refuse(
                    "O014",
                    node,
                    format!("{what}: `{}` is missing", key.name),
                    key.doc,
                );
                good = false;
            }
        }
        good
    }

    fn fits(&self, kind: Kind, node: &Node, args: Option<&Struct>) -> bool {
        let word = node.text();
        match kind {
            Kind::Flag => matches!(node.tree, Tree::Bool(_)),
            Kind::Text => {
                word.is_some_and(|t| !t.trim().is_empty() && !t.contains(vocabulary::HOLE))
            }
            Kind::Identifier => word.is_some_and(is_identifier),
            Kind::Path => word.is_some_and(|t| t.split("::").all(is_identifier)),
            Kind::OneOf(words) => word.is_some_and(|t| words.contains(&t)),
            Kind::Function => word.is_some_and(|t| self.facts.functions.contains_key(t)),
            Kind::Enum => word.is_some_and(|t| self.facts.enums.contains(&t)),
            Kind::HandleOrNone => {
                word.is_some_and(|t| t == "none" || self.facts.handles.contains(&t))
            }
            Kind::Number => matches!(node.tree, Tree::Int(number) if number > 0),
            Kind::Natural => matches!(node.tree, Tree::Int(number) if number >= 0),
            Kind::FieldOrNul if matches!(word, Some("nul" | "all")) => true,
            Kind::Product => word.is_some_and(|t| {
                let known = |name| args.is_some_and(|s| s.fields.iter().any(|f| f.name == name));
                t.split(" * ").all(known)
            }),
            Kind::FieldOrNul => self.fits(Kind::Field, node, args),
            Kind::Field => {
                word.is_some_and(|t| args.is_some_and(|s| s.fields.iter().any(|f| f.name == t)))
            }
        }
    }

    fn handle(&mut self, name: &str, node: &Node) -> Option<HandleEntry> {
        if !self.facts.handles.contains(&name) {
            self.refuse(
                "O020",
                node,
                format!("no handle type `{name}` in the facts"),
                &near::advice(name, &self.facts.handles, near::STALE),
            );
            return None;
        }
        if !self.keys(Section::Handle, name, node, None) {
            return None;
        }
        Some(HandleEntry {
            rust: owned(node, "rust"),
            share: if word(node, "share") == Some("clone") {
                Share::Clone
            } else {
                Share::Unique
            },
            destroy: word(node, "destroy").map(str::to_owned),
            threads: match word(node, "threads") {
                Some("send+sync") => Threads::SendSync,
                Some("send") => Threads::Send,
                _ => Threads::None,
            },
            root: flag(node, "root"),
            own_debug: word(node, "debug").is_some(),
            doc: owned(node, "doc"),
            why: owned(node, "why"),
        })
    }

    fn enumeration(&mut self, name: &str, node: &Node) -> Option<EnumEntry> {
        if !self.facts.enums.contains(&name) {
            self.refuse(
                "O021",
                node,
                format!("no enum `{name}` in the facts"),
                &near::advice(name, &self.facts.enums, near::STALE),
            );
            return None;
        }
        self.keys(Section::Enum, name, node, None)
            .then(|| EnumEntry {
                rust: owned(node, "rust"),
                doc: owned(node, "doc"),
            })
    }

    fn extension(&mut self, name: &str, node: &Node) -> Option<ExtensionEntry> {
        if !self.facts.extensions.contains(&name) {
            let known = match self.facts.extensions.as_slice() {
                [] => "none".to_owned(),
                some => some.join(", "),
            };
            self.refuse(
                "O025",
                node,
                format!("no extension `{name}` in the facts"),
                &format!("the facts have {known}"),
            );
            return None;
        }
        self.keys(Section::Extension, name, node, None)
            .then(|| ExtensionEntry {
                rust: owned(node, "rust"),
                doc: owned(node, "doc"),
            })
    }

    fn function(&mut self, name: &str, node: &Node) -> Option<FunctionEntry> {
        if !self.facts.functions.contains_key(name) {
            self.refuse(
                "O022",
                node,
                format!("no function `{name}` in the facts"),
                &near::advice(name, self.facts.functions.keys(), near::STALE),
            );
            return None;
        }
        let args = self.facts.args(name);
        let good = self.keys(Section::Function, name, node, args);
        let fields = self.fields(name, node, args);
        self.path_of_nothing(name, node);
        let safe = match word(node, "safe") {
            Some("generated") => Some(Safe::Generated),
            Some("hand-written") => match word(node, "path") {
                Some(path) => Some(Safe::HandWritten(path.to_owned())),
                None => {
                    self.refuse(
                        "O024",
                        node,
                        format!("{name}: hand-written, but `path` does not say where"),
                        "add `path = \"pjrt::...\"`",
                    );
                    None
                }
            },
            _ => None,
        };
        good.then(|| FunctionEntry {
            safe,
            on: word(node, "on").map(str::to_owned),
            method: word(node, "method").map(str::to_owned),
            returns: match word(node, "returns") {
                Some("error") => Some(Returns::Error),
                Some("status") => Some(Returns::Status),
                Some("void") => Some(Returns::Void),
                Some("raw") => Some(Returns::Raw),
                _ => None,
            },
            result: word(node, "result").map(str::to_owned),
            compiles: flag(node, "compiles"),
            allocates: flag(node, "allocates"),
            unsafety: word(node, "unsafe").map(str::to_owned),
            taken: match word(node, "self") {
                Some("mut") => Taken::Mut,
                Some("value") => Taken::Value,
                Some("freed") => Taken::Freed,
                _ => Taken::Ref,
            },
            after: word(node, "after").map(str::to_owned),
            precondition: word(node, "precondition").map(str::to_owned),
            drop: flag(node, "drop"),
            ends: word(node, "ends").map(str::to_owned),
            doc: owned(node, "doc"),
            errors: word(node, "errors").map(str::to_owned),
            why: owned(node, "why"),
            fields,
        })
    }
}

/// The sections that there are, in a sentence.
fn sections() -> String {
    let words: Vec<String> = vocabulary::tops()
        .map(|about| format!("`{}`", about.word))
        .collect();
    match words.split_last() {
        Some((last, others)) => format!("the sections are {} and {last}", others.join(", ")),
        None => String::new(),
    }
}

fn word<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.get(key).and_then(Node::text)
}

fn owned(node: &Node, key: &str) -> String {
    word(node, key).unwrap_or_default().trim().to_owned()
}

fn flag(node: &Node, key: &str) -> bool {
    matches!(node.get(key).map(|n| &n.tree), Some(Tree::Bool(true)))
}

fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
