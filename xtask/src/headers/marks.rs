//! What the comment beside a field says about it. Pure functions over text.

use pjrt_codegen::schema::Direction;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Direction, all spellings normalised.
    pub dir: Option<Direction>,
    /// The word `optional`.
    pub optional: bool,
}

/// Reads the comment that follows a field on its last line, with or without the slashes.
pub fn trailing(comment: &str) -> Marks {
    let text = clean(comment);
    Marks {
        dir: direction(&text),
        optional: text
            .split([',', ';', '.'])
            .any(|clause| clause.trim() == "optional"),
    }
}

/// Reads the first line of the comment above a field: only `Out: ...` and `In: ...` count, for
/// prose may begin with either word.
pub fn above(comment: &str) -> Option<Direction> {
    let text = clean(comment);
    let (word, _) = text.split_once(':')?;
    exact(word)
}

/// Reads a comment on a line of its own that opens a group of fields: the bare word.
pub fn group(comment: &str) -> Option<Direction> {
    exact(&clean(comment))
}

fn clean(comment: &str) -> String {
    comment
        .trim()
        .trim_start_matches(['/', '*'])
        .trim_end_matches("*/")
        .trim()
        .to_ascii_lowercase()
}

fn exact(word: &str) -> Option<Direction> {
    let word: String = word
        .chars()
        .filter(|c| !matches!(c, ' ' | '/' | '-'))
        .collect();
    match word.as_str() {
        "in" | "input" => Some(Direction::In),
        "out" | "output" => Some(Direction::Out),
        "inout" => Some(Direction::InOut),
        _ => None,
    }
}

fn direction(text: &str) -> Option<Direction> {
    // "pointer to array in; values written as out"
    if text.starts_with("pointer to array in") && text.ends_with("as out") {
        return Some(Direction::InOut);
    }
    for both in ["in/out", "in / out", "in-out", "inout"] {
        if let Some(rest) = text.strip_prefix(both) {
            return ends_word(rest).then_some(Direction::InOut);
        }
    }
    for (word, dir) in [
        ("output", Direction::Out),
        ("input", Direction::In),
        ("out", Direction::Out),
        ("in", Direction::In),
    ] {
        let Some(rest) = text.strip_prefix(word) else {
            continue;
        };
        let stop = rest.is_empty() || rest.starts_with([':', ';', ',', '.']);
        return (stop || (word == "out" && rest.starts_with(" array"))).then_some(dir);
    }
    None
}

fn ends_word(rest: &str) -> bool {
    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_out_is_out() {
        for text in [
            "// out",
            "//out",
            "// out.",
            "// out, but read below",
            "// out array of pointers",
            "// Output: Pointer to the phase compiler.",
            "// Output; has size num_x.",
            "/* out */",
        ] {
            assert_eq!(trailing(text).dir, Some(Direction::Out), "{text}");
        }
    }

    #[test]
    fn every_spelling_of_both_is_both() {
        for text in [
            "// in/out",
            "// in / out",
            "// in-out",
            "// inout",
            "// in/out depending on usage",
            "// pointer to array in; values written as out",
        ] {
            assert_eq!(trailing(text).dir, Some(Direction::InOut), "{text}");
        }
    }

    #[test]
    fn in_is_in() {
        for text in ["// in", "// in.", "// Input: Number of phases to run."] {
            assert_eq!(trailing(text).dir, Some(Direction::In), "{text}");
        }
    }

    #[test]
    fn prose_is_no_mark() {
        for text in [
            "// owned",
            "// backs serialized_bytes.",
            "// in this array",
            "// out of range",
            "// Output device buffer. The caller is responsible",
            "// outer bound",
            "// internal",
            "// lifetime of the call.",
            "",
        ] {
            assert_eq!(trailing(text), Marks::default(), "{text}");
        }
    }

    #[test]
    fn optional_is_a_clause_of_its_own() {
        assert!(trailing("// optional").optional);
        let both = trailing("// out, optional");
        assert_eq!((both.dir, both.optional), (Some(Direction::Out), true));
        assert!(!trailing("// optional tilings of the layout").optional);
    }

    #[test]
    fn a_comment_above_needs_a_colon() {
        assert_eq!(above("// Out: serialized module"), Some(Direction::Out));
        assert_eq!(above("// In: serialized module"), Some(Direction::In));
        assert_eq!(above("// Out of the box: nothing"), None);
        assert_eq!(above("// Output device buffer"), None);
    }

    #[test]
    fn a_group_needs_the_bare_word() {
        assert_eq!(group("// out"), Some(Direction::Out));
        assert_eq!(group("// out of order"), None);
    }
}
