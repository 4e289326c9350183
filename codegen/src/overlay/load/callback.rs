//! Entries of functions that plugins call.

use super::{Loader, owned, word};
use crate::overlay::tree::Node;
use crate::overlay::types::{CallbackEntry, ParamEntry};
use crate::overlay::vocabulary::Section;
use crate::schema::Callback;
use std::collections::BTreeMap;

impl Loader<'_> {
    pub(super) fn callback(&mut self, name: &str, node: &Node) -> Option<CallbackEntry> {
        let Some(fact) = self.facts.callbacks.get(name).copied() else {
            self.refuse(
                "O027",
                node,
                format!("no callback `{name}` in the facts"),
                "remove the entry or correct the name",
            );
            return None;
        };
        let mut good = self.keys(Section::Callback, name, node, None);
        let mut params = BTreeMap::new();
        for (param, entry) in node.get("param").map(Node::entries).unwrap_or_default() {
            let what = format!("{name}.{param}");
            if !self.param(fact, param, entry) || !self.keys(Section::Param, &what, entry, None) {
                good = false;
                continue;
            }
            if let Some(len) = word(entry, "len") {
                good &= self.param(fact, len, entry);
            }
            params.insert(
                param.clone(),
                ParamEntry {
                    len: word(entry, "len").map(str::to_owned),
                    bytes: word(entry, "text") == Some("bytes"),
                },
            );
        }
        if let Some(user_data) = word(node, "user_data") {
            good &= self.param(fact, user_data, node);
        }
        good.then(|| CallbackEntry {
            user_data: owned(node, "user_data"),
            why: owned(node, "why"),
            params,
        })
    }

    /// Whether a callback has the parameter.
    fn param(&mut self, fact: &Callback, param: &str, node: &Node) -> bool {
        let params = &fact.signature.params;
        let known = params.iter().any(|p| p.name == param);
        if !known {
            let names: Vec<&str> = params.iter().map(|p| p.name.as_str()).collect();
            self.refuse(
                "O028",
                node,
                format!("{} has no parameter `{param}`", fact.name),
                &format!("its parameters are {}", names.join(", ")),
            );
        }
        known
    }
}
