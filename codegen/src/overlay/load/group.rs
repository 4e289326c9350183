//! Entries of plain structs whose fields become parameters.

use super::Loader;
use crate::overlay::tree::Node;
use crate::overlay::types::GroupEntry;
use crate::overlay::vocabulary::Section;
use crate::schema::StructKind;

impl Loader<'_> {
    pub(super) fn group(&mut self, name: &str, node: &Node) -> Option<GroupEntry> {
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
        let good = self.keys(Section::Group, name, node, Some(structure));
        let fields = self.fields(name, node, Some(structure));
        good.then_some(GroupEntry { fields })
    }
}
