//! What was read from a header before, by what it was read from.

use std::path::PathBuf;

use pjrt_codegen::schema::{Detail, Header, Schema, digest, from_value, sha256, to_value};
use serde_json::{Value, json};

/// What reading one header gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its facts.
    Header(Box<Header>),
    /// It declares nothing.
    Nothing,
    /// It holds C++ helpers and no interface.
    Helpers,
    /// It does not parse: why.
    Failed(Vec<String>),
}

/// The extractor's sources: another extractor may read another thing.
const EXTRACTOR: [&str; 22] = [
    include_str!("../clang/mod.rs"),
    include_str!("../clang/enums.rs"),
    include_str!("../clang/extension.rs"),
    include_str!("../clang/functions.rs"),
    include_str!("../clang/header.rs"),
    include_str!("../clang/index.rs"),
    include_str!("../clang/kinds.rs"),
    include_str!("../clang/macros.rs"),
    include_str!("../clang/source.rs"),
    include_str!("../clang/standins.rs"),
    include_str!("../clang/structs.rs"),
    include_str!("../clang/types.rs"),
    include_str!("../clang/standins/assert.h"),
    include_str!("../clang/standins/cstddef"),
    include_str!("../clang/standins/cstdint"),
    include_str!("../clang/standins/stdbool.h"),
    include_str!("../clang/standins/stddef.h"),
    include_str!("../clang/standins/stdint.h"),
    include_str!("../clang/standins/xla/pjrt/pjrt_client.h"),
    include_str!("../clang/standins/xla/pjrt/pjrt_common.h"),
    include_str!("../headers/marks.rs"),
    include_str!("../headers/set.rs"),
];

/// A folder of outcomes.
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The folder of this extractor below `target`.
    pub fn open(target: &std::path::Path) -> Self {
        let extractor = sha256(EXTRACTOR.concat().as_bytes());
        let short = extractor.get(..12).unwrap_or(&extractor);
        Self {
            folder: target.join("history").join(short),
        }
    }

    /// An outcome that is there and whole; anything else is read again.
    pub fn load(&self, key: &str) -> Option<Outcome> {
        let text = std::fs::read_to_string(self.folder.join(key)).ok()?;
        let value: Value = serde_json::from_str(&text).ok()?;
        if let Some(schema) = value.get("header") {
            let schema = from_value(key, schema, Detail::Compact).ok()?;
            let mut header = schema.headers.into_iter().next()?;
            header.digest = digest(&header);
            return Some(Outcome::Header(Box::new(header)));
        }
        if let Some(problems) = value.get("failed").and_then(Value::as_array) {
            let texts = problems.iter().map(|p| p.as_str().map(str::to_string));
            return Some(Outcome::Failed(texts.collect::<Option<_>>()?));
        }
        match value.get("none").and_then(Value::as_str)? {
            "nothing" => Some(Outcome::Nothing),
            "helpers" => Some(Outcome::Helpers),
            _ => None,
        }
    }

    /// Stores an outcome. That it cannot be stored costs time and nothing else.
    pub fn store(&self, key: &str, outcome: &Outcome) {
        let value = match outcome {
            Outcome::Header(header) => {
                let schema = Schema {
                    headers: vec![header.as_ref().clone()],
                    ..Schema::default()
                };
                json!({ "header": to_value(&schema, Detail::Compact) })
            }
            Outcome::Failed(problems) => json!({ "failed": problems }),
            Outcome::Nothing => json!({ "none": "nothing" }),
            Outcome::Helpers => json!({ "none": "helpers" }),
        };
        let path = self.folder.join(key);
        let partial = self.folder.join(format!(".{key}"));
        let write = || {
            std::fs::create_dir_all(&self.folder)?;
            std::fs::write(&partial, value.to_string())?;
            std::fs::rename(&partial, &path)
        };
        let _ = write();
    }
}
