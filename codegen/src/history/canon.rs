//! A header's facts with the newest names, as the bodies that the history keeps.

use std::collections::{BTreeMap, BTreeSet};

use super::compat::words;
use super::renames::{Rename, Renames, What};
use super::types::{EnumBody, FieldBody, FunctionBody, Signature, StructBody};
use crate::schema::{self, Field, Header, StructKind};

/// What a header declares, by newest name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    pub(crate) structs: BTreeMap<String, StructBody>,
    pub(crate) enums: BTreeMap<String, EnumBody>,
    /// A function may be the type of several slots.
    pub(crate) functions: BTreeMap<String, Vec<FunctionBody>>,
    pub(crate) callbacks: BTreeMap<String, Signature>,
    /// Names that types are made of.
    pub(crate) words: BTreeSet<String>,
    /// Old names in use: the rule's index, the owner or nothing, and the newest name.
    pub(crate) old: BTreeSet<Old>,
}

/// A name that is still the old one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Old {
    pub(crate) rule: usize,
    pub(crate) owner: String,
    pub(crate) name: String,
}

const KINDS: [(StructKind, &str); 7] = [
    (StructKind::Args, "args"),
    (StructKind::CallbackArgs, "callback_args"),
    (StructKind::Api, "api"),
    (StructKind::ExtensionTable, "extension_table"),
    (StructKind::Vtable, "vtable"),
    (StructKind::Handle, "handle"),
    (StructKind::Value, "value"),
];

/// The word of the facts.
pub(crate) fn kind_word(kind: StructKind) -> &'static str {
    let found = KINDS.iter().find(|(known, _)| *known == kind);
    found.map_or("", |(_, word)| word)
}

pub(crate) fn declared(header: &Header, renames: &Renames) -> Declared {
    let mut canon = Canon {
        renames,
        out: Declared::default(),
    };
    for s in &header.structs {
        canon.structure(s);
    }
    for e in &header.enums {
        canon.enumeration(e);
    }
    for f in header.functions.iter().filter(|f| !f.table.is_empty()) {
        let name = canon.named(&f.name);
        let table = renames.name(&f.table);
        let slot = canon.field_name(&table, &f.slot);
        let body = FunctionBody {
            signature: canon.signature(&f.signature),
            args: f.args.as_deref().map(|args| renames.name(args)),
            table,
            slot,
        };
        canon.out.functions.entry(name).or_default().push(body);
    }
    for c in &header.callbacks {
        let name = canon.named(&c.name);
        let signature = canon.signature(&c.signature);
        canon.out.callbacks.insert(name, signature);
    }
    canon.out
}

struct Canon<'r> {
    renames: &'r Renames,
    out: Declared,
}

impl Canon<'_> {
    /// The newest name of a type or function that is declared here.
    fn named(&mut self, name: &str) -> String {
        let newest = self.renames.name(name);
        if newest != name {
            self.note_global("", name, &newest);
        }
        newest
    }

    /// A type with the newest names.
    fn ty(&mut self, ty: &str) -> String {
        let mut newest = String::with_capacity(ty.len());
        for word in words(ty) {
            let name = self.named(word);
            newest.push_str(&name);
            if name.len() > 1 && !self.out.words.contains(&name) {
                self.out.words.insert(name);
            }
        }
        newest
    }

    fn note_global(&mut self, owner: &str, name: &str, newest: &str) {
        let applies = |r: &Rename| match r.what {
            What::Type => r.from == name,
            What::Prefix => name.starts_with(r.from.as_str()),
            _ => false,
        };
        if let Some(rule) = self.renames.list.iter().position(applies) {
            self.note(rule, owner, newest);
        }
    }

    fn note(&mut self, rule: usize, owner: &str, newest: &str) {
        self.out.old.insert(Old {
            rule,
            owner: owner.to_string(),
            name: newest.to_string(),
        });
    }

    fn rule(&self, wanted: &Rename) -> usize {
        let mut rules = self.renames.list.iter();
        rules.position(|r| r == wanted).unwrap_or(usize::MAX)
    }

    fn field_name(&mut self, of: &str, name: &str) -> String {
        match self.renames.field(of, name) {
            Some(rename) => {
                self.note(self.rule(rename), of, &rename.to);
                rename.to.clone()
            }
            None => name.to_string(),
        }
    }

    fn signature(&mut self, signature: &schema::Signature) -> Signature {
        let params = signature.params.iter().map(|p| p.ty.as_str());
        let all = std::iter::once(signature.returns.as_str()).chain(params);
        Signature(all.map(|ty| self.ty(ty)).collect())
    }

    fn structure(&mut self, s: &schema::Struct) {
        let name = self.named(&s.name);
        let mut fields = Vec::new();
        for field in &s.fields {
            self.field(&name, field, &mut fields);
        }
        if s.kind == StructKind::ExtensionTable {
            self.embed(&name, &mut fields);
        }
        let body = StructBody {
            kind: kind_word(s.kind).to_string(),
            size: s.size,
            struct_size: s.struct_size,
            fields,
        };
        self.out.structs.insert(name, body);
    }

    fn field(&mut self, of: &str, field: &Field, fields: &mut Vec<FieldBody>) {
        for member in &field.members {
            self.field(of, member, fields);
        }
        if field.name.is_empty() {
            return;
        }
        let name = self.field_name(of, &field.name);
        fields.push(FieldBody {
            name,
            ty: self.ty(&field.ty),
            offset: field.offset,
            size: field.size,
        });
    }

    /// The first fields that became one.
    fn embed(&mut self, of: &str, fields: &mut Vec<FieldBody>) {
        let renames = self.renames;
        for (index, rule) in renames.list.iter().enumerate() {
            if rule.what != What::Embedded || !rule.is_of(of) {
                continue;
            }
            let wanted: Vec<&str> = rule.from.split(',').map(str::trim).collect();
            let names = fields.iter().map(|f| f.name.as_str());
            if fields.len() <= wanted.len() || !names.take(wanted.len()).eq(wanted.iter().copied())
            {
                continue;
            }
            let rest = fields.split_off(wanted.len());
            let end = fields.last().map_or(0, |f| f.offset.saturating_add(f.size));
            *fields = vec![FieldBody {
                name: rule.to.clone(),
                ty: rule.ty.clone(),
                offset: 0,
                size: end,
            }];
            fields.extend(rest);
            self.note(index, of, &rule.to);
        }
    }

    fn enumeration(&mut self, e: &schema::Enum) {
        let name = self.named(&e.name);
        let mut values = Vec::new();
        for value in &e.values {
            let newest = match self.renames.value(&name, &value.name) {
                Some(rename) => {
                    self.note(self.rule(rename), &name, &rename.to);
                    rename.to.clone()
                }
                None => {
                    let newest = self.renames.name(&value.name);
                    if newest != value.name {
                        self.note_global(&name, &value.name, &newest);
                    }
                    newest
                }
            };
            values.push((newest, value.value));
        }
        self.out.enums.insert(
            name,
            EnumBody {
                size: e.size,
                values,
            },
        );
    }
}
