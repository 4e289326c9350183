//! Entries of tables of positional functions.

use super::{Loader, near::advice, owned, word};
use crate::model::Model;
use crate::overlay::tree::Node;
use crate::overlay::types::{Counting, VtableEntry};
use crate::overlay::vocabulary::Section;
use crate::schema::{Field, Slot, Struct, StructKind};
use std::collections::BTreeMap;

impl Loader<'_> {
    pub(super) fn vtable(&mut self, name: &str, node: &Node) -> Option<VtableEntry> {
        let found = self.facts.structs.get(name).copied();
        let Some(table) = found.filter(|s| s.kind == StructKind::Vtable) else {
            self.refuse(
                "O050",
                node,
                format!("no table of positional functions `{name}` in the facts"),
                "remove the entry or correct the name",
            );
            return None;
        };
        let mut good = self.keys(Section::Vtable, name, node, None);
        if !Model::is_versioned(table) {
            self.refuse(
                "O051",
                node,
                format!("{name} does not begin with its own size"),
                "nothing tells which of its slots are there: remove the entry",
            );
            good = false;
        }
        if let Some(object) = word(node, "object") {
            let known = self.facts.structs.get(object).copied();
            if !known.is_some_and(|object| is_object_of(object, table)) {
                self.refuse(
                    "O052",
                    node,
                    format!("`{object}` is no object of {name}"),
                    "an object is a struct of a pointer to the table, alone or before a `void*`",
                );
                good = false;
            }
        }
        let counting = match (word(node, "clone"), word(node, "drop")) {
            (Some(clone), Some(drop)) => {
                good &= self.slot(table, clone, node).is_some();
                good &= self.slot(table, drop, node).is_some();
                Some(Counting {
                    clone: clone.to_owned(),
                    drop: drop.to_owned(),
                })
            }
            (None, None) => None,
            _ => {
                self.refuse(
                    "O053",
                    node,
                    format!("{name}: `clone` and `drop` go together"),
                    "add the other one",
                );
                good = false;
                None
            }
        };
        let mut outputs = BTreeMap::new();
        for (slot, entry) in node.get("slot").map(Node::entries).unwrap_or_default() {
            match self.outputs(table, slot, entry) {
                Some(names) => _ = outputs.insert(slot.clone(), names),
                None => good = false,
            }
        }
        good.then(|| VtableEntry {
            object: owned(node, "object"),
            counting,
            outputs,
            why: owned(node, "why"),
        })
    }

    /// A slot that holds a function.
    fn slot<'t>(&mut self, table: &'t Struct, slot: &str, node: &Node) -> Option<&'t Field> {
        let functions = || {
            let slots = table.fields.iter();
            slots.filter(|f| f.slot == Some(Slot::Function) && f.signature.is_some())
        };
        let found = functions().find(|f| f.name == slot);
        if found.is_none() {
            let known: Vec<&str> = functions().map(|f| f.name.as_str()).collect();
            let otherwise = format!("its functions are {}", known.join(", "));
            self.refuse(
                "O054",
                node,
                format!("{} has no function `{slot}`", table.name),
                &advice(slot, &known, &otherwise),
            );
        }
        found
    }

    /// The parameters that a slot's function fills.
    fn outputs(&mut self, table: &Struct, slot: &str, node: &Node) -> Option<Vec<String>> {
        let what = format!("{}.{slot}", table.name);
        let field = self.slot(table, slot, node)?;
        if !self.keys(Section::Slot, &what, node, None) {
            return None;
        }
        let params = field.signature.as_ref().map(|s| s.params.as_slice())?;
        let names: Vec<String> = owned(node, "outputs")
            .split(", ")
            .map(str::to_owned)
            .collect();
        for name in &names {
            // The object is no output, nor is what cannot be written through.
            let mut others = params.iter().skip(1);
            let fits = others.any(|p| p.name == *name && is_filled(&p.ty));
            if !fits {
                let known: Vec<&str> = params.iter().map(|p| p.name.as_str()).collect();
                self.refuse(
                    "O055",
                    node,
                    format!("{what} fills no parameter `{name}`"),
                    &format!("its parameters are {}", known.join(", ")),
                );
                return None;
            }
        }
        Some(names)
    }
}

/// A pointer to something that is not const.
fn is_filled(ty: &str) -> bool {
    let inner = ty.strip_suffix('*');
    inner.is_some_and(|inner| inner.contains('*') || !inner.starts_with("const "))
}

/// Whether a struct is a pointer to the table, alone or before a pointer to what its functions take.
fn is_object_of(object: &Struct, table: &Struct) -> bool {
    let pointer = |f: &Field| f.ty.trim_start_matches("const ") == format!("{}*", table.name);
    match object.fields.as_slice() {
        [first] => pointer(first),
        [first, second] => pointer(first) && second.ty == "void*",
        _ => false,
    }
}
