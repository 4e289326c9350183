//! JSON with an order of keys and a fixed layout, so that a change of one fact is a change of
//! one line.

use std::fmt::Write as _;

/// A JSON tree whose objects keep their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    /// An integer.
    Int(i128),
    /// A string.
    Str(String),
    /// A boolean.
    Bool(bool),
    /// An array: elements on lines of their own if one of them is an object.
    Arr(Vec<Json>),
    /// An object on one line, save for a last value that is a block.
    Obj(Vec<(&'static str, Json)>),
    /// An object with one key per line.
    Doc(Vec<(&'static str, Json)>),
}

impl Json {
    pub(crate) fn str(text: &str) -> Self {
        Self::Str(text.to_string())
    }

    fn is_block(&self) -> bool {
        match self {
            Self::Int(_) | Self::Str(_) | Self::Bool(_) => false,
            Self::Arr(items) => items
                .iter()
                .any(|item| matches!(item, Self::Obj(_) | Self::Doc(_))),
            Self::Obj(pairs) => pairs.iter().any(|(_, value)| value.is_block()),
            Self::Doc(_) => true,
        }
    }

    /// The canonical text, with a final newline.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        self.block(0, &mut out);
        out.push('\n');
        out
    }

    /// The text without any white space between tokens' lines.
    pub(crate) fn line(&self) -> String {
        let mut out = String::new();
        self.inline(&mut out);
        out
    }

    fn block(&self, depth: usize, out: &mut String) {
        match self {
            Self::Arr(items) if self.is_block() => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    break_line(index, depth + 1, out);
                    item.block(depth + 1, out);
                }
                break_line(0, depth, out);
                out.push(']');
            }
            Self::Doc(pairs) => {
                out.push('{');
                for (index, (key, value)) in pairs.iter().enumerate() {
                    break_line(index, depth + 1, out);
                    push_str(key, out);
                    out.push_str(": ");
                    value.block(depth + 1, out);
                }
                break_line(0, depth, out);
                out.push('}');
            }
            Self::Obj(pairs) => {
                out.push('{');
                for (index, (key, value)) in pairs.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    push_str(key, out);
                    out.push_str(": ");
                    value.block(depth, out);
                }
                out.push('}');
            }
            _ => self.inline(out),
        }
    }

    fn inline(&self, out: &mut String) {
        match self {
            Self::Int(value) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "{value}");
            }
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Str(text) => push_str(text, out),
            Self::Arr(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    item.inline(out);
                }
                out.push(']');
            }
            Self::Obj(pairs) | Self::Doc(pairs) => {
                out.push('{');
                for (index, (key, value)) in pairs.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    push_str(key, out);
                    out.push_str(": ");
                    value.inline(out);
                }
                out.push('}');
            }
        }
    }

    /// The same tree as a value of `serde_json`.
    pub(crate) fn into_value(self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Int(value) => match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => Value::from(value),
                (_, Ok(value)) => Value::from(value),
                _ => Value::Null,
            },
            Self::Str(text) => Value::from(text),
            Self::Bool(value) => Value::from(value),
            Self::Arr(items) => Value::Array(items.into_iter().map(Self::into_value).collect()),
            Self::Obj(pairs) | Self::Doc(pairs) => Value::Object(
                pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_string(), value.into_value()))
                    .collect(),
            ),
        }
    }
}

fn break_line(index: usize, depth: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn push_str(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if u32::from(c) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
