//! Entries of plain structs.

use super::{Loader, owned, word};
use crate::lower::ctype::CType;
use crate::overlay::tree::Node;
use crate::overlay::types::{MemberEntry, ValueEntry};
use crate::overlay::vocabulary::Section;
use crate::schema::{Field, Struct, StructKind};
use std::collections::BTreeMap;

impl Loader<'_> {
    pub(super) fn value(&mut self, name: &str, node: &Node) -> Option<ValueEntry> {
        let found = self.facts.structs.get(name).copied();
        let Some(structure) = found.filter(|s| s.kind == StructKind::Value) else {
            self.refuse(
                "O026",
                node,
                format!("no plain struct `{name}` in the facts"),
                "remove the entry or correct the name",
            );
            return None;
        };
        let good = self.keys(Section::Value, name, node, Some(structure));
        let mut fields = BTreeMap::new();
        for (field, entry) in node.get("field").map(Node::entries).unwrap_or_default() {
            if let Some(value) = self.member(structure, field, entry) {
                fields.insert(field.clone(), value);
            }
        }
        good.then(|| ValueEntry {
            rust: owned(node, "rust"),
            doc: owned(node, "doc"),
            fields,
        })
    }

    fn member(&mut self, structure: &Struct, field: &str, node: &Node) -> Option<MemberEntry> {
        let what = format!("{}.{field}", structure.name);
        let Some(fact) = structure.fields.iter().find(|f| f.name == *field) else {
            let known: Vec<&str> = structure.fields.iter().map(|f| f.name.as_str()).collect();
            self.refuse(
                "O023",
                node,
                format!("{} has no field `{field}`", structure.name),
                &format!("its fields are {}", known.join(", ")),
            );
            return None;
        };
        if !self.keys(Section::Member, &what, node, Some(structure)) {
            return None;
        }
        if word(node, "len").is_some() && !is_array(fact) {
            self.refuse(
                "O030",
                node,
                format!("{what}: `len` on something that is no array"),
                &format!("the facts say its type is `{}`", fact.ty),
            );
            return None;
        }
        Some(MemberEntry {
            len: word(node, "len").map(str::to_owned),
            rename: word(node, "rename").map(str::to_owned),
            enumeration: word(node, "enum").map(str::to_owned),
            doc: word(node, "doc").map(str::to_owned),
        })
    }
}

fn is_array(field: &Field) -> bool {
    matches!(CType::of_field(field), Some(CType::Array(..)))
}
