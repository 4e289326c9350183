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
    let value = without_cast(&value);
    is_literal(&value).then_some(Macro {
        name,
        value,
        line: start.line,
    })
}

/// `((PJRT_Extension_Type)1000)` is `1000`.
fn without_cast(value: &str) -> String {
    let casts = [
        "static_cast<PJRT_Extension_Type>(",
        "PJRT_Extension_Type(",
        "PJRT_Extension_Type)",
    ];
    let bare = value.trim_start_matches('(');
    match casts.iter().find_map(|cast| bare.strip_prefix(cast)) {
        Some(number) => number.trim_matches(['(', ')', ' ']).to_string(),
        None => value.to_string(),
    }
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
    let ends = |m: &&Macro| m.name.ends_with("_EXTENSION_VERSION");
    let upstream = |m: &&Macro| m.name.starts_with("PJRT_API_") && ends(m);
    let found = macros.iter().find(upstream);
    let found = found.or_else(|| macros.iter().find(ends))?;
    found.value.parse().ok()
}
