//! What the header of a vendor says above a declaration: the first words of its documentation.

use super::index::Spot;
use super::source::Sources;

/// The comment that ends on the line before a declaration, without its marks.
pub fn above(sources: &Sources<'_>, start: &Spot) -> Option<String> {
    let whole = Spot {
        offset: 0,
        ..start.clone()
    };
    let before = sources.text_from(&whole).get(..start.offset)?;
    let before = match before.rfind('\n') {
        Some(end) => before.get(..end)?,
        None => return None,
    };
    let last = before.lines().next_back()?.trim();
    let lines: Vec<&str> = if last.ends_with("*/") {
        let from = before.rfind("/*")?;
        // A comment behind code belongs to that code.
        let line = before.get(..from)?.rsplit('\n').next().unwrap_or("");
        if !line.trim().is_empty() {
            return None;
        }
        before.get(from..)?.lines().collect()
    } else {
        let lines = before.lines().rev().map(str::trim);
        let mut lines: Vec<&str> = lines.take_while(|l| l.starts_with("//")).collect();
        lines.reverse();
        lines
    };
    let bare = |line: &str| {
        let line = line.trim().trim_start_matches(['/', '*', '!']);
        let line = line.strip_suffix("*/").unwrap_or(line);
        line.trim().to_string()
    };
    let text: Vec<String> = lines.into_iter().map(bare).collect();
    let text = text.join("\n").trim().to_string();
    let says = text.chars().any(char::is_alphabetic) && !text.starts_with('-');
    says.then_some(text)
}
