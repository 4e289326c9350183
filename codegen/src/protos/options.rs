//! Options that go by name: the fields of one message, as a table for the library.

use super::facts::{Field, Label, Protos};
use std::fmt::Write as _;

/// The table's place in the repository.
pub const OPTIONS: &str = "pjrt/src/proto/options.txt";

/// A line for each option, sorted: name, a space, and what kind of value it takes. A `*` marks a
/// list, which is given as text with commas.
pub(super) fn table(protos: &Protos, message: &str) -> String {
    let fields = protos.message(message).map(|(_, m)| m.fields.as_slice());
    let mut lines: Vec<(&str, String)> = fields
        .unwrap_or_default()
        .iter()
        .filter_map(|field| Some((field.name.as_str(), kind(protos, field)?)))
        .collect();
    lines.sort();
    lines.iter().fold(String::new(), |mut out, (name, kind)| {
        // Writing to text cannot fail.
        let _ = writeln!(out, "{name} {kind}");
        out
    })
}

/// None for what no single value can say: messages and maps.
fn kind(protos: &Protos, field: &Field) -> Option<String> {
    let word = match field.ty.as_str() {
        "bool" | "string" | "double" | "float" | "int32" | "int64" => field.ty.clone(),
        ty => {
            protos.enumeration(ty)?;
            "enum".to_owned()
        }
    };
    match field.label {
        Label::Map(_) => None,
        Label::Repeated { .. } => Some(format!("{word}*")),
        _ => Some(word),
    }
}
