//! Object-like macros whose value is an integer or a string.

use pjrt_codegen::schema::Macro;

use super::index::Cursor;
use super::source::Sources;

/// Reads a macro's definition; `None` for include guards, attributes and expressions.
pub fn read(cursor: Cursor<'_>, sources: &Sources<'_>) -> Option<Macro> {
    if cursor.is_function_like() {
        return None;
    }
    let (start, end) = (cursor.start(), cursor.end());
    let text = sources.text_from(&start);
    let text = text.get(..end.offset.checked_sub(start.offset)?)?;
    let name = cursor.name();
    let value = text.strip_prefix(name.as_str())?.replace("\\\n", " ");
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    is_literal(&value).then_some(Macro {
        name,
        value,
        line: start.line,
    })
}

fn is_literal(value: &str) -> bool {
    let inner = value
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or(value);
    let digits = inner.strip_prefix('-').unwrap_or(inner);
    let number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_alphanumeric());
    let string = inner.len() >= 2 && inner.starts_with('"') && inner.ends_with('"');
    number || string
}

/// The version that an extension's header states.
pub fn extension_version(macros: &[Macro]) -> Option<u32> {
    macros
        .iter()
        .find(|m| m.name.starts_with("PJRT_API_") && m.name.ends_with("_EXTENSION_VERSION"))
        .and_then(|m| m.value.parse().ok())
}
