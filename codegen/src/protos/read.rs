//! JSON to facts.

use super::facts::{Enumeration, Field, File, Label, MessageFacts, Source};
use super::write::to_text;
use crate::diag::Diagnostic;
use serde_json::Value;

const REGENERATE: &str =
    "files of facts are never edited by hand: `cargo xtask protos extract` writes them";

/// Reads a file of facts. `name` is only for the error.
///
/// # Errors
///
/// Text that is not what the writer would have written.
pub fn load(name: &str, text: &str) -> Result<File, Diagnostic> {
    let refused = |message: String| Diagnostic::new("P001", name, message).help(REGENERATE);
    let value: Value =
        serde_json::from_str(text).map_err(|error| refused(format!("no valid JSON: {error}")))?;
    let file = file(&value).map_err(refused)?;
    let written = to_text(&file);
    if written != text {
        let same = written
            .lines()
            .zip(text.lines())
            .take_while(|(a, b)| a == b);
        let line = u32::try_from(same.count() + 1).unwrap_or(0);
        return Err(refused("this is not how the writer writes it".to_owned()).at(line, 1));
    }
    Ok(file)
}

fn file(value: &Value) -> Result<File, String> {
    if value.get("format").and_then(Value::as_u64) != Some(1) {
        return Err("the key `format` must be 1".to_owned());
    }
    let source = value.get("source").ok_or("the key `source` is missing")?;
    let features = match value.get("features") {
        Some(_) => list(value, "features", |pair| {
            let part = |at| pair.get(at).and_then(Value::as_str).map(str::to_owned);
            part(0)
                .zip(part(1))
                .ok_or_else(|| "a feature is a name and a value".to_owned())
        })?,
        None => Vec::new(),
    };
    Ok(File {
        path: text(value, "path")?,
        source: Source {
            repository: text(source, "repository")?,
            revision: text(source, "revision")?,
            sha256: text(source, "sha256")?,
        },
        package: text(value, "package")?,
        syntax: text(value, "syntax")?,
        features: features.into_iter().collect(),
        messages: list(value, "messages", message)?,
        enums: list(value, "enums", enumeration)?,
    })
}

fn message(value: &Value) -> Result<MessageFacts, String> {
    Ok(MessageFacts {
        name: text(value, "name")?,
        fields: list(value, "fields", field)?,
        reserved: ranges(value)?,
        reserved_names: reserved_names(value)?,
    })
}

fn enumeration(value: &Value) -> Result<Enumeration, String> {
    Ok(Enumeration {
        name: text(value, "name")?,
        values: list(value, "values", |one| {
            Ok((text(one, "name")?, number(one, "number")?))
        })?,
        reserved: ranges(value)?,
        reserved_names: reserved_names(value)?,
    })
}

fn field(value: &Value) -> Result<Field, String> {
    let word = |key| value.get(key).and_then(Value::as_str);
    let flag = |key| value.get(key).and_then(Value::as_bool).unwrap_or(false);
    let label = match (word("oneof"), word("map"), word("label"), word("presence")) {
        (Some(group), ..) => Label::OneOf(group.to_owned()),
        (_, Some(key), ..) => Label::Map(key.to_owned()),
        (_, _, Some("repeated"), _) => Label::Repeated {
            packed: flag("packed"),
        },
        (.., Some("explicit")) => Label::Explicit,
        _ => Label::Implicit,
    };
    Ok(Field {
        number: number(value, "number")?,
        name: text(value, "name")?,
        ty: text(value, "type")?,
        label,
        deprecated: flag("deprecated"),
    })
}

fn text(value: &Value, key: &str) -> Result<String, String> {
    let found = value.get(key).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| format!("the key `{key}` must be there and be text"))
}

fn number(value: &Value, key: &str) -> Result<i32, String> {
    let found = value.get(key).and_then(Value::as_i64);
    found
        .and_then(|number| i32::try_from(number).ok())
        .ok_or_else(|| format!("the key `{key}` must be there and be a number of 32 bits"))
}

fn list<T>(
    value: &Value,
    key: &str,
    one: impl Fn(&Value) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let items = value.get(key).and_then(Value::as_array);
    let items = items.ok_or_else(|| format!("the key `{key}` must be there and be a list"))?;
    items.iter().map(one).collect()
}

fn ranges(value: &Value) -> Result<Vec<(i32, i32)>, String> {
    if value.get("reserved").is_none() {
        return Ok(Vec::new());
    }
    list(value, "reserved", |range| {
        let part = |at| range.get(at).and_then(Value::as_i64);
        let part = |at| part(at).and_then(|n| i32::try_from(n).ok());
        part(0)
            .zip(part(1))
            .ok_or_else(|| "a reserved range is two numbers".to_owned())
    })
}

fn reserved_names(value: &Value) -> Result<Vec<String>, String> {
    if value.get("reserved_names").is_none() {
        return Ok(Vec::new());
    }
    list(value, "reserved_names", |name| {
        let name = name.as_str().map(str::to_owned);
        name.ok_or_else(|| "a reserved name is text".to_owned())
    })
}
