//! Which frameworks' clients take a plugin: `schema/frameworks.toml` says what they ask for.

use std::collections::BTreeMap;

use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::overlay::{Node, Tree, parse_toml};
use serde_json::{Value, json};

use super::table::{Status, Table};
use crate::paths;

/// The file.
pub const FILE: &str = "schema/frameworks.toml";

/// One version of a framework.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framework {
    /// `JAX`, `PyTorch/XLA`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The oldest minor that it takes.
    pub minimum: i64,
    /// Its own minor.
    pub own: i64,
    /// Whether it takes only its own, unless a variable says otherwise.
    pub exact: bool,
    /// The functions that it calls while it starts.
    pub start: Vec<String>,
    /// Where this was read.
    pub source: String,
}

/// What a framework makes of the plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The framework.
    pub framework: Framework,
    /// Why not, if not.
    pub problem: Option<String>,
    /// What must be set for it.
    pub needs: Option<&'static str>,
}

impl Served {
    /// As the JSON report has it.
    pub fn json(&self) -> Value {
        let of = &self.framework;
        json!({
            "framework": of.name,
            "version": of.version,
            "minimum": of.minimum,
            "own": of.own,
            "serves": self.problem.is_none(),
            "needs": self.needs,
            "problem": self.problem,
            "source": of.source,
        })
    }
}

/// What frameworks make of a table; `start` says why none of them can start.
pub fn served(
    frameworks: &[Framework],
    table: &Table,
    (major, minor): (i64, i64),
    start: Option<&str>,
) -> Vec<Served> {
    frameworks
        .iter()
        .map(|of| serve(of, table, (major, minor), start))
        .collect()
}

fn serve(of: &Framework, table: &Table, (major, minor): (i64, i64), start: Option<&str>) -> Served {
    let missing: Vec<&str> = of
        .start
        .iter()
        .map(String::as_str)
        .filter(|function| table.status(function) != Status::Present)
        .collect();
    let problem = if major != 0 {
        Some(format!("it takes major 0, not {major}"))
    } else if minor < of.minimum {
        Some(format!("it takes 0.{} and newer", of.minimum))
    } else if !missing.is_empty() {
        let text = super::finding::names(&missing);
        Some(format!(
            "it calls what is not there while it starts: {text}"
        ))
    } else {
        start.map(str::to_owned)
    };
    Served {
        framework: of.clone(),
        needs: (problem.is_none() && of.exact && minor != of.own)
            .then_some("ENABLE_PJRT_COMPATIBILITY=1"),
        problem,
    }
}

/// Reads the file.
///
/// # Errors
///
/// It cannot be read, or an entry lacks something.
pub fn load() -> Result<Vec<Framework>, Diagnostics> {
    let text = std::fs::read_to_string(paths::root().join(FILE))
        .map_err(|error| fault(format!("cannot be read: {error}")))?;
    parse(&text)
}

fn parse(text: &str) -> Result<Vec<Framework>, Diagnostics> {
    let file = parse_toml(text, 0, FILE)?;
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, group) in file.get("start").into_iter().flat_map(Node::entries) {
        let names = list(Some(group)).iter().filter_map(Node::text);
        groups.insert(name, names.map(str::to_owned).collect());
    }
    let entries = list(file.get("framework")).iter();
    entries.map(|entry| one(entry, &groups)).collect()
}

fn one(entry: &Node, groups: &BTreeMap<&str, Vec<String>>) -> Result<Framework, Diagnostics> {
    let lacks = |key: &str, what: &str| {
        Diagnostics::from(
            Diagnostic::new("X061", FILE, format!("expected `{key}`, {what}"))
                .at(entry.place.line, entry.place.column)
                .help("the head of the file says what each key is"),
        )
    };
    let text = |key: &str| {
        let value = entry.get(key).and_then(Node::text);
        value.map(str::to_owned).ok_or_else(|| lacks(key, "text"))
    };
    let number = |key: &str| match entry.get(key).map(|node| &node.tree) {
        Some(Tree::Int(number)) => Ok(*number),
        _ => Err(lacks(key, "a whole number")),
    };
    let Some(Tree::Bool(exact)) = entry.get("exact").map(|node| &node.tree) else {
        return Err(lacks("exact", "true or false"));
    };
    let start = groups.get(text("start")?.as_str());
    Ok(Framework {
        name: text("name")?,
        version: text("version")?,
        minimum: number("minimum")?,
        own: number("own")?,
        exact: *exact,
        start: start
            .cloned()
            .ok_or_else(|| lacks("start", "a group of `[start]`"))?,
        source: format!("{}, XLA {}", text("pinned")?, text("xla")?),
    })
}

/// The items of a list, none for anything else.
fn list(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.tree) {
        Some(Tree::List(items)) => items,
        _ => &[],
    }
}

fn fault(message: String) -> Diagnostics {
    Diagnostic::new("X061", FILE, message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(names: &[String], status: Status) -> Table {
        Table {
            functions: names.iter().map(|name| (name.clone(), status)).collect(),
            ..Table::default()
        }
    }

    #[test]
    fn every_entry_names_functions_and_a_commit() {
        let all = load().unwrap();
        assert!(all.len() > 10);
        for of in &all {
            assert!(
                of.start.contains(&"PJRT_Client_Create".to_owned()),
                "{of:?}"
            );
            let commit = of.source.rsplit(' ').next().unwrap();
            assert_eq!(commit.len(), 40, "{of:?}");
            assert!(of.minimum <= of.own, "{of:?}");
        }
    }

    #[test]
    fn an_old_client_takes_its_own_version_alone_unless_a_variable_says_so() {
        let all = load().unwrap();
        let of = all.iter().find(|of| of.exact).unwrap();
        let table = table(&of.start, Status::Present);
        assert_eq!(serve(of, &table, (0, of.own), None).needs, None);
        assert!(serve(of, &table, (0, of.own + 1), None).needs.is_some());
        assert!(
            serve(of, &table, (0, of.minimum - 1), None)
                .problem
                .is_some()
        );
        assert!(
            serve(of, &Table::default(), (0, of.own), None)
                .problem
                .is_some()
        );
    }
}
