//! What a comparison says, as lines for readers, and the code that reads what is otherwise.

use crate::derived::File;
use crate::diff::{Change, Class, Diff, Input, Kind, Methods, What, diff};
use crate::history::{History, Renames};
use crate::lower::names;
use crate::schema::{Field, Header, Schema, Struct, StructKind};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};

/// What is new, in lines of Markdown without the bullet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What came.
    pub added: Vec<String>,
    /// What is otherwise than before.
    pub changed: Vec<String>,
    /// What went.
    pub removed: Vec<String>,
    /// What code written by hand reads and is otherwise than before.
    pub look: Vec<String>,
}

impl Changes {
    /// Nothing differs.
    pub fn is_empty(&self) -> bool {
        self == &Changes::default()
    }
}

/// Compares; `rust` are the sources that may read what changed.
pub fn compare(
    history: &History,
    renames: &Renames,
    old: &Schema,
    new: &Schema,
    rust: &[File],
) -> Changes {
    let (was, is) = (Input::Schema(old, "before"), Input::Schema(new, "now"));
    let found = diff(history, renames, &Methods::default(), was, is);
    let mut book = Book {
        changes: Changes::default(),
        words: None,
        rust,
        args: [old, new].map(args),
        told: told(new),
    };
    book.headers(old, new);
    book.all(&found);
    book.version(&found);
    book.marks(old, new);
    book.changes
}

/// The structs that are arguments of functions.
fn args(schema: &Schema) -> BTreeSet<&str> {
    let structs = schema.headers.iter().flat_map(|h| &h.structs);
    let args = structs.filter(|s| s.kind == StructKind::Args);
    args.map(|s| s.name.as_str()).collect()
}

/// What each function, field and value is, in a few words: its table, type or number.
fn told(schema: &Schema) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    for header in &schema.headers {
        for function in header.functions.iter().filter(|f| !f.table.is_empty()) {
            told.insert(function.name.clone(), format!(" in `{}`", function.table));
        }
        for structure in &header.structs {
            for field in flat(&structure.fields) {
                let name = format!("{}.{}", structure.name, field.name);
                told.insert(name, format!(": `{}`", field.ty));
            }
        }
        for value in header.enums.iter().flat_map(|e| &e.values) {
            told.insert(value.name.clone(), format!(" = {}", value.value));
        }
    }
    told
}

/// Fields, with the members of unions instead of these.
fn flat(fields: &[Field]) -> Vec<&Field> {
    let mut found = Vec::new();
    for field in fields {
        match field.members.as_slice() {
            [] => found.push(field),
            members => found.extend(members),
        }
    }
    found
}

struct Book<'r> {
    changes: Changes,
    /// The identifiers of each source file, read when first asked for.
    words: Option<Vec<(&'r str, BTreeSet<String>)>>,
    rust: &'r [File],
    /// Structs that are arguments, before and now.
    args: [BTreeSet<&'r str>; 2],
    /// What is there now.
    told: BTreeMap<String, String>,
}

impl Book<'_> {
    fn headers(&mut self, old: &Schema, new: &Schema) {
        let lacks = |schema: &Schema, header: &Header| {
            let mut modules = schema.headers.iter().map(|h| &h.module);
            modules.all(|module| *module != header.module)
        };
        let line = |header: &Header| format!("header `{}`", header.module);
        let came = new.headers.iter().filter(|h| lacks(old, h)).map(line);
        self.changes.added.extend(came);
        let went = old.headers.iter().filter(|h| lacks(new, h)).map(line);
        self.changes.removed.extend(went);
    }

    fn all(&mut self, found: &Diff) {
        let said = found.changes.iter().filter(|c| !self.is_told(c));
        let said: Vec<&Change> = said.collect();
        for change in said {
            let name = change.name.as_str();
            let item = format!("{} `{name}`", change.kind.word());
            match change.what {
                What::Added => {
                    let more = self.told.get(name).map_or("", String::as_str);
                    // At the end is where things come.
                    let how = match change.class {
                        Class::Breaking => format!(", {}", change.note),
                        _ => String::new(),
                    };
                    self.changes.added.push(format!("{item}{more}{how}"));
                }
                What::Removed => {
                    self.look(&format!("{item} is gone"), &names_of(change));
                    self.changes.removed.push(item);
                }
                _ => {
                    let line = format!("{item}: {}", how(change));
                    if change.class == Class::Breaking || change.what == What::Renamed {
                        self.look(&line, &names_of(change));
                    }
                    self.changes.changed.push(line);
                }
            }
        }
    }

    /// Two layouts under one version are for a person to know of: they may as well be a mixture.
    fn version(&mut self, found: &Diff) {
        let breaking = found.changes.iter().filter(|c| c.class == Class::Breaking);
        let breaking = breaking.filter(|c| !c.header_gone).count();
        let (was, is) = (&found.old, &found.new);
        if breaking > 0 && (was.major, was.minor) == (is.major, is.minor) {
            let version = is.version();
            self.changes.look.push(format!(
                "these headers of {version} have another layout than those that were here ({breaking} breaking changes): make sure that both are upstream's, for plugins of both say {version}, and what differs is refused where their sizes do not tell which"
            ));
        }
    }

    /// Whether another line says it: the arguments of a function come and go with it, a struct has
    /// another size for its fields, and what a deleted header declared stays in the facts.
    fn is_told(&self, change: &Change) -> bool {
        let whole = matches!(change.kind, Kind::Struct | Kind::Extension);
        let [before, now] = &self.args;
        let args = before.contains(change.name.as_str()) || now.contains(change.name.as_str());
        match change.what {
            What::Added => whole && args,
            What::Removed => change.header_gone || (whole && args),
            What::Resized => whole && (change.class == Class::Appended || change.note.is_empty()),
            _ => false,
        }
    }

    /// Says who names one of these.
    fn look(&mut self, line: &str, names: &[&str]) {
        let wanted: Vec<String> = names.iter().flat_map(|n| spellings(n)).collect();
        let rust = self.rust;
        let words = self.words.get_or_insert_with(|| {
            let files = rust.iter();
            files
                .map(|(path, text)| (path.as_str(), idents(text)))
                .collect()
        });
        let readers: Vec<&str> = words
            .iter()
            .filter(|(_, words)| wanted.iter().any(|w| words.contains(w)))
            .map(|(path, _)| *path)
            .collect();
        if !readers.is_empty() {
            let line = format!("{line}: read by {}", readers.join(", "));
            self.changes.look.push(line);
        }
    }

    /// The comments of fields are no declarations, yet the generator goes by their marks.
    fn marks(&mut self, old: &Schema, new: &Schema) {
        fn structs(schema: &Schema) -> BTreeMap<&str, &Struct> {
            let all = schema.headers.iter().flat_map(|h| &h.structs);
            all.map(|s| (s.name.as_str(), s)).collect()
        }
        let before = structs(old);
        for (name, now) in structs(new) {
            let Some(was) = before.get(name) else {
                continue;
            };
            for field in flat(&now.fields) {
                let mut fields = flat(&was.fields).into_iter();
                let known = fields.find(|f| f.name == field.name);
                let marks = |f: &Field| (f.dir, f.optional);
                if known.is_some_and(|known| marks(known) != marks(field)) {
                    let line = format!("field `{name}.{}`: other marks in its comment", field.name);
                    self.look(&line, &[name]);
                    self.changes.changed.push(line);
                }
            }
        }
    }
}

/// Before and after, and why.
fn how(change: &Change) -> String {
    let values = change.values.as_ref();
    let values = values.map(|(before, after)| format!("`{after}`, was `{before}`"));
    let note = Some(change.note.to_owned()).filter(|note| !note.is_empty());
    let what = format!("{} {}", change.what.word(), values.unwrap_or_default());
    let parts = [Some(what.trim_end().to_owned()), note];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The names by which code reads what a change is about. Callers of a function go by the name of
/// its slot, wherever that is.
fn names_of(change: &Change) -> Vec<&str> {
    let name = change.name.as_str();
    let mut names = match (change.what, change.kind) {
        (What::Moved, Kind::Function | Kind::Slot) => Vec::new(),
        (_, Kind::Field | Kind::Slot) => vec![name.split_once('.').map_or(name, |(of, _)| of)],
        _ => vec![name],
    };
    if let (What::Renamed, Some((before, _))) = (change.what, &change.values) {
        names.push(before);
    }
    names
}

/// How Rust code may name a C item: the binding, the checked call and its structs.
fn spellings(name: &str) -> Vec<String> {
    let item = name.strip_suffix("_Args").unwrap_or(name);
    let ty = names::type_name(item);
    vec![
        name.to_owned(),
        names::call_name(item),
        format!("{ty}In"),
        format!("{ty}Out"),
    ]
}

fn idents(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Ok(tokens) = text.parse::<TokenStream>() {
        collect(tokens, &mut found);
    }
    found
}

fn collect(tokens: TokenStream, found: &mut BTreeSet<String>) {
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match tree {
            // What the macro makes follows by itself.
            TokenTree::Ident(ident) if ident == "generate" => {
                if matches!(trees.peek(), Some(TokenTree::Punct(p)) if p.as_char() == '!') {
                    trees.next();
                    trees.next();
                }
            }
            TokenTree::Ident(ident) => _ = found.insert(ident.to_string()),
            TokenTree::Group(group) => collect(group.stream(), found),
            _ => {}
        }
    }
}
