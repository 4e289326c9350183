//! `schema/skipped.toml`: what has no safe form, and why.

use crate::diag::{Diagnostic, Diagnostics};
use crate::overlay::vocabulary::HOLE;
use crate::overlay::{self, Tree};
use std::collections::BTreeMap;

/// The file's place in the repository.
pub const SKIPPED: &str = "schema/skipped.toml";
/// Most entries that the file may have.
pub const LIMIT: usize = 15;

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Why.
    pub reason: String,
    /// Line in the file.
    pub line: u32,
}

/// Reads the file: lines `name = "reason"` and `"STRUCT.FIELD" = "reason"`.
pub fn load(text: &str) -> Result<BTreeMap<String, Skip>, Diagnostics> {
    let node = overlay::parse_toml(text, 0, SKIPPED)?;
    let mut found = Diagnostics::default();
    let mut skips = BTreeMap::new();
    for (name, value) in node.entries() {
        let reason = match &value.tree {
            Tree::Text(reason) => Some(reason.trim()),
            _ => None,
        };
        match reason {
            Some(reason) if !reason.is_empty() && !reason.contains(HOLE) => {
                let skip = Skip {
                    reason: reason.to_owned(),
                    line: value.place.line,
                };
                skips.insert(name.clone(), skip);
            }
            _ => found.push(
                Diagnostic::new(
                    "C010",
                    SKIPPED,
                    format!(
                        "`{name}` must be text that is not empty and has no `{HOLE}`, found {}",
                        value
                            .text()
                            .map_or_else(|| value.type_name().to_owned(), |t| format!("`{t}`"))
                    ),
                )
                .at(value.place.line, value.place.column)
                .help("write `NAME = \"reason\"`; a name with a dot needs quotes"),
            ),
        }
    }
    found.into_result(skips)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_reason_and_line() {
        let skips = load("# why\nPJRT_X = \"no use\"\n\"PJRT_T.old\" = \"gone\"\n").unwrap();
        assert_eq!(skips.len(), 2);
        assert_eq!(skips["PJRT_T.old"].line, 3);
        assert_eq!(skips["PJRT_X"].reason, "no use");
    }

    #[test]
    fn an_entry_without_a_reason_is_refused_where_it_stands() {
        let faults = load("PJRT_X = \" \"\nPJRT_Y = 3\nPJRT_T.old = \"x\"\n").unwrap_err();
        let text = faults.to_string();
        assert_eq!(faults.len(), 3, "{text}");
        assert!(
            text.contains("skipped.toml:1:") && text.contains("`PJRT_X`"),
            "{text}"
        );
        assert!(
            text.contains("skipped.toml:2:") && text.contains("an integer")
                || text.contains("number"),
            "{text}"
        );
        assert!(
            load("X = ")
                .unwrap_err()
                .to_string()
                .contains("skipped.toml:1")
        );
    }
}
