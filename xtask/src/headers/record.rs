//! `SOURCE.json`: where the files of a set came from.

use std::path::Path;

use pjrt_codegen::diag::Diagnostic;
use pjrt_codegen::schema::Source;
use serde_json::{Value, json};

/// Name of the record in the root of a set.
pub const FILE: &str = "SOURCE.json";

/// Reads the record of a set; a folder without one is just a directory.
pub fn read(root: &Path) -> Result<Source, Diagnostic> {
    let path = root.join(FILE);
    let shown = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Source {
                kind: "directory".to_string(),
                ..Source::default()
            });
        }
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
    let field = |key: &str| {
        value
            .get("source")
            .and_then(|source| source.get(key))
            .and_then(Value::as_str)
            .map(str::to_string)
            .ok_or_else(|| wrong(format!("expected a string at `source.{key}`")))
    };
    Ok(Source {
        kind: field("kind")?,
        name: field("name")?,
        revision: field("revision")?,
    })
}

/// Text of a record: the source, and path and SHA-256 of each file.
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
