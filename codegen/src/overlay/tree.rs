//! The overlay as a tree of values that remember where they stand, from TOML or from JSON.

use crate::diag::{Diagnostic, Diagnostics};
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

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

/// Reads TOML. `file` is the index that the nodes carry, `name` what diagnostics call the file.
pub fn parse_toml(text: &str, file: usize, name: &str) -> Result<Node, Diagnostics> {
    let lines = Lines::new(text);
    let table = DeTable::parse(text).map_err(|error| {
        let place = lines.place(error.span().map_or(0, |s| s.start));
        // The parser does not say which key it met twice.
        let message = match error.span().and_then(|span| text.get(span)) {
            Some(key) if error.message() == "duplicate key" => {
                format!("`{}` has two values", key.trim())
            }
            _ => error.message().to_owned(),
        };
        Diagnostics::from(
            Diagnostic::new("O001", name, message)
                .at(place.line, place.column)
                .help("the file must be TOML, in which a name stands once in its table and text stands in quotes"),
        )
    })?;
    let mut found = Diagnostics::default();
    let tree = table_node(table.get_ref(), &lines, file, name, &mut found);
    if found.is_empty() {
        Ok(Node {
            file,
            place: Place { line: 1, column: 1 },
            tree,
        })
    } else {
        Err(found)
    }
}

fn table_node(
    table: &DeTable<'_>,
    lines: &Lines,
    file: usize,
    name: &str,
    found: &mut Diagnostics,
) -> Tree {
    let mut entries = Vec::new();
    for (key, value) in table.iter() {
        if let Some(tree) = value_node(value, lines, file, name, found) {
            // An entry is reported where its key stands.
            let place = lines.place(key.span().start);
            entries.push((key.get_ref().to_string(), Node { file, place, tree }));
        }
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Tree::Table(entries)
}

fn value_node(
    value: &Spanned<DeValue<'_>>,
    lines: &Lines,
    file: usize,
    name: &str,
    found: &mut Diagnostics,
) -> Option<Tree> {
    let place = lines.place(value.span().start);
    let mut refuse = |what: String| {
        found.push(
            Diagnostic::new("O002", name, what)
                .at(place.line, place.column)
                .help("the overlay knows text, whole numbers, true and false, lists and tables"),
        );
        None
    };
    match value.get_ref() {
        DeValue::String(text) => Some(Tree::Text(text.to_string())),
        DeValue::Boolean(truth) => Some(Tree::Bool(*truth)),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Some(Tree::Int(number)),
            Err(_) => refuse(format!(
                "the number {} does not fit 64 bits",
                number.as_str()
            )),
        },
        DeValue::Array(items) => Some(Tree::List(
            items
                .iter()
                .filter_map(|item| {
                    let tree = value_node(item, lines, file, name, found)?;
                    Some(Node {
                        file,
                        place: lines.place(item.span().start),
                        tree,
                    })
                })
                .collect(),
        )),
        DeValue::Table(table) => Some(table_node(table, lines, file, name, found)),
        other => refuse(format!("a {} has no meaning here", other.type_str())),
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

/// Starts of lines, to turn a byte offset into a place.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Lines {
        let newlines = text
            .bytes()
            .enumerate()
            .filter(|(_, b)| *b == b'\n')
            .map(|(i, _)| i + 1);
        Lines(std::iter::once(0).chain(newlines).collect())
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.0.partition_point(|start| *start <= offset);
        let start = self.0.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place {
            line: number(line),
            column: number(offset.saturating_sub(start) + 1),
        }
    }
}
