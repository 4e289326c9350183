//! JSON to facts: strict, and with every error at its file and line.

use serde_json::Value;

use super::check;
use super::decode::Decoder;
use super::locate::{locate, spell};
use super::read::{Finding, Findings, Place};
use super::types::Schema;
use super::write::{Detail, to_text};
use crate::diag::{Diagnostic, Diagnostics};

const REGENERATE: &str =
    "schema files are never edited by hand: `cargo xtask schema extract` writes them";

/// Reads a schema file's text. `file` is only for the errors.
///
/// Refused are: text that is no JSON; unknown or missing keys and wrong types; numbers that
/// contradict each other; text that is not what the writer would have written; and, with the
/// feature `tools`, declarations that do not give the header's digest.
pub fn load(file: &str, text: &str) -> Result<Schema, Diagnostics> {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => {
            let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            return Err(
                Diagnostic::new("S001", file, format!("no valid JSON: {error}"))
                    .at(narrow(error.line()), narrow(error.column()))
                    .help(REGENERATE)
                    .into(),
            );
        }
    };
    let mut diagnostics = Diagnostics::new();
    let mut findings = Findings::default();
    let schema = Decoder::new(Detail::Full).schema(&Place::root(), &value, &mut findings);
    pin("S002", file, text, findings.0, &mut diagnostics);
    if diagnostics.is_empty() {
        pin("S003", file, text, check::check(&schema), &mut diagnostics);
        if let Some(difference) = first_difference(file, text, &to_text(&schema)) {
            diagnostics.push(difference);
        }
        // Whoever changed a number knows already; the digest is for what contradicts nothing.
        #[cfg(feature = "tools")]
        if diagnostics.is_empty() {
            pin(
                "S005",
                file,
                text,
                super::digest::check(&schema),
                &mut diagnostics,
            );
        }
    }
    diagnostics.into_result(schema)
}

/// Reads a schema file.
pub fn load_file(path: &std::path::Path) -> Result<Schema, Diagnostics> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Diagnostic::new("S000", &file, format!("cannot read the schema: {error}"))
    })?;
    load(&file, &text)
}

/// The facts in a JSON value that [`to_value`](super::to_value) wrote with the same detail.
pub fn from_value(file: &str, value: &Value, detail: Detail) -> Result<Schema, Diagnostics> {
    let mut findings = Findings::default();
    let schema = Decoder::new(detail).schema(&Place::root(), value, &mut findings);
    if findings.0.is_empty() {
        findings.0 = check::check(&schema);
    }
    let mut diagnostics = Diagnostics::new();
    for finding in findings.0 {
        let message = format!("{}: {}", spell(&finding.path), finding.message);
        diagnostics.push(Diagnostic::new("S002", file, message).help(finding.help));
    }
    diagnostics.into_result(schema)
}

fn pin(
    code: &'static str,
    file: &str,
    text: &str,
    findings: Vec<Finding>,
    diagnostics: &mut Diagnostics,
) {
    for finding in findings {
        let (line, column) = locate(text, &finding.path);
        let help = match finding.help {
            "" => REGENERATE,
            help => help,
        };
        diagnostics.push(
            Diagnostic::new(
                code,
                file,
                format!("{}: {}", spell(&finding.path), finding.message),
            )
            .at(line, column)
            .help(help),
        );
    }
}

fn first_difference(file: &str, found: &str, wanted: &str) -> Option<Diagnostic> {
    if found == wanted {
        return None;
    }
    let mut number = 0u32;
    let (mut left, mut right) = (found.lines(), wanted.lines());
    let message = loop {
        number = number.saturating_add(1);
        match (left.next(), right.next()) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => {
                break format!(
                    "not the canonical form: expected `{}`, found `{}`",
                    b.trim(),
                    a.trim()
                );
            }
            (None, Some(b)) => {
                break format!("the file ends early: expected `{}`", b.trim());
            }
            (Some(a), None) => {
                break format!("text after the end: found `{}`", a.trim());
            }
            (None, None) => break "white space at the end of lines or file differs".to_string(),
        }
    };
    Some(
        Diagnostic::new("S004", file, message)
            .at(number, 0)
            .help(REGENERATE),
    )
}
