//! Rules that span entries: names that two have, receivers that none has.

use super::super::UPSTREAM;
use super::super::tree::Node;
use super::super::types::Overlay;
use super::Loader;
use std::collections::BTreeMap;

impl Loader<'_> {
    /// Rules that span entries.
    pub(super) fn cross_check(&mut self, tree: &Node, overlay: &Overlay) {
        // A vendor's types stand in another crate than upstream's.
        let mut names: BTreeMap<(bool, &str), &str> = BTreeMap::new();
        let rust_names = overlay.handles.iter().map(|(c, h)| (c, &h.rust));
        let rust_names = rust_names.chain(overlay.enums.iter().map(|(c, e)| (c, &e.rust)));
        let rust_names = rust_names.chain(overlay.values.iter().map(|(c, v)| (c, &v.rust)));
        for (c, rust) in rust_names.chain(overlay.extensions.iter().map(|(c, e)| (c, &e.rust))) {
            let sections = ["handle", "enum", "value", "extension"];
            let node = sections.iter().find_map(|s| tree.get(s)?.get(c));
            let file = node.and_then(|n| self.files.get(n.file));
            let upstream = file.is_some_and(|f| f == UPSTREAM);
            if let Some(other) = names.insert((upstream, rust), c)
                && let Some(node) = node
            {
                self.refuse(
                    "O040",
                    node,
                    format!("`{c}` and `{other}` are both called `{rust}`"),
                    "give one of them another `rust` name",
                );
            }
        }
        for (name, function) in &overlay.functions {
            let Some(node) = tree.get("function").and_then(|f| f.get(name)) else {
                continue;
            };
            if let Some(on) = function
                .on
                .as_deref()
                .filter(|on| *on != "none" && !overlay.handles.contains_key(*on))
            {
                self.refuse(
                    "O041",
                    node,
                    format!("{name}: the receiver `{on}` has no [handle] entry"),
                    "add the entry or correct `on`",
                );
            }
        }
    }
}
