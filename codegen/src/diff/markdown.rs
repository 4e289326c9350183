//! The report as Markdown, for a changelog or a review.

use super::types::*;

/// A table for each sort of change.
pub fn markdown(diff: &Diff) -> String {
    let mut out = format!(
        "# PJRT {} to {}\n\n",
        diff.old.version(),
        diff.new.version()
    );
    out.push_str(&format!(
        "From {} to {}.\n",
        diff.old.name(),
        diff.new.name()
    ));
    for note in &diff.notes {
        out.push_str(&format!("\n> {}\n", cell(note)));
    }
    let Some(class) = diff.class() else {
        out.push_str("\nNothing differs.\n");
        return out;
    };
    let semver = diff.semver();
    out.push_str(&format!(
        "\n{} changes: **{}**. Consequence for `pjrt`: **{}**, {}.\n",
        diff.changes.len(),
        class.word(),
        semver.level.word(),
        semver.explained("`")
    ));
    for what in What::ALL {
        let changes: Vec<&Change> = diff.of(what).collect();
        if changes.is_empty() {
            continue;
        }
        let mut title = what.word().to_string();
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        out.push_str(&format!("\n## {title}\n\n"));
        out.push_str("| kind | name | since | class | how | safe methods |\n");
        out.push_str("|---|---|---|---|---|---|\n");
        for change in changes {
            let since = change
                .since
                .map_or(String::new(), |since| match change.is_ffi() {
                    true => format!("FFI 0.{since}"),
                    false => format!("0.{since}"),
                });
            out.push_str(&format!(
                "| {} | `{}` | {since} | {} | {} | {} |\n",
                change.kind.word(),
                change.name,
                change.class.word(),
                cell(&change.detail()),
                change.shown_methods("`")
            ));
        }
    }
    out
}

/// Text that ends no cell and begins no markup.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*")
}
