//! Judgements about messages: which of them Rust gets, and what is said of them.

use crate::diag::{Diagnostic, Diagnostics};
use crate::overlay::{Node, Tree, parse_toml};
use std::collections::BTreeMap;

/// What Rust gets. Names of messages are full and begin with a dot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// `.proto` files that the facts begin at.
    pub files: Vec<String>,
    /// Message whose fields are options that go by name.
    pub options: Option<String>,
    /// Messages by name.
    pub messages: BTreeMap<String, Chosen>,
}

/// A message that Rust gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Name of the type, where it is not the message's own.
    pub rust: Option<String>,
    /// What it is.
    pub doc: String,
    /// Fields that get no type of their own and are kept as they came.
    pub leave: Vec<String>,
    /// What fields are, by name.
    pub fields: BTreeMap<String, String>,
}

impl Choice {
    /// Reads the file of judgements.
    ///
    /// # Errors
    ///
    /// Text that is no TOML; keys that are not known, missing or of another type.
    pub fn parse(name: &str, text: &str) -> Result<Choice, Diagnostics> {
        let root = parse_toml(text, 0, name)?;
        let mut reader = Reader {
            name,
            found: Diagnostics::default(),
        };
        let mut choice = Choice::default();
        for (key, node) in root.entries() {
            match key.as_str() {
                "files" => choice.files = reader.texts(node),
                "options" => choice.options = Some(format!(".{}", reader.text(node))),
                "message" => {
                    for (message, node) in node.entries() {
                        let chosen = reader.chosen(node);
                        choice.messages.insert(format!(".{message}"), chosen);
                    }
                }
                _ => reader.unknown(node, key, "files, options, message"),
            }
        }
        reader.found.into_result(choice)
    }
}

struct Reader<'a> {
    name: &'a str,
    found: Diagnostics,
}

impl Reader<'_> {
    fn refuse(&mut self, node: &Node, message: String) {
        self.found.push(
            Diagnostic::new("P002", self.name, message).at(node.place.line, node.place.column),
        );
    }

    fn unknown(&mut self, node: &Node, key: &str, known: &str) {
        self.refuse(node, format!("`{key}` is no key here; there are {known}"));
    }

    fn text(&mut self, node: &Node) -> String {
        match node.text() {
            Some(text) => text.to_owned(),
            None => {
                self.refuse(node, format!("expected text, got {}", node.type_name()));
                String::new()
            }
        }
    }

    fn texts(&mut self, node: &Node) -> Vec<String> {
        match &node.tree {
            Tree::List(items) => items.iter().map(|item| self.text(item)).collect(),
            _ => {
                self.refuse(node, format!("expected a list, got {}", node.type_name()));
                Vec::new()
            }
        }
    }

    fn chosen(&mut self, node: &Node) -> Chosen {
        let mut chosen = Chosen::default();
        for (key, node) in node.entries() {
            match key.as_str() {
                "rust" => chosen.rust = Some(self.text(node)),
                "doc" => chosen.doc = self.text(node),
                "leave" => chosen.leave = self.texts(node),
                // For people.
                "why" => drop(self.text(node)),
                "field" => {
                    for (field, node) in node.entries() {
                        let doc = self.text(node);
                        chosen.fields.insert(field.clone(), doc);
                    }
                }
                _ => self.unknown(node, key, "rust, doc, leave, why, field"),
            }
        }
        for key in ["doc", "why"] {
            if node.get(key).is_none() {
                self.refuse(node, format!("the key `{key}` is missing"));
            }
        }
        chosen
    }
}
