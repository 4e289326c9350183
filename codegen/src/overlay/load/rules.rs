//! Rules on entries beyond their keys, and advice on names.

use super::{Loader, near::advice};
use crate::overlay::tree::{Node, Tree};
use crate::overlay::types::{FieldEntry, Overlay, Safe};
use crate::overlay::vocabulary::{Key, Kind};
use crate::schema::{Direction, Field, Struct};

impl Loader<'_> {
    /// Keys that mean something only for what goes in, or only for what comes out.
    pub(super) fn against_direction(
        &mut self,
        what: &str,
        node: &Node,
        fact: &Field,
        entry: &FieldEntry,
    ) {
        const IN: &[&str] = &[
            "optional",
            "same",
            "index_below",
            "once_per_value",
            "user_data",
            "keyed_by",
            "reserved",
            "advises",
        ];
        const OUT: &[&str] = &[
            "owned",
            "borrow",
            "parent",
            "null",
            "holder",
            "deleter",
            "index_into",
            "read_as",
        ];
        let (keys, is, means) = match entry.dir.or(fact.dir).unwrap_or(Direction::In) {
            Direction::In => (OUT, "an input", "outputs"),
            Direction::Out => (IN, "an output", "inputs"),
            Direction::InOut => return,
        };
        for (key, value) in node.entries() {
            if keys.contains(&key.as_str()) {
                self.refuse(
                    "O031",
                    value,
                    format!("{what}: `{key}` is for {means}, and this is {is}"),
                    "remove it; if the header's mark is missing or wrong, say so with `dir`",
                );
            }
        }
    }

    /// `field` holds a table for each field.
    pub(super) fn table_of_fields(&mut self, what: &str, fields: &Node) {
        if !matches!(fields.tree, Tree::Table(_)) {
            self.refuse(
                "O011",
                fields,
                format!(
                    "{what}: `field` must be a table, found {}",
                    fields.type_name()
                ),
                "write `field.NAME = { key = value }`",
            );
        }
    }

    /// `path` belongs to what is hand-written.
    pub(super) fn path_of_nothing(&mut self, what: &str, node: &Node) {
        let by_hand = node.get("safe").and_then(Node::text) == Some("hand-written");
        if let Some(path) = node.get("path").filter(|_| !by_hand) {
            self.refuse(
                "O032",
                path,
                format!("{what}: `path` says where the hand-written form is, and `safe` is not \"hand-written\""),
                "correct `safe`, or remove `path`",
            );
        }
    }

    /// What to do about a value that does not fit: the name that may be meant, and what its key
    /// says.
    pub(super) fn advice(&self, key: &Key, node: &Node, args: Option<&Struct>) -> String {
        let Some(word) = node.text() else {
            return key.doc.to_owned();
        };
        match key.kind {
            Kind::Function => advice(word, self.facts.functions.keys(), key.doc),
            Kind::Enum => advice(word, &self.facts.enums, key.doc),
            Kind::HandleOrNone => advice(word, &self.facts.handles, key.doc),
            Kind::OneOf(words) => advice(word, words, key.doc),
            Kind::Field | Kind::FieldOrNul => {
                let fields = args.map(|s| s.fields.as_slice()).unwrap_or_default();
                advice(word, fields.iter().map(|f| &f.name), key.doc)
            }
            _ => key.doc.to_owned(),
        }
    }

    /// A destructor that became a method would free the object under its handle.
    pub(super) fn destructors(&mut self, tree: &Node, overlay: &Overlay) {
        let entry = |section: &str, name: &str| tree.get(section).and_then(|s| s.get(name));
        for (handle, judgement) in &overlay.handles {
            let Some(function) = &judgement.destroy else {
                continue;
            };
            let marked = overlay.functions.get(function).is_none_or(|f| f.drop);
            if let Some(node) = entry("function", function).filter(|_| !marked) {
                self.refuse(
                    "O042",
                    node,
                    format!("{function}: the destructor of `{handle}`, not marked as such"),
                    "add `drop = true`",
                );
            }
        }
        for (name, function) in overlay.functions.iter().filter(|(_, f)| f.drop) {
            let mut handles = overlay.handles.values();
            let named = handles.any(|h| h.destroy.as_deref() == Some(name));
            let hand_written = matches!(function.safe, Some(Safe::HandWritten(_)));
            if let Some(node) = entry("function", name).filter(|_| !named && !hand_written) {
                self.refuse(
                    "O043",
                    node,
                    format!("{name}: `drop`, and no handle is destroyed by it"),
                    "name it in `destroy` of its [handle], or remove `drop`",
                );
            }
        }
    }
}
