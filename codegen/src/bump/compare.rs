//! What two sets of facts differ in, as lines for readers.

use crate::derived::File;
use crate::history::same_type;
use crate::lower::names;
use crate::model::HEADER_FIELDS;
use crate::schema::{Enum, Field, Function, Header, Schema, Signature, Struct, StructKind};
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
pub fn compare(old: &Schema, new: &Schema, rust: &[File]) -> Changes {
    let mut book = Book {
        changes: Changes::default(),
        words: None,
        rust,
    };
    let name = |h: &Header| h.module.clone();
    let pairs = sides(&old.headers, &new.headers, name);
    for (module, side) in &pairs {
        match side {
            (None, Some(_)) => book.add(format!("header `{module}`")),
            (Some(_), None) => book.remove(format!("header `{module}`")),
            _ => {}
        }
    }
    for (module, side) in &pairs {
        if let (Some(a), Some(b)) = side {
            book.version(module, a, b);
        }
    }
    let functions = |s: &Schema| all(s, |h| &h.functions);
    for (name, side) in sides(&functions(old), &functions(new), |f| f.name.clone()) {
        book.function(&name, side);
    }
    let structs = |s: &Schema| all(s, |h| &h.structs);
    for (name, side) in sides(&structs(old), &structs(new), |s| s.name.clone()) {
        book.structure(&name, side);
    }
    let enums = |s: &Schema| all(s, |h| &h.enums);
    for (name, side) in sides(&enums(old), &enums(new), |e| e.name.clone()) {
        book.enumeration(&name, side);
    }
    let callbacks = |s: &Schema| all(s, |h| &h.callbacks);
    for (name, side) in sides(&callbacks(old), &callbacks(new), |c| c.name.clone()) {
        match side {
            (None, Some(_)) => book.add(format!("callback `{name}`")),
            (Some(_), None) => book.gone("callback", &name),
            (Some(a), Some(b)) if !same_signature(&a.signature, &b.signature) => {
                book.change(format!("callback `{name}`: other types"), &[&name]);
            }
            _ => {}
        }
    }
    book.changes
}

type Side<'s, T> = (Option<&'s T>, Option<&'s T>);

/// Old and new by name; in the new order, what went last.
fn sides<'s, T>(
    old: &'s [T],
    new: &'s [T],
    name: impl Fn(&T) -> String,
) -> Vec<(String, Side<'s, T>)> {
    let before: BTreeMap<String, &T> = old.iter().map(|t| (name(t), t)).collect();
    let after: BTreeSet<String> = new.iter().map(&name).collect();
    let now = new
        .iter()
        .map(|t| (name(t), (before.get(&name(t)).copied(), Some(t))));
    let went = old.iter().filter(|t| !after.contains(&name(t)));
    let went = went.map(|t| (name(t), (Some(t), None)));
    now.chain(went).collect()
}

fn all<T: Clone>(schema: &Schema, part: impl Fn(&Header) -> &Vec<T>) -> Vec<T> {
    let headers = schema.headers.iter();
    headers.flat_map(|h| part(h).clone()).collect()
}

fn same_signature(a: &Signature, b: &Signature) -> bool {
    let params = a.params.iter().zip(&b.params);
    same_type(&a.returns, &b.returns)
        && a.params.len() == b.params.len()
        && params.into_iter().all(|(a, b)| same_type(&a.ty, &b.ty))
}

struct Book<'r> {
    changes: Changes,
    /// The identifiers of each source file, read when first asked for.
    words: Option<Vec<(&'r str, BTreeSet<String>)>>,
    rust: &'r [File],
}

impl<'r> Book<'r> {
    fn add(&mut self, line: String) {
        self.changes.added.push(line);
    }

    fn remove(&mut self, line: String) {
        self.changes.removed.push(line);
    }

    /// What went, and who still names it.
    fn gone(&mut self, what: &str, name: &str) {
        self.remove(format!("{what} `{name}`"));
        self.look(&format!("{what} `{name}` is gone"), &[name]);
    }

    /// A change, and who names one of these.
    fn change(&mut self, line: String, names: &[&str]) {
        self.look(&line, names);
        self.changes.changed.push(line);
    }

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

    fn version(&mut self, module: &str, a: &Header, b: &Header) {
        let version = |h: &Header| h.extension.as_ref().and_then(|e| e.version);
        if let (Some(a), Some(b)) = (version(a), version(b))
            && a != b
        {
            let line = format!("extension `{module}`: version {b}, was {a}");
            self.changes.changed.push(line);
        }
    }

    fn function(&mut self, name: &str, side: Side<'_, Function>) {
        match side {
            (None, Some(new)) => {
                let of = match new.table.as_str() {
                    "" => String::new(),
                    table => format!(" in `{table}`"),
                };
                self.add(format!("function `{name}`{of}"));
            }
            (Some(_), None) => self.gone("function", name),
            (Some(a), Some(b)) => {
                let moved = (&a.table, &a.slot, a.offset) != (&b.table, &b.slot, b.offset);
                if !same_signature(&a.signature, &b.signature) || a.args != b.args {
                    self.change(format!("function `{name}`: other types"), &[name]);
                } else if moved {
                    // Callers go by the slot's name.
                    let line = format!("function `{name}`: at another place of its table");
                    self.changes.changed.push(line);
                }
            }
            (None, None) => {}
        }
    }

    fn structure(&mut self, name: &str, side: Side<'_, Struct>) {
        match side {
            // The arguments of a function come and go with it.
            (None, Some(new)) if new.kind != StructKind::Args => {
                self.add(format!("struct `{name}`"));
            }
            (Some(old), None) if old.kind != StructKind::Args => self.gone("struct", name),
            (Some(old), Some(new)) => self.fields(name, old, new),
            _ => {}
        }
    }

    fn fields(&mut self, name: &str, old: &Struct, new: &Struct) {
        let (before, after) = (flat(&old.fields), flat(&new.fields));
        let mut appended = false;
        for (field, side) in sides(&before, &after, |f| f.name.clone()) {
            let whole = format!("{name}.{field}");
            match side {
                (None, Some(now)) => {
                    let behind =
                        now.offset >= old.size || before.iter().all(|f| f.offset < now.offset);
                    appended |= behind;
                    let how = if behind { "" } else { ", not at the end" };
                    // A slot that holds a function is told as that.
                    if now.slot != Some(crate::schema::Slot::Function) {
                        self.add(format!("field `{whole}`: `{}`{how}", now.ty));
                    }
                }
                (Some(_), None) => {
                    self.remove(format!("field `{whole}`"));
                    self.look(&format!("field `{whole}` is gone"), &[name]);
                }
                (Some(a), Some(b)) if !same_type(&a.ty, &b.ty) || a.size != b.size => {
                    let line = format!("field `{whole}`: `{}`, was `{}`", b.ty, a.ty);
                    self.change(line, &[name]);
                }
                (Some(a), Some(b)) if a.offset != b.offset => {
                    let line = format!("field `{whole}`: at {}, was {}", b.offset, a.offset);
                    self.change(line, &[name]);
                }
                (Some(a), Some(b)) if (a.dir, a.optional) != (b.dir, b.optional) => {
                    let line = format!("field `{whole}`: other marks in its comment");
                    self.change(line, &[name]);
                }
                _ => {}
            }
        }
        // Who has such structs in arrays counts on their size, unless they say it themselves.
        let sized = new
            .fields
            .first()
            .is_some_and(|f| HEADER_FIELDS.contains(&f.name.as_str()));
        if appended && !sized && new.kind == StructKind::Value {
            let line = format!("struct `{name}`: {} bytes, was {}", new.size, old.size);
            self.change(line, &[name]);
        }
    }

    fn enumeration(&mut self, name: &str, side: Side<'_, Enum>) {
        match side {
            (None, Some(_)) => self.add(format!("enum `{name}`")),
            (Some(_), None) => self.gone("enum", name),
            (Some(old), Some(new)) => {
                for (value, side) in sides(&old.values, &new.values, |v| v.name.clone()) {
                    match side {
                        (None, Some(v)) => self.add(format!("value `{value}` = {}", v.value)),
                        (Some(_), None) => self.gone("value", &value),
                        (Some(a), Some(b)) if a.value != b.value => {
                            let line = format!("value `{value}`: {}, was {}", b.value, a.value);
                            self.change(line, &[&value, name]);
                        }
                        _ => {}
                    }
                }
            }
            (None, None) => {}
        }
    }
}

/// Fields, with the members of unions instead of these.
fn flat(fields: &[Field]) -> Vec<Field> {
    let fields = fields.iter();
    let each = |f: &Field| match f.members.as_slice() {
        [] => vec![f.clone()],
        members => members.to_vec(),
    };
    fields.flat_map(each).collect()
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
