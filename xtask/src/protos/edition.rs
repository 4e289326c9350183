//! Files of an edition, read by a parser that knows `proto2` and `proto3` alone.
//!
//! An edition of 2023 is `proto3` with other words: presence is explicit unless a feature says
//! otherwise, and reserved names stand without quotes. Only features of a whole file are read; any
//! other is refused, for it would change the facts without a trace.

use std::collections::BTreeMap;

/// A file as the parser takes it, and what was taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// Text in the syntax `proto3`, or the text itself.
    pub text: String,
    /// The edition; none where the text was left alone.
    pub edition: Option<String>,
    /// Features of the whole file.
    pub features: BTreeMap<String, String>,
}

impl Rewritten {
    /// Whether the absence of a single value is told from its default.
    pub fn explicit(&self) -> bool {
        let presence = self.features.get("field_presence");
        self.edition.is_some() && presence.is_none_or(|word| word == "EXPLICIT")
    }
}

/// Rewrites a file of the edition 2023; leaves every other as it is.
///
/// # Errors
///
/// Another edition, and features that are not understood.
pub fn rewrite(text: &str) -> Result<Rewritten, String> {
    let bare = without_comments(text);
    let mut statements = bare.split(';').map(str::trim);
    let Some(edition) = statements.find_map(|s| quoted(s.strip_prefix("edition")?)) else {
        return Ok(Rewritten {
            text: text.to_owned(),
            ..Rewritten::default()
        });
    };
    if edition != "2023" {
        return Err(format!("edition {edition}: only 2023 is known"));
    }
    let mut out = Rewritten {
        edition: Some(edition),
        ..Rewritten::default()
    };
    for statement in bare.split_inclusive([';', '{', '}']) {
        let (body, end) = statement.split_at(statement.len().saturating_sub(1));
        let trimmed = body.trim();
        if trimmed.starts_with("edition") {
            out.text.push_str("syntax = \"proto3\";");
        } else if let Some(feature) = trimmed.strip_prefix("option features.") {
            let (name, value) = feature
                .split_once('=')
                .ok_or_else(|| format!("`{trimmed}` sets nothing"))?;
            let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
            if name != "field_presence" || !matches!(value.as_str(), "EXPLICIT" | "IMPLICIT") {
                return Err(format!("the feature {name} = {value} is not known"));
            }
            out.features.insert(name, value);
        } else if body.contains("features.") {
            return Err(format!(
                "`{trimmed}`: only features of a whole file are known"
            ));
        } else if let Some(names) = reserved_names(trimmed) {
            out.text.push_str(&format!(" reserved {names};"));
        } else {
            out.text.push_str(body);
            out.text.push_str(end);
        }
    }
    Ok(out)
}

/// The names of `reserved A, B`, in quotes; none for numbers and for names that have quotes.
fn reserved_names(statement: &str) -> Option<String> {
    let names = statement.strip_prefix("reserved")?;
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    let word = |name: &str| {
        let mut chars = name.chars();
        let first = chars
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        first && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if !names.iter().all(|name| word(name)) {
        return None;
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    Some(quoted.join(", "))
}

fn quoted(text: &str) -> Option<String> {
    let value = text.trim().strip_prefix('=')?.trim();
    let inner = value.trim_matches(['"', '\'']);
    (inner.len() + 2 == value.len()).then(|| inner.to_owned())
}

/// The text with a space in the place of each comment; quotes are minded.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut quote = None;
    while let Some(c) = rest.chars().next() {
        let comment = match (quote, rest) {
            (Some(_), _) => None,
            (None, rest) if rest.starts_with("//") => Some(rest.find('\n').unwrap_or(rest.len())),
            (None, rest) if rest.starts_with("/*") => {
                Some(rest.find("*/").map_or(rest.len(), |end| end + 2))
            }
            _ => None,
        };
        let length = match comment {
            Some(length) => {
                out.push(' ');
                length
            }
            None => {
                quote = match quote {
                    Some(open) if open == c => None,
                    None if c == '"' || c == '\'' => Some(c),
                    same => same,
                };
                out.push(c);
                c.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_left_alone() {
        let text = "// edition = \"2023\";\nsyntax = \"proto3\";\nmessage A {}\n";
        let out = rewrite(text).unwrap();
        assert_eq!((out.text.as_str(), out.edition.clone()), (text, None));
        assert!(!out.explicit());
    }

    #[test]
    fn an_edition_becomes_proto3_and_its_features_are_told() {
        let text = "/* x; */ edition = \"2023\"; // y\npackage a;\noption features.field_presence = IMPLICIT;\nmessage A { int32 b = 1; reserved 5 to 8; reserved c, D; }";
        let out = rewrite(text).unwrap();
        assert_eq!(out.edition.as_deref(), Some("2023"));
        assert!(!out.explicit());
        assert!(out.text.contains("syntax = \"proto3\";"), "{}", out.text);
        assert!(out.text.contains("reserved \"c\", \"D\";"), "{}", out.text);
        assert!(out.text.contains("reserved 5 to 8;"), "{}", out.text);
        assert!(!out.text.contains("features"), "{}", out.text);
        assert!(rewrite("edition = '2023';").unwrap().explicit());
    }

    #[test]
    fn what_would_change_facts_unseen_is_refused() {
        assert!(rewrite("edition = \"2024\";").is_err());
        let field =
            "edition = \"2023\"; message A { int32 b = 1 [features.field_presence = IMPLICIT]; }";
        assert!(rewrite(field).unwrap_err().contains("whole file"));
        assert!(rewrite("edition = \"2023\"; option features.enum_type = CLOSED;").is_err());
    }
}
