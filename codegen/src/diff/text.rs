//! The report on a terminal.

use super::types::*;

/// A few lines for each sort of change.
pub fn text(diff: &Diff) -> String {
    let mut out = format!("PJRT {} -> {}\n", diff.old.name(), diff.new.name());
    for note in &diff.notes {
        out.push_str(&format!("note: {note}\n"));
    }
    let Some(class) = diff.class() else {
        out.push_str("nothing differs\n");
        return out;
    };
    let semver = diff.semver();
    out.push_str(&format!(
        "{} changes, {}\npjrt: {}: {}\n",
        diff.changes.len(),
        class.word(),
        semver.level.word(),
        semver.explained("")
    ));
    for what in What::ALL {
        let changes: Vec<&Change> = diff.of(what).collect();
        if changes.is_empty() {
            continue;
        }
        out.push_str(&format!("\n{} ({})\n", what.word(), changes.len()));
        for change in changes {
            let since = change
                .since
                .map_or(String::new(), |since| match change.is_ffi() {
                    true => format!("FFI 0.{since}"),
                    false => format!("0.{since}"),
                });
            let line = format!(
                "  {:<10} {:<9} {since:>8}  {}",
                change.class.word(),
                change.kind.word(),
                change.name
            );
            out.push_str(line.trim_end());
            let detail = change.detail();
            if !detail.is_empty() {
                out.push_str(&format!(": {detail}"));
            }
            out.push('\n');
            if !change.methods.is_empty() {
                out.push_str(&format!("{:33}{}\n", "", change.shown_methods("")));
            }
        }
    }
    out
}

/// More than these are counted and not named.
const SHOWN: usize = 4;

impl Change {
    /// Values before and after, and why.
    pub fn detail(&self) -> String {
        let values = self.values.as_ref();
        let values = values.map(|(before, after)| format!("{before} -> {after}"));
        let mut parts: Vec<String> = values.into_iter().collect();
        if !self.note.is_empty() {
            parts.push(self.note.to_string());
        }
        parts.join(", ")
    }

    /// It counts the minors of the FFI header.
    pub(super) fn is_ffi(&self) -> bool {
        self.module == crate::history::FFI
    }

    /// The first few methods, each between marks.
    pub(super) fn shown_methods(&self, mark: &str) -> String {
        let first = self.methods.iter().take(SHOWN);
        let first: Vec<String> = first.map(|m| format!("{mark}{m}{mark}")).collect();
        let more = self.methods.len().saturating_sub(SHOWN);
        match more {
            0 => first.join(", "),
            _ => format!("{} and {more} more", first.join(", ")),
        }
    }
}
