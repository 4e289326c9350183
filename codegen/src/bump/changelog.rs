//! The changelog: a section for each version of the headers.

use super::compare::Changes;
use crate::schema::Schema;

/// The file's place in the repository.
pub const CHANGELOG: &str = "CHANGELOG.md";

const HEAD: &str = "# Changelog

What each version of the PJRT headers brought, the newest first. `cargo xtask bump` writes the
sections; a box under \"To look at\" is ticked by whoever looked at the code that it names.
";
const BOX: &str = "- [ ] ";
const LOOK: &str = "To look at";

/// The text with a section of the new headers. Lines that the section has already stay as they are.
pub(super) fn with(text: &str, new: &Schema, changes: &Changes) -> String {
    if changes.is_empty() {
        return text.to_owned();
    }
    let text = if text.trim().is_empty() { HEAD } else { text };
    let heading = format!("## PJRT {}.{}", new.major, new.minor);
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(|l| l.trim_end() == heading);
    let (before, section, after) = match start {
        Some(start) => {
            let rest = lines.get(start + 1..).unwrap_or_default();
            let end = rest.iter().position(|l| l.starts_with("## "));
            let (section, after) = rest.split_at(end.unwrap_or(rest.len()));
            (lines.get(..start).unwrap_or_default(), section, after)
        }
        None => {
            let next = lines.iter().position(|l| l.starts_with("## "));
            let (before, after) = lines.split_at(next.unwrap_or(lines.len()));
            (before, &[][..], after)
        }
    };
    let mut section: Vec<String> = section.iter().map(|l| (*l).to_owned()).collect();
    let parts = [
        ("Added", "- ", &changes.added),
        ("Changed", "- ", &changes.changed),
        ("Removed", "- ", &changes.removed),
        (LOOK, BOX, &changes.look),
    ];
    for (title, bullet, lines) in parts {
        put(&mut section, title, bullet, lines);
    }
    let mut out = join(before);
    out.push_str(&format!("\n{heading}\n\n"));
    let section: Vec<&str> = section.iter().map(String::as_str).collect();
    out.push_str(&join(&section));
    if !after.is_empty() {
        out.push('\n');
        out.push_str(&join(after));
    }
    out
}

/// Adds lines to the part of a section that has this title, which is made if it is not there.
fn put(section: &mut Vec<String>, title: &str, bullet: &str, lines: &[String]) {
    let text = |line: &str| {
        let line = line.trim_start_matches("- ").trim_start_matches("[ ] ");
        line.trim_start_matches("[x] ").to_owned()
    };
    let known: Vec<String> = section.iter().map(|l| text(l)).collect();
    let fresh = lines.iter().filter(|l| !known.contains(l));
    let fresh: Vec<String> = fresh.map(|l| format!("{bullet}{l}")).collect();
    if fresh.is_empty() {
        return;
    }
    let heading = format!("### {title}");
    let at = match section.iter().position(|l| *l == heading) {
        Some(at) => {
            let rest = section.get(at + 1..).unwrap_or_default();
            let end = rest.iter().position(|l| l.starts_with('#'));
            let mut end = at + 1 + end.unwrap_or(rest.len());
            while section.get(end - 1).is_some_and(|l| l.trim().is_empty()) {
                end -= 1;
            }
            end
        }
        None => {
            section.extend([String::new(), heading, String::new()]);
            section.len()
        }
    };
    section.splice(at..at, fresh);
}

/// Lines without empty ones at either end.
fn join(lines: &[&str]) -> String {
    let text = lines.join("\n");
    format!("{}\n", text.trim_matches('\n'))
}

/// The boxes of a changelog that nobody ticked, with their section.
pub fn to_look_at(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut section = "";
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title.trim();
        } else if let Some(item) = line.strip_prefix(BOX) {
            found.push((section.to_owned(), item.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(minor: u32) -> Schema {
        Schema {
            minor,
            ..Schema::default()
        }
    }

    fn changes(added: &[&str], look: &[&str]) -> Changes {
        let own = |lines: &[&str]| lines.iter().map(|l| (*l).to_owned()).collect();
        Changes {
            added: own(added),
            look: own(look),
            ..Changes::default()
        }
    }

    #[test]
    fn the_newest_section_comes_first() {
        let one = with("", &schema(1), &changes(&["function `F`"], &[]));
        let two = with(&one, &schema(2), &changes(&["function `G`"], &["x"]));
        let (head, rest) = two.split_once("## PJRT 0.2\n").unwrap();
        assert_eq!(head, format!("{HEAD}\n"));
        assert_eq!(
            rest,
            "\n### Added\n\n- function `G`\n\n### To look at\n\n- [ ] x\n\n## PJRT 0.1\n\n### Added\n\n- function `F`\n"
        );
    }

    #[test]
    fn a_section_that_is_there_gets_what_it_lacks() {
        let first = with("", &schema(1), &changes(&["a"], &["x"]));
        assert_eq!(to_look_at(&first), [("PJRT 0.1".into(), "x".into())]);
        let ticked = first.replace("[ ]", "[x]");
        assert_eq!(to_look_at(&ticked), []);
        assert_eq!(with(&ticked, &schema(1), &changes(&["a"], &["x"])), ticked);
        let more = with(&ticked, &schema(1), &changes(&["a", "b"], &["x"]));
        assert!(more.contains("- a\n- b\n"), "{more}");
        assert_eq!(more.matches("## PJRT").count(), 1);
        assert_eq!(with(&more, &schema(1), &Changes::default()), more);
    }
}
