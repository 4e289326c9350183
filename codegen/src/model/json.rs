//! The model as one JSON document, which the macro reads.

use super::gates::{Gates, Row};
use super::{Model, Versions};
use crate::diag::{Diagnostic, Diagnostics};
use crate::overlay;
use crate::schema;
use serde_json::{Map, Value, json};

/// Version of the document's shape.
const FORMAT: u64 = 1;
/// What diagnostics call the document.
const FILE: &str = "model.json";

/// Writes a model: one line per header, per entry of the overlay and per item of the history, so
/// that a change shows as the lines it touches.
pub fn to_json(model: &Model) -> String {
    let facts = schema::to_value(&model.facts, schema::Detail::Compact);
    let judgements = overlay::to_json(&model.judgements);
    let mut text =
        format!("{{\n\"command\": \"cargo xtask codegen\",\n\"format\": {FORMAT},\n\"facts\": ");
    lines(&facts, 3, &mut text);
    text.push_str(",\n\"overlay\": ");
    lines(&judgements, 2, &mut text);
    text.push_str(",\n\"since\": ");
    lines(&json!(model.versions.since), 1, &mut text);
    text.push_str(",\n\"gates\": ");
    lines(&gates_to_json(&model.versions.gates), 2, &mut text);
    text.push_str("\n}\n");
    text
}

/// Prints a value, its first `depth` levels one item per line.
fn lines(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(entries) if depth > 0 && !entries.is_empty() => {
            text.push('{');
            for (i, (key, value)) in entries.iter().enumerate() {
                text.push_str(if i == 0 { "\n" } else { ",\n" });
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push_str(": ");
                lines(value, depth - 1, text);
            }
            text.push_str("\n}");
        }
        Value::Array(items) if depth > 0 && !items.is_empty() => {
            text.push('[');
            for (i, value) in items.iter().enumerate() {
                text.push_str(if i == 0 { "\n" } else { ",\n" });
                lines(value, depth - 1, text);
            }
            text.push_str("\n]");
        }
        other => text.push_str(&other.to_string()),
    }
}

/// Reads a model.
pub fn from_json(text: &str) -> Result<Model, Diagnostics> {
    let fault = |code, message: String| {
        let mut found = Diagnostics::default();
        found.push(Diagnostic::new(code, FILE, message).help("run `cargo xtask codegen`"));
        found
    };
    let document: Map<String, Value> = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            let mut found = Diagnostics::default();
            let place = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let diagnostic = Diagnostic::new("M001", FILE, error.to_string());
            found.push(
                diagnostic
                    .at(place(error.line()), place(error.column()))
                    .help("run `cargo xtask codegen`"),
            );
            return Err(found);
        }
    };
    if document.get("format").and_then(Value::as_u64) != Some(FORMAT) {
        return Err(fault("M002", format!("expected \"format\": {FORMAT}")));
    }
    let part = |name: &str| {
        document
            .get(name)
            .ok_or_else(|| fault("M003", format!("`{name}` is missing")))
    };
    let facts = schema::from_value(FILE, part("facts")?, schema::Detail::Compact)?;
    let judgements = overlay::from_json(part("overlay")?)
        .ok_or_else(|| fault("M004", "`overlay` holds a null or a fraction".into()))?;
    let entries = overlay::from_tree(&judgements, &[FILE.to_owned()], &[&facts])?;
    let mut versions = Versions::default();
    for (name, minor) in part("since")?.as_object().into_iter().flatten() {
        let minor = minor.as_u64().and_then(|m| u32::try_from(m).ok());
        let minor =
            minor.ok_or_else(|| fault("M005", format!("`since` of `{name}` is not a version")))?;
        versions.since.insert(name.clone(), minor);
    }
    versions.gates = gates_from_json(part("gates")?)
        .ok_or_else(|| fault("M006", "`gates` holds what is no list of numbers".into()))?;
    Ok(Model::new(facts, entries, judgements, versions))
}

/// Rows as lists of four numbers, values as pairs.
fn gates_to_json(gates: &Gates) -> Value {
    let rows = gates.rows.iter().map(|(name, rows)| {
        let rows: Vec<_> = rows.iter().map(Row::numbers).collect();
        (name.clone(), json!(rows))
    });
    json!({
        "rows": rows.collect::<Map<_, _>>(),
        "values": gates.values,
    })
}

fn gates_from_json(value: &Value) -> Option<Gates> {
    let mut gates = Gates::default();
    let small = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok());
    for (name, rows) in value.get("rows")?.as_object()? {
        let rows = rows.as_array()?.iter().map(|row| {
            let numbers: Option<Vec<u32>> = row.as_array()?.iter().map(small).collect();
            Some(Row::from_numbers(numbers?.try_into().ok()?))
        });
        let rows: Option<Vec<Row>> = rows.collect();
        gates.rows.insert(name.clone(), rows?);
    }
    for (name, values) in value.get("values")?.as_object()? {
        let values = values
            .as_array()?
            .iter()
            .map(|pair| match pair.as_array()?.as_slice() {
                [number, since] => Some((number.as_i64()?, small(since)?)),
                _ => None,
            });
        let values: Option<Vec<_>> = values.collect();
        gates.values.insert(name.clone(), values?);
    }
    Some(gates)
}
