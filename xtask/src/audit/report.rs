//! What an audit comes to.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::attribute::StableHlo;
use super::chain::Node;
use super::finding::{Finding, Grade};
use super::framework::Served;
use super::safe::Missing;
use super::table::Table;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The library.
    pub plugin: String,
    /// The libraries that it names as needed.
    pub needed: Vec<String>,
    /// Major and minor version.
    pub api: Option<(i64, i64)>,
    /// The size that its table reports.
    pub struct_size: Option<u64>,
    /// The size that headers of its version say.
    pub expected: Option<u64>,
    /// The functions.
    pub table: Option<Table>,
    /// The extensions.
    pub extensions: Vec<Node>,
    /// Whether the chain was read to its end.
    pub chain_read: bool,
    /// Name and value.
    pub attributes: Vec<(String, Value)>,
    /// The versions of StableHLO that it reads.
    pub stablehlo: Option<StableHlo>,
    /// What frameworks make of it.
    pub frameworks: Vec<Served>,
    /// Safe methods that will report an error.
    pub missing: Vec<Missing>,
    /// How many safe methods there are.
    pub methods: usize,
    /// The findings, the worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Adds what follows from the rest.
    pub(super) fn judge(&mut self) {
        if !self.missing.is_empty() {
            let text = format!(
                "{} of the {} safe methods of `pjrt` report an error with this plugin; the list says \
                 which and why",
                self.methods_missing(),
                self.methods
            );
            self.findings.push(Finding::note("safe-api-missing", text));
        }
        let refused = self.frameworks.iter().filter(|f| f.problem.is_some());
        let refused: Vec<String> = refused
            .map(|f| format!("{} {}", f.framework.name, f.framework.version))
            .collect();
        if !refused.is_empty() {
            let text = format!(
                "{} of {} recorded framework versions do not take it ({}); the list says why",
                refused.len(),
                self.frameworks.len(),
                super::finding::names(&refused)
            );
            self.findings.push(Finding::note("frameworks-refuse", text));
        }
    }

    /// How many safe methods report an error: one may call several functions.
    pub fn methods_missing(&self) -> usize {
        let methods = self.missing.iter().map(|missing| missing.method.as_str());
        methods.collect::<BTreeSet<_>>().len()
    }

    /// The worst grade.
    pub fn grade(&self) -> Option<Grade> {
        self.findings.iter().map(|finding| finding.grade).max()
    }

    /// 0 for none and notes, 1 for wrong, 3 for fatal. (2 is wrong usage, which clap answers.)
    pub fn status(&self) -> u8 {
        match self.grade() {
            None | Some(Grade::Note) => 0,
            Some(Grade::Wrong) => 1,
            Some(Grade::Fatal) => 3,
        }
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let functions = self.table.iter().flat_map(|table| &table.functions);
        let functions = functions.map(|(name, s)| json!({"name": name, "status": s.word()}));
        let attributes: Map<String, Value> = self.attributes.iter().cloned().collect();
        let findings: Vec<Value> = self.findings.iter().map(Finding::json).collect();
        json!({
            "plugin": self.plugin,
            "needed": self.needed,
            "api": self.api.map(|(major, minor)| json!({"major": major, "minor": minor})),
            "struct_size": self.struct_size,
            "expected_struct_size": self.expected,
            "functions": functions.collect::<Vec<_>>(),
            "extensions": self.extensions.iter().map(Node::json).collect::<Vec<_>>(),
            "chain_read": self.chain_read,
            "attributes": attributes,
            "stablehlo": self.stablehlo.as_ref().map(StableHlo::json),
            "frameworks": self.frameworks.iter().map(Served::json).collect::<Vec<_>>(),
            "missing_safe_api": self.missing.iter().map(Missing::json).collect::<Vec<_>>(),
            "safe_methods": self.methods,
            "findings": findings,
            "status": self.status(),
        })
    }
}
