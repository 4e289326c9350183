//! An entry of the overlay as it is written for a person: what could be inferred, and holes.

use crate::overlay::vocabulary::HOLE;

/// What a person must decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// C name that it is about.
    pub about: String,
    /// What to decide.
    pub decide: String,
    /// A text that may be right; empty where none can be guessed.
    pub proposal: String,
    /// The entry is a comment until it is decided.
    pub holds: bool,
    /// Line in the overlay's file.
    pub line: usize,
}

/// An entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// `section.NAME`
    pub title: String,
    lines: Vec<String>,
    holes: Vec<Hole>,
}

impl Entry {
    pub(super) fn new(section: &str, name: &str) -> Entry {
        let title = format!("{section}.{name}");
        Entry {
            lines: vec![format!("[{title}]")],
            title,
            holes: Vec::new(),
        }
    }

    pub(super) fn line(&mut self, text: impl Into<String>) {
        self.lines.push(text.into());
    }

    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.lines.push(format!("{key} = {}", quoted(value)));
    }

    /// Documentation: what the header says, or words that say nothing and a hole.
    pub(super) fn doc(&mut self, said: Option<&String>, otherwise: &str) {
        match said {
            Some(said) => self.text("doc", said),
            None => {
                self.text("doc", otherwise);
                self.open("doc: the header has no comment above it", "", false);
            }
        }
    }

    /// Something to decide; with `holds` the entry is a comment until then.
    pub(super) fn open(&mut self, decide: &str, proposal: &str, holds: bool) {
        let about = self.title.split_once('.').map_or("", |(_, name)| name);
        self.holes.push(Hole {
            about: about.to_owned(),
            decide: decide.to_owned(),
            proposal: proposal.to_owned(),
            holds,
            line: 0,
        });
    }

    /// A key without a value, which keeps the entry a comment.
    pub(super) fn hole(&mut self, key: &str, decide: &str, proposal: &str) {
        self.line(format!("{key} = \"{HOLE}\""));
        self.open(&format!("{key}: {decide}"), proposal, true);
    }

    pub(super) fn held(&self) -> bool {
        self.holes.iter().any(|h| h.holds)
    }

    /// The text that the loader reads.
    pub(super) fn active(&self) -> String {
        match self.held() {
            true => String::new(),
            false => self.lines.join("\n") + "\n",
        }
    }

    /// Appends the entry to a file's text and its holes to those of the file.
    pub(super) fn write(self, text: &mut String, holes: &mut Vec<Hole>) {
        if !text.is_empty() {
            text.push('\n');
        }
        let held = self.held();
        for mut hole in self.holes {
            hole.line = text.lines().count() + 1;
            text.push_str(&format!("# hole: {}: {}\n", hole.about, hole.decide));
            if !hole.proposal.is_empty() {
                text.push_str(&format!("# proposal: {}\n", hole.proposal));
            }
            holes.push(hole);
        }
        for line in self.lines.join("\n").lines() {
            match held {
                true => text.push_str(format!("# {line}").trim_end()),
                false => text.push_str(line),
            }
            text.push('\n');
        }
    }
}

/// A text in TOML: of several lines where it has several.
fn quoted(text: &str) -> String {
    let text = text.replace(HOLE, "?").replace('\\', "\\\\");
    let text = text.replace('"', "\\\"");
    match text.contains('\n') {
        true => format!("\"\"\"\n{text}\"\"\""),
        false => format!("\"{text}\""),
    }
}
