//! The overlay as a tree of values that remember where they stand.

use crate::diag::{Diagnostic, Diagnostics};
use serde_json::Value;

/// Line and column, both from 1; 0 where the source keeps none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Index into the list of files that were merged.
    pub file: usize,
    /// Where the value stands.
    pub place: Place,
    /// The value.
    pub tree: Tree,
}

/// A value of an overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// Text.
    Text(String),
    /// Whole number.
    Int(i64),
    /// Truth value.
    Bool(bool),
    /// List.
    List(Vec<Node>),
    /// Table, keys in the order of their names.
    Table(Vec<(String, Node)>),
}

impl Node {
    /// The entries of a table, none for anything else.
    pub fn entries(&self) -> &[(String, Node)] {
        match &self.tree {
            Tree::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key of a table.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v)
    }

    /// Text, if it is text.
    pub fn text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What the value is, in a word.
    pub fn type_name(&self) -> &'static str {
        match self.tree {
            Tree::Text(_) => "text",
            Tree::Int(_) => "a whole number",
            Tree::Bool(_) => "true or false",
            Tree::List(_) => "a list",
            Tree::Table(_) => "a table",
        }
    }
}

/// Reads the JSON form that [`to_json`] gives.
pub fn from_json(value: &Value) -> Option<Node> {
    let tree = match value {
        Value::String(text) => Tree::Text(text.clone()),
        Value::Bool(truth) => Tree::Bool(*truth),
        Value::Number(number) => Tree::Int(number.as_i64()?),
        Value::Array(items) => Tree::List(items.iter().map(from_json).collect::<Option<_>>()?),
        Value::Object(entries) => {
            let mut entries = entries
                .iter()
                .map(|(k, v)| Some((k.clone(), from_json(v)?)))
                .collect::<Option<Vec<_>>>()?;
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Tree::Table(entries)
        }
        Value::Null => return None,
    };
    Some(Node {
        file: 0,
        place: Place::default(),
        tree,
    })
}

/// The tree without its places.
pub fn to_json(node: &Node) -> Value {
    match &node.tree {
        Tree::Text(text) => Value::String(text.clone()),
        Tree::Int(number) => Value::from(*number),
        Tree::Bool(truth) => Value::Bool(*truth),
        Tree::List(items) => Value::Array(items.iter().map(to_json).collect()),
        Tree::Table(entries) => Value::Object(
            entries
                .iter()
                .map(|(k, v)| (k.clone(), to_json(v)))
                .collect(),
        ),
    }
}

/// One tree of several files: the sections (tables of the first level) are joined. A name that
/// two files define is refused.
pub fn merge(files: &[String], trees: Vec<Node>) -> Result<Node, Diagnostics> {
    let mut found = Diagnostics::default();
    let mut sections: Vec<(String, Node)> = Vec::new();
    for tree in trees {
        let Tree::Table(entries) = tree.tree else {
            continue;
        };
        for (name, node) in entries {
            match sections.iter_mut().find(|(n, _)| *n == name) {
                None => sections.push((name, node)),
                Some((_, existing)) => join(&name, existing, node, files, &mut found),
            }
        }
    }
    sections.sort_by(|a, b| a.0.cmp(&b.0));
    let root = Node {
        file: 0,
        place: Place::default(),
        tree: Tree::Table(sections),
    };
    found.into_result(root)
}

fn join(section: &str, existing: &mut Node, node: Node, files: &[String], found: &mut Diagnostics) {
    let name = |file: usize| files.get(file).map_or("?", String::as_str);
    for side in [&*existing, &node] {
        if !matches!(side.tree, Tree::Table(_)) {
            let problem = format!("`{section}` must be a table, found {}", side.type_name());
            found.push(
                Diagnostic::new("O004", name(side.file), problem)
                    .at(side.place.line, side.place.column)
                    .help(format!("write `[{section}.NAME]`")),
            );
        }
    }
    let (Tree::Table(into), Tree::Table(from)) = (&mut existing.tree, node.tree) else {
        return;
    };
    for (key, node) in from {
        if let Some((_, other)) = into.iter().find(|(n, _)| *n == key) {
            let first = name(other.file);
            found.push(
                Diagnostic::new("O003", name(node.file), format!("`{key}` has two entries"))
                    .at(node.place.line, node.place.column)
                    .help(format!(
                        "the first stands in {first}:{}; keep one",
                        other.place.line
                    )),
            );
        } else {
            into.push((key, node));
        }
    }
    into.sort_by(|a, b| a.0.cmp(&b.0));
}
