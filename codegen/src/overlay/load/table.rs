//! Entries of tables that an extension points at.

use super::{Loader, owned, word};
use crate::model::points_at;
use crate::overlay::tree::Node;
use crate::overlay::types::TableEntry;
use crate::overlay::vocabulary::Section;
use crate::schema::StructKind;

impl Loader<'_> {
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
        if !self.keys(Section::Table, name, node, Some(structure), &[]) {
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
