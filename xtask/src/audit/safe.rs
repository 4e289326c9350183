//! What of the safe library cannot be used with a plugin.

use std::collections::BTreeSet;

use pjrt_codegen::model::API_TABLE;
use pjrt_codegen::model::gates::Verdict;
use pjrt_codegen::schema::{Function, Header};
use serde_json::{Value, json};

use super::chain::Node;
use super::known::Known;
use super::table::{Status, Table};

/// What the reason begins with where an extension is not in the chain.
pub const NO_EXTENSION: &str = "no extension ";

/// A safe method that will report an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Path of the method.
    pub method: String,
    /// The C function that it calls.
    pub function: String,
    /// Why that cannot be called.
    pub reason: String,
}

impl Missing {
    /// As the JSON report has it.
    pub fn json(&self) -> Value {
        json!({"method": self.method, "function": self.function, "reason": self.reason})
    }
}

/// The methods by the functions that the overlay says they are for, in the order of the headers.
pub fn missing(
    known: &Known,
    table: &Table,
    nodes: &[Node],
    minor: u32,
    size: u64,
) -> Vec<Missing> {
    let mut found = Vec::new();
    for header in &known.model.facts.headers {
        for function in &header.functions {
            let Some(method) = method(known, function) else {
                continue;
            };
            if let Some(reason) = reason(known, header, function, table, nodes, minor, size) {
                found.push(Missing {
                    method: method.to_owned(),
                    function: function.name.clone(),
                    reason,
                });
            }
        }
    }
    found
}

fn reason(
    known: &Known,
    header: &Header,
    function: &Function,
    table: &Table,
    nodes: &[Node],
    minor: u32,
    size: u64,
) -> Option<String> {
    let since = || match known.model.since(&function.name) {
        Some(since) => format!("came with 0.{since}"),
        None => "not in the table".to_owned(),
    };
    if function.table == API_TABLE {
        match table.status(&function.name) {
            Status::Present => {}
            Status::Null => return Some("null".to_owned()),
            Status::Broken => return Some("no code".to_owned()),
            Status::Absent | Status::Unknown => return Some(since()),
        }
        return layout(known, &function.name, minor, size);
    }
    let of = |header: &Header| {
        header
            .extension
            .as_ref()
            .map(|e| (e.number, e.name.clone(), e.table.clone()))
    };
    // Tables behind an extension's pointer are there where the extension is.
    let behind = known.model.behind(&function.table).map(|b| b.through);
    let (number, name, own) = behind.map_or_else(|| of(header), of)?;
    if behind.is_none() && own != function.table {
        return None;
    }
    let Some(node) = nodes.iter().find(|n| n.number == u64::from(number)) else {
        return Some(format!("{NO_EXTENSION}{name}"));
    };
    if behind.is_some() {
        return None;
    }
    if node.null.contains(&function.slot) {
        return Some(format!("null in {name}"));
    }
    if node.absent.contains(&function.slot) || function.offset.saturating_add(8) > node.size {
        return Some(format!("{name}: {}", since()));
    }
    layout(known, &function.name, minor, node.size)
}

fn layout(known: &Known, function: &str, minor: u32, size: u64) -> Option<String> {
    let ours = u64::MAX;
    match known.verdict(function, minor, size, ours)? {
        Verdict::Known { .. } => None,
        Verdict::Absent => Some("not in all tables of its version".to_owned()),
        Verdict::Incompatible => Some(match known.model.versions.gates.layout_since(function) {
            Some(since) => format!("laid out otherwise before 0.{since}"),
            None => "laid out otherwise".to_owned(),
        }),
    }
}

/// How many safe methods there are.
pub fn count(known: &Known) -> usize {
    let headers = known.model.facts.headers.iter();
    let functions = headers.flat_map(|header| &header.functions);
    let methods = functions.filter_map(|f| method(known, f));
    methods.collect::<BTreeSet<_>>().len()
}

/// The method of a function, but for what nobody calls by name: destructors, the way of errors.
fn method<'k>(known: &'k Known, function: &Function) -> Option<&'k str> {
    let method = known.methods.get(&function.name)?;
    (!method.starts_with('<') && !method.contains("__rt")).then_some(method)
}
