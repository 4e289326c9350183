//! What an audit finds: a grade, a code that stays, and a line of text.

use serde_json::{Value, json};

/// How bad it is, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// Good to know.
    Note,
    /// It works, and something that it says or does is not as the headers have it.
    Wrong,
    /// Nothing can use it.
    Fatal,
}

impl Grade {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Wrong => "wrong",
            Self::Fatal => "fatal",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub grade: Grade,
    /// Stays the same, whatever the text becomes.
    pub code: &'static str,
    /// What was expected, what came, what to do next: one line.
    pub text: String,
}

impl Finding {
    /// Nothing can use the plugin.
    pub fn fatal(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(Grade::Fatal, code, text)
    }

    /// Something is not as it should be.
    pub fn wrong(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(Grade::Wrong, code, text)
    }

    /// Good to know.
    pub fn note(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(Grade::Note, code, text)
    }

    fn new(grade: Grade, code: &'static str, text: impl Into<String>) -> Self {
        // What plugins and the loader say may have several lines.
        let words: Vec<String> = text.into().lines().map(|l| l.trim().to_owned()).collect();
        Self {
            grade,
            code,
            text: words.join(" "),
        }
    }

    /// As the JSON report has it.
    pub fn json(&self) -> Value {
        json!({"grade": self.grade.word(), "code": self.code, "text": self.text})
    }
}

/// Names for a line of text: all of a few, else the first ones and how many more.
pub fn names<T: AsRef<str>>(all: &[T]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<&str> = all.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = all.len().saturating_sub(SHOWN);
    match more {
        0 => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line() {
        let found = Finding::wrong("x", "a\n  b");
        assert_eq!(found.text, "a b");
    }

    #[test]
    fn many_names_are_counted() {
        let all: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        assert_eq!(names(&all), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
        assert_eq!(names(&["a"]), "a");
    }
}
