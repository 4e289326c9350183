//! The facts under other names.

use super::words::Renaming;
use pjrt_codegen::schema::{Field, Header, Schema, Signature};
use std::collections::BTreeSet;

/// All names that the facts declare.
pub fn names(facts: &Schema) -> BTreeSet<&str> {
    fn fields<'a>(these: &'a [Field], all: &mut Vec<&'a String>) {
        for field in these {
            all.push(&field.name);
            fields(&field.members, all);
        }
    }
    let mut all = Vec::new();
    for header in &facts.headers {
        all.push(&header.module);
        all.extend(header.extension.as_ref().map(|e| &e.name));
        for item in &header.structs {
            fields(&item.fields, &mut all);
        }
        let values = header.enums.iter().flat_map(|e| &e.values);
        all.extend(values.map(|v| &v.name));
        all.extend(header.functions.iter().map(|f| &f.slot));
    }
    let all = all.into_iter().map(String::as_str);
    all.filter(|name| !name.is_empty())
        .chain(types(facts))
        .collect()
}

/// Names that may stand in the spelling of a type.
fn types(facts: &Schema) -> BTreeSet<&str> {
    let mut all: Vec<&String> = Vec::new();
    for header in &facts.headers {
        all.extend(header.opaques.iter().map(|o| &o.name));
        all.extend(header.aliases.iter().map(|a| &a.name));
        all.extend(header.enums.iter().map(|e| &e.name));
        all.extend(header.structs.iter().flat_map(|s| [&s.name, &s.tag]));
        all.extend(header.callbacks.iter().map(|c| &c.name));
        all.extend(header.functions.iter().map(|f| &f.name));
    }
    let all = all.into_iter().map(String::as_str);
    all.filter(|name| !name.is_empty()).collect()
}

/// The facts with every name replaced.
pub fn rename(facts: &Schema, to: &Renaming) -> Schema {
    let mut other = facts.clone();
    let scope = Scope {
        types: types(facts),
        to,
    };
    for header in &mut other.headers {
        scope.header(header);
    }
    other
}

struct Scope<'a> {
    types: BTreeSet<&'a str>,
    to: &'a Renaming,
}

impl Scope<'_> {
    fn name(&self, name: &mut String) {
        *name = self.to.name(name);
    }

    /// The names of ours in the spelling of a type.
    fn ty(&self, ty: &mut String) {
        let mut text = String::new();
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let mut rest = ty.as_str();
        while let Some(first) = rest.chars().next() {
            let end = match part(first) {
                true => rest.find(|c| !part(c)).unwrap_or(rest.len()),
                false => first.len_utf8(),
            };
            let (word, others) = rest.split_at(end);
            text.push_str(&match self.types.contains(word) {
                true => self.to.name(word),
                false => word.to_owned(),
            });
            rest = others;
        }
        *ty = text;
    }

    fn signature(&self, signature: &mut Signature) {
        self.ty(&mut signature.returns);
        for param in &mut signature.params {
            self.name(&mut param.name);
            self.ty(&mut param.ty);
        }
    }

    fn field(&self, field: &mut Field) {
        self.name(&mut field.name);
        self.name(&mut field.tag);
        self.ty(&mut field.ty);
        if let Some(signature) = &mut field.signature {
            self.signature(signature);
        }
        for member in &mut field.members {
            self.field(member);
        }
    }

    fn header(&self, header: &mut Header) {
        self.name(&mut header.module);
        for module in &mut header.uses {
            self.name(module);
        }
        if let Some(extension) = &mut header.extension {
            self.name(&mut extension.name);
            self.name(&mut extension.table);
        }
        for item in &mut header.macros {
            self.name(&mut item.name);
        }
        for item in &mut header.opaques {
            self.name(&mut item.name);
        }
        for item in &mut header.aliases {
            self.name(&mut item.name);
            self.ty(&mut item.ty);
        }
        for item in &mut header.enums {
            self.name(&mut item.name);
            for value in &mut item.values {
                self.name(&mut value.name);
            }
        }
        for item in &mut header.structs {
            self.name(&mut item.name);
            self.name(&mut item.tag);
            for field in &mut item.fields {
                self.field(field);
            }
        }
        for item in &mut header.callbacks {
            self.name(&mut item.name);
            self.signature(&mut item.signature);
        }
        for item in &mut header.functions {
            self.name(&mut item.name);
            self.name(&mut item.table);
            self.name(&mut item.slot);
            self.signature(&mut item.signature);
            if let Some(args) = &mut item.args {
                self.name(args);
            }
        }
    }
}
