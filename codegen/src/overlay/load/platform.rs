//! Entries of platforms and of the options that their clients are created with.

use super::{Loader, is_identifier, owned, word};
use crate::overlay::tree::{Node, Tree};
use crate::overlay::types::{OptionEntry, PlatformEntry};
use crate::overlay::vocabulary::Section;
use std::collections::BTreeMap;

impl Loader<'_> {
    pub(super) fn platform(&mut self, name: &str, node: &Node) -> Option<PlatformEntry> {
        let good = self.keys(Section::Platform, name, node, None);
        let mut options = BTreeMap::new();
        for (option, entry) in node.get("option").map(Node::entries).unwrap_or_default() {
            if let Some(value) = self.option(&format!("{name}.{option}"), option, entry) {
                options.insert(option.clone(), value);
            }
        }
        good.then(|| PlatformEntry {
            rust: owned(node, "rust"),
            library: owned(node, "library"),
            attribute: word(node, "attribute").map(str::to_owned),
            sends_unlisted: word(node, "unlisted") == Some("sent"),
            doc: owned(node, "doc"),
            options,
        })
    }

    fn option(&mut self, what: &str, name: &str, node: &Node) -> Option<OptionEntry> {
        if !self.keys(Section::Option, what, node, None) {
            return None;
        }
        let limit = |key: &str| match node.get(key).map(|n| &n.tree) {
            Some(Tree::Int(number)) => Some(*number),
            _ => None,
        };
        let (least, most) = (limit("least"), limit("most"));
        let ty = owned(node, "type");
        if (least.is_some() || most.is_some()) && ty != "int64" {
            self.refuse(
                "O038",
                node,
                format!("{what}: limits on something that is no number"),
                "`least` and `most` go with `type = \"int64\"`",
            );
            return None;
        }
        let method = word(node, "rename").unwrap_or(name);
        if !is_identifier(method) {
            self.refuse(
                "O037",
                node,
                format!("{what}: `{method}` is no name of a Rust method"),
                "give one as `rename`",
            );
            return None;
        }
        Some(OptionEntry {
            method: method.to_owned(),
            ty,
            least,
            most,
            default: owned(node, "default"),
            plugins: owned(node, "plugins"),
            doc: owned(node, "doc"),
        })
    }
}
