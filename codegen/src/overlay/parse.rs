//! TOML to the tree. Of the tools and of vendors alone: the macro of `pjrt` itself reads JSON, and its users
//! need no TOML parser.

use super::tree::{Node, Place, Tree};
use crate::diag::{Diagnostic, Diagnostics};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

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
