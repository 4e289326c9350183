//! `SOURCE.json`: where the files of a set came from, and what they were.

use std::path::Path;

use pjrt_codegen::diag::Diagnostic;
use pjrt_codegen::schema::Source;
use serde_json::{Value, json};

/// Name of the record in the root of a set.
pub const FILE: &str = "SOURCE.json";

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where the files came from.
    pub source: Source,
    /// Path and SHA-256 of each.
    pub files: Vec<(String, String)>,
}

impl Record {
    /// SHA-256 that a file had when it was obtained.
    pub fn sha256(&self, path: &str) -> Option<&str> {
        let found = self.files.iter().find(|(name, _)| name == path)?;
        Some(&found.1)
    }
}

/// Reads the record of a set, if it has one.
pub fn load(root: &Path) -> Result<Option<Record>, Diagnostic> {
    let path = root.join(FILE);
    let shown = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Diagnostic::new(
                "H003",
                shown,
                format!("cannot read the record: {error}"),
            ));
        }
    };
    let wrong = |message: String| {
        Diagnostic::new("H008", &shown, message)
            .help("remove the folder and obtain it again with `cargo xtask headers`")
    };
    let value: Value =
        serde_json::from_str(&text).map_err(|error| wrong(format!("no valid JSON: {error}")))?;
    let word = |value: Option<&Value>, key: &str| {
        value
            .and_then(|value| value.get(key))
            .and_then(Value::as_str)
            .map(str::to_string)
            .ok_or_else(|| wrong(format!("expected a string at `{key}`")))
    };
    let source = value.get("source");
    let source = Source {
        kind: word(source, "kind")?,
        name: word(source, "name")?,
        revision: word(source, "revision")?,
    };
    let files = value
        .get("files")
        .and_then(Value::as_array)
        .ok_or_else(|| wrong("expected an array at `files`".to_string()))?
        .iter()
        .map(|file| Ok((word(Some(file), "path")?, word(Some(file), "sha256")?)))
        .collect::<Result<_, Diagnostic>>()?;
    Ok(Some(Record { source, files }))
}

/// Text of a record.
pub fn text(source: &Source, files: &[(String, String)]) -> String {
    let files: Vec<Value> = files
        .iter()
        .map(|(path, sha256)| json!({ "path": path, "sha256": sha256 }))
        .collect();
    let value = json!({
        "source": { "kind": source.kind, "name": source.name, "revision": source.revision },
        "files": files,
    });
    format!("{value:#}\n")
}
