//! Renames that people confirmed: `schema/overlay/renames.toml`.

use crate::diag::{Diagnostic, Diagnostics};
use crate::overlay::{Node, Tree, parse_toml};

/// What a rename is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A field of one struct, or of many (`of = "PJRT_*"`).
    Field,
    /// A value of one enumeration.
    Value,
    /// A struct, an enumeration, a function or another type.
    Type,
    /// The beginning of many names.
    Prefix,
    /// The first fields of a struct that became a struct of their own, with the same layout.
    Embedded,
}

const WHATS: [(&str, What); 5] = [
    ("field", What::Field),
    ("value", What::Value),
    ("type", What::Type),
    ("prefix", What::Prefix),
    ("embedded", What::Embedded),
];

impl What {
    /// Its word.
    pub fn word(self) -> &'static str {
        let found = WHATS.iter().find(|(_, what)| *what == self);
        found.map_or("", |(word, _)| word)
    }
}

/// One confirmed rename.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// What it is about.
    pub what: What,
    /// The struct or enumeration, by its newest name; a `*` at the end stands for any ending.
    pub of: String,
    /// Old name; for `embedded` the names of the fields, with commas.
    pub from: String,
    /// New name.
    pub to: String,
    /// For `embedded`: type of the new field.
    pub ty: String,
    /// Line in the file.
    pub line: u32,
}

impl Rename {
    /// Whether it is about this struct or enumeration.
    pub fn is_of(&self, owner: &str) -> bool {
        match self.of.strip_suffix('*') {
            Some(beginning) => owner.starts_with(beginning),
            None => self.of == owner,
        }
    }
}

/// All confirmed renames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renames {
    /// Name of the file, for errors.
    pub file: String,
    /// In the order of the file.
    pub list: Vec<Rename>,
}

const KEYS: [&str; 6] = ["what", "of", "from", "to", "type", "why"];

impl Renames {
    /// Reads the file.
    pub fn parse(file: &str, text: &str) -> Result<Self, Diagnostics> {
        let root = parse_toml(text, 0, file)?;
        let mut problems = Diagnostics::new();
        let mut list = Vec::new();
        for (key, node) in root.entries() {
            let Tree::List(items) = &node.tree else {
                problems.push(wrong(file, node, format!("`{key}`: expected [[rename]]")));
                continue;
            };
            if key != "rename" {
                let message = format!("unknown key `{key}`: only [[rename]] is known");
                problems.push(wrong(file, node, message));
                continue;
            }
            for item in items {
                list.extend(rename(file, item, &mut problems));
            }
        }
        let renames = Self {
            file: file.to_string(),
            list,
        };
        problems.into_result(renames)
    }

    /// The newest name of a type, struct, enumeration, function or value of any of them.
    pub fn name(&self, name: &str) -> String {
        let mut name = name.to_string();
        for rename in &self.list {
            match rename.what {
                What::Type if name == rename.from => name = rename.to.clone(),
                What::Prefix => {
                    if let Some(rest) = name.strip_prefix(rename.from.as_str()) {
                        name = format!("{}{rest}", rename.to);
                    }
                }
                _ => {}
            }
        }
        name
    }

    /// The rename of a field, if there is one.
    pub fn field(&self, of: &str, field: &str) -> Option<&Rename> {
        let own = |r: &&Rename| r.what == What::Field && r.from == field && r.is_of(of);
        self.list.iter().find(own)
    }

    /// The rename of an enumeration's value, if there is one.
    pub fn value(&self, of: &str, value: &str) -> Option<&Rename> {
        let own = |r: &&Rename| r.what == What::Value && r.from == value && r.of == of;
        self.list.iter().find(own)
    }
}

fn wrong(file: &str, node: &Node, message: String) -> Diagnostic {
    Diagnostic::new("V001", file, message).at(node.place.line, node.place.column)
}

fn rename(file: &str, item: &Node, problems: &mut Diagnostics) -> Option<Rename> {
    let before = problems.len();
    for (key, node) in item.entries() {
        if !KEYS.contains(&key.as_str()) {
            let known = KEYS.join(", ");
            problems.push(wrong(
                file,
                node,
                format!("unknown key `{key}`; known: {known}"),
            ));
        } else if node.text().is_none_or(str::is_empty) {
            problems.push(wrong(file, node, format!("`{key}`: expected text")));
        }
    }
    let text = |key: &str| item.get(key).and_then(Node::text).unwrap_or_default();
    let word = text("what");
    let what = WHATS.iter().find(|(known, _)| *known == word);
    let Some((_, what)) = what else {
        let known: Vec<_> = WHATS.iter().map(|(word, _)| *word).collect();
        let message = format!(
            "`what`: expected one of {}, found \"{word}\"",
            known.join(", ")
        );
        problems.push(wrong(file, item, message));
        return None;
    };
    let owned = matches!(what, What::Field | What::Value | What::Embedded);
    let mut needed = vec!["from", "to", "why"];
    needed.extend(owned.then_some("of"));
    needed.extend((*what == What::Embedded).then_some("type"));
    for key in needed {
        if item.get(key).is_none() {
            problems.push(wrong(file, item, format!("the key `{key}` is missing")));
        }
    }
    (problems.len() == before).then(|| Rename {
        what: *what,
        of: text("of").to_string(),
        from: text("from").to_string(),
        to: text("to").to_string(),
        ty: text("type").to_string(),
        line: item.place.line,
    })
}
