//! From two sets of declarations to the list of changes.

use std::collections::BTreeSet;

use super::names;
use super::since::Since;
use super::types::*;
use super::view::{Of, View};
use crate::history::compat::{same_prefix, same_signature, same_type};
use crate::history::{EnumBody, FieldBody, FunctionBody, History, StructBody};
use crate::model::{API_TABLE, HEADER_FIELDS};

/// Why a change has its class.
const AT_END: &str = "at the end";
const INSIDE: &str = "not at the end";
const WITH_TABLE: &str = "with its table";
const UNSIZED: &str = "the struct does not state its size";
const BELOW: &str = "below another value's number";
const SAME_CALL: &str = "used as before";
const SIZES_ONLY: &str = "the fields are the same";

pub(super) struct Compare<'v, 'a> {
    history: &'a History,
    old: &'v View<'a>,
    new: &'v View<'a>,
    /// Slots of the old and of the new tables that hold a function.
    held: [BTreeSet<(&'a str, &'a str)>; 2],
    changes: Vec<Change>,
}

impl<'v, 'a> Compare<'v, 'a> {
    pub(super) fn changes(
        history: &'a History,
        old: &'v View<'a>,
        new: &'v View<'a>,
    ) -> Vec<Change> {
        let held = [old, new].map(|view| {
            let functions = view.functions.values();
            functions
                .map(|(_, f)| (f.table.as_str(), f.slot.as_str()))
                .collect()
        });
        let mut compare = Self {
            history,
            old,
            new,
            held,
            changes: Vec::new(),
        };
        compare.functions();
        compare.structs();
        compare.enums();
        compare.callbacks();
        compare.versions();
        compare.changes.extend(names::renamed(history, old, new));
        let mut changes = compare.changes;
        changes.sort_by(|a, b| {
            let key = |c: &Change| (c.what, c.module != "core", c.module.clone(), c.kind);
            (key(a), &a.name).cmp(&(key(b), &b.name))
        });
        changes
    }

    fn push(&mut self, what: What, kind: Kind, name: &str, module: &str, class: Class) {
        self.changes.push(Change {
            what,
            kind,
            name: name.to_string(),
            module: module.to_string(),
            since: self.history.first(kind, name),
            class,
            values: None,
            note: "",
            header_gone: what == What::Removed && !self.new.modules.contains_key(module),
            functions: Vec::new(),
            methods: Vec::new(),
        });
    }

    /// Says more of the last change.
    fn because(&mut self, note: &'static str) {
        if let Some(last) = self.changes.last_mut() {
            last.note = note;
        }
    }

    fn values(&mut self, before: impl ToString, after: impl ToString) {
        if let Some(last) = self.changes.last_mut() {
            last.values = Some((before.to_string(), after.to_string()));
        }
    }

    fn functions(&mut self) {
        let (old, new) = (self.old, self.new);
        for (name, (module, function)) in &old.functions {
            if !new.functions.contains_key(name) {
                self.push(What::Removed, of(function), name, module, Class::Breaking);
            }
        }
        for (name, (module, function)) in &new.functions {
            match old.functions.get(name) {
                None => {
                    let (class, note) = self.place(&function.table, new.offset(function));
                    self.push(What::Added, of(function), name, module, class);
                    self.because(note);
                }
                Some((_, before)) => self.function(name, module, before, function),
            }
        }
    }

    /// What it means for a table that something is new at an offset.
    fn place(&self, table: &str, offset: Option<u64>) -> (Class, &'static str) {
        let Some((_, before)) = self.old.structs.get(table) else {
            return (Class::Compatible, WITH_TABLE);
        };
        match offset {
            Some(offset) if offset >= end(before) => (Class::Appended, AT_END),
            _ => (Class::Breaking, INSIDE),
        }
    }

    fn function(&mut self, name: &str, module: &str, old: &FunctionBody, new: &FunctionBody) {
        let places = (self.old.offset(old), self.new.offset(new));
        if old.table != new.table || places.0 != places.1 {
            self.push(What::Moved, of(new), name, module, Class::Breaking);
            let place = |f: &FunctionBody, at: Option<u64>| {
                let at = at.map_or("?".to_string(), |at| at.to_string());
                match old.table == new.table {
                    true => at,
                    false => format!("{}+{at}", f.table),
                }
            };
            self.values(place(old, places.0), place(new, places.1));
        }
        if old.signature != new.signature {
            let same = same_signature(&old.signature, &new.signature);
            self.push(What::Changed, of(new), name, module, unless(same));
            self.values(spelt(&old.signature.0), spelt(&new.signature.0));
            self.because(if same { SAME_CALL } else { "" });
        }
    }

    fn structs(&mut self) {
        let (old, new) = (self.old, self.new);
        for (name, (module, body)) in &old.structs {
            if !new.structs.contains_key(name) {
                self.push(
                    What::Removed,
                    of_struct(body),
                    name,
                    module,
                    Class::Breaking,
                );
            }
        }
        for (name, (module, body)) in &new.structs {
            match old.structs.get(name) {
                None => self.push(
                    What::Added,
                    of_struct(body),
                    name,
                    module,
                    Class::Compatible,
                ),
                Some((_, before)) => self.structure(name, module, before, body),
            }
        }
    }

    fn structure(&mut self, name: &str, module: &str, old: &'a StructBody, new: &'a StructBody) {
        let table = is_table(old) || is_table(new);
        let [held_old, held_new] = &self.held;
        let gone: Vec<&FieldBody> = old
            .fields
            .iter()
            .filter(|f| !held_old.contains(&(name, f.name.as_str())))
            .filter(|f| new.fields.iter().all(|other| other.name != f.name))
            .collect();
        let there: Vec<(&FieldBody, Option<&FieldBody>)> = new
            .fields
            .iter()
            .map(|f| (f, old.fields.iter().find(|other| other.name == f.name)))
            .filter(|(f, before)| {
                let slot = (name, f.name.as_str());
                // Its function says it, unless only one side has one.
                let held = [held_old.contains(&slot), held_new.contains(&slot)];
                match before {
                    None => !held[1],
                    Some(_) => held == [false, false],
                }
            })
            .collect();
        let kind = |field: &FieldBody| match table && !is_head(&field.name) {
            true => Kind::Slot,
            false => Kind::Field,
        };
        for field in gone {
            let full = format!("{name}.{}", field.name);
            self.push(What::Removed, kind(field), &full, module, Class::Breaking);
        }
        for (field, before) in there {
            let full = format!("{name}.{}", field.name);
            let Some(before) = before else {
                let class = match (field.offset >= end(old), is_sized(old)) {
                    (true, true) => (Class::Appended, AT_END),
                    (true, false) => (Class::Breaking, UNSIZED),
                    (false, _) => (Class::Breaking, INSIDE),
                };
                self.push(What::Added, kind(field), &full, module, class.0);
                self.because(class.1);
                continue;
            };
            if field.offset != before.offset {
                self.push(What::Moved, kind(field), &full, module, Class::Breaking);
                self.values(before.offset, field.offset);
            }
            if field.size != before.size {
                self.push(What::Resized, kind(field), &full, module, Class::Breaking);
                self.values(before.size, field.size);
            }
            if field.ty != before.ty {
                let same = same_type(&field.ty, &before.ty);
                self.push(What::Changed, kind(field), &full, module, unless(same));
                self.values(&before.ty, &field.ty);
                self.because(if same { SAME_CALL } else { "" });
            }
        }
        if (old.size, old.struct_size) != (new.size, new.struct_size) {
            let (class, note) = resized(old, new);
            self.push(What::Resized, of_struct(new), name, module, class);
            self.because(note);
            match old.size == new.size {
                false => self.values(old.size, new.size),
                true => {
                    let own = |s: &StructBody| {
                        let size = s.struct_size.map_or("none".to_string(), |n| n.to_string());
                        format!("STRUCT_SIZE {size}")
                    };
                    self.values(own(old), own(new));
                }
            }
        }
    }

    fn enums(&mut self) {
        let (old, new) = (self.old, self.new);
        for (name, (module, _)) in &old.enums {
            if !new.enums.contains_key(name) {
                self.push(What::Removed, Kind::Enum, name, module, Class::Breaking);
            }
        }
        for (name, (module, body)) in &new.enums {
            match old.enums.get(name) {
                None => self.push(What::Added, Kind::Enum, name, module, Class::Compatible),
                Some((_, before)) => self.enumeration(name, module, before, body),
            }
        }
    }

    fn enumeration(&mut self, of: &str, module: &str, old: &EnumBody, new: &EnumBody) {
        let top = old.values.iter().map(|(_, number)| *number).max();
        for (name, _) in &old.values {
            if new.values.iter().all(|(other, _)| other != name) {
                self.push(What::Removed, Kind::Value, name, module, Class::Breaking);
            }
        }
        for (name, number) in &new.values {
            match old.values.iter().find(|(other, _)| other == name) {
                None => {
                    let last = top.is_none_or(|top| *number > top);
                    let (class, note) = match last {
                        true => (Class::Appended, AT_END),
                        false if old.values.iter().any(|(_, n)| n == number) => {
                            (Class::Breaking, "its number was another value's")
                        }
                        false => (Class::Compatible, BELOW),
                    };
                    self.push(What::Added, Kind::Value, name, module, class);
                    self.because(note);
                }
                Some((_, before)) if before != number => {
                    self.push(What::Moved, Kind::Value, name, module, Class::Breaking);
                    self.values(before, number);
                }
                Some(_) => {}
            }
        }
        if old.size != new.size {
            self.push(What::Resized, Kind::Enum, of, module, Class::Breaking);
            self.values(old.size, new.size);
        }
    }

    fn callbacks(&mut self) {
        let (old, new) = (self.old, self.new);
        for (name, (module, _)) in &old.callbacks {
            if !new.callbacks.contains_key(name) {
                self.push(What::Removed, Kind::Callback, name, module, Class::Breaking);
            }
        }
        for (name, (module, body)) in &new.callbacks {
            let Some((_, before)) = old.callbacks.get(name) else {
                self.push(What::Added, Kind::Callback, name, module, Class::Compatible);
                continue;
            };
            if before != body {
                let same = same_signature(before, body);
                self.push(What::Changed, Kind::Callback, name, module, unless(same));
                self.values(spelt(&before.0), spelt(&body.0));
                self.because(if same { SAME_CALL } else { "" });
            }
        }
    }

    /// The versions that extensions state of themselves.
    fn versions(&mut self) {
        let (old, new) = (self.old, self.new);
        for (module, version) in &new.modules {
            let Some(before) = old.modules.get(module).filter(|before| *before != version) else {
                continue;
            };
            let table = |(name, (of, body)): (&&'a str, &Of<'a, StructBody>)| {
                (of == module && of_struct(body) == Kind::Extension).then_some(*name)
            };
            let Some(name) = new.structs.iter().find_map(table) else {
                continue;
            };
            let text =
                |v: &Option<u32>| v.map_or("no version".to_string(), |v| format!("version {v}"));
            self.push(
                What::Changed,
                Kind::Extension,
                name,
                module,
                Class::Compatible,
            );
            self.values(text(before), text(version));
        }
    }
}

/// What growing or shrinking means for a struct.
fn resized(old: &StructBody, new: &StructBody) -> (Class, &'static str) {
    let fields = (old.fields.len(), new.fields.len());
    match same_prefix(old, new) {
        true if fields.0 == fields.1 => (Class::Compatible, SIZES_ONLY),
        true if fields.0 < fields.1 && is_sized(old) => (Class::Appended, AT_END),
        true if fields.0 < fields.1 => (Class::Breaking, UNSIZED),
        _ => (Class::Breaking, ""),
    }
}

fn unless(same: bool) -> Class {
    match same {
        true => Class::Compatible,
        false => Class::Breaking,
    }
}

fn end(of: &StructBody) -> u64 {
    let ends = of.fields.iter().map(|f| f.offset.saturating_add(f.size));
    ends.max().unwrap_or(0)
}

pub(super) fn of(function: &FunctionBody) -> Kind {
    match function.table == API_TABLE {
        true => Kind::Function,
        false => Kind::Slot,
    }
}

pub(super) fn of_struct(of: &StructBody) -> Kind {
    match of.kind == "extension_table" {
        true => Kind::Extension,
        false => Kind::Struct,
    }
}

pub(super) fn is_table(of: &StructBody) -> bool {
    ["api", "extension_table", "vtable"].contains(&of.kind.as_str())
}

/// What begins a table or an argument and is filled by the generated code.
pub(super) fn is_head(field: &str) -> bool {
    HEADER_FIELDS.contains(&field) || field == "base"
}

/// Who reads it knows how much of it is there: it begins with its size, or it is an object's table,
/// whose slots follow from the version.
fn is_sized(of: &StructBody) -> bool {
    of.kind == "vtable" || of.fields.first().is_some_and(|f| is_head(&f.name))
}

fn spelt(types: &[String]) -> String {
    match types.split_first() {
        Some((returns, params)) => format!("{returns}({})", params.join(", ")),
        None => String::new(),
    }
}
