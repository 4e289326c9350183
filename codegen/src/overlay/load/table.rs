//! Entries of tables that an extension points at.

use super::{Loader, owned, word};
use crate::model::points_at;
use crate::overlay::tree::{Node, Tree};
use crate::overlay::types::{SupportEntry, TableEntry};
use crate::overlay::vocabulary::Section;
use crate::schema::StructKind;

impl Loader<'_> {
    /// An entry of a table that the facts have.
    pub(super) fn support(&mut self, name: &str, node: &Node) -> Option<SupportEntry> {
        let found = self.facts.structs.get(name);
        if found.is_none_or(|s| s.kind != StructKind::Api) {
            self.refuse(
                "O036",
                node,
                format!("no table of functions `{name}` in the facts"),
                "remove the entry or correct the name",
            );
            return None;
        }
        self.support_of(name, node)
    }

    /// An entry of any table.
    pub(super) fn support_of(&mut self, name: &str, node: &Node) -> Option<SupportEntry> {
        if !self.keys(Section::Support, name, node, None) {
            return None;
        }
        let oldest = match node.get("oldest").map(|n| &n.tree) {
            Some(Tree::Int(number)) => u32::try_from(*number).ok()?,
            _ => return None,
        };
        Some(SupportEntry {
            oldest,
            why: owned(node, "why"),
        })
    }

    pub(super) fn table(&mut self, name: &str, node: &Node) -> Option<TableEntry> {
        let found = self.facts.structs.get(name).copied();
        let Some(structure) = found.filter(|s| s.kind == StructKind::Api) else {
            self.refuse(
                "O035",
                node,
                format!("no table of functions `{name}` in the facts"),
                "remove the entry or correct the name",
            );
            return None;
        };
        if !self.keys(Section::Table, name, node, Some(structure)) {
            return None;
        }
        let entry = TableEntry {
            via: owned(node, "via"),
            error: owned(node, "error"),
            message: owned(node, "error_message"),
            code: owned(node, "error_code"),
            destroy: owned(node, "error_destroy"),
            reserved: word(node, "reserved").map(str::to_owned),
            why: owned(node, "why"),
        };
        let pointers = self.facts.structs.values().flat_map(|table| &table.fields);
        let pointers: Vec<&str> = pointers
            .filter(|field| points_at(field, name))
            .map(|field| field.name.as_str())
            .collect();
        if pointers.iter().filter(|via| **via == entry.via).count() != 1 {
            let help = match pointers.as_slice() {
                [] => "no slot of the facts points at it".to_owned(),
                some => format!("the slots that point at it are {}", some.join(", ")),
            };
            self.refuse(
                "O033",
                node,
                format!(
                    "{name}: `via` must be the one slot that points at it, found `{}`",
                    entry.via
                ),
                &help,
            );
            return None;
        }
        for function in entry.error_functions() {
            let own = self.facts.functions.get(function);
            if own.is_none_or(|f| f.table != name) {
                self.refuse(
                    "O034",
                    node,
                    format!("{name}: `{function}` is not one of its functions"),
                    "its errors are read and freed by functions of its own",
                );
                return None;
            }
        }
        Some(entry)
    }
}
