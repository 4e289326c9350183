//! XLA's options that go by name, and what kind of value each takes.

/// A line for each option, sorted by name; see the generator for the form.
const TABLE: &str = include_str!("options.txt");

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Bool,
    Int32,
    Int64,
    Float,
    Text,
    Enum,
    List,
}

impl Takes {
    /// In words, for errors.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Takes::Bool => "true or false",
            Takes::Int32 => "a whole number of 32 bits",
            Takes::Int64 => "a whole number of 64 bits",
            Takes::Float => "a number",
            Takes::Text => "text",
            Takes::Enum => "the name of a value as text, or its number",
            Takes::List => "text with commas between the items",
        }
    }
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.lines().filter_map(|line| line.split_once(' '))
}

/// What the option of this name takes; none if there is no such option.
pub(crate) fn takes(name: &str) -> Option<Takes> {
    let (_, kind) = rows().find(|(known, _)| *known == name)?;
    Some(match kind {
        "bool" => Takes::Bool,
        "int32" => Takes::Int32,
        "int64" => Takes::Int64,
        "float" | "double" => Takes::Float,
        "string" => Takes::Text,
        "enum" => Takes::Enum,
        _ => Takes::List,
    })
}

/// The known name that takes the fewest changes, if few do.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    let most = name.len() / 4 + 1;
    let known = rows().map(|(known, _)| known);
    let close = known.filter(|known| known.len().abs_diff(name.len()) <= most);
    let best = close.map(|known| (changes(name, known), known)).min()?;
    (best.0 <= most).then_some(best.1)
}

/// How many letters must be added, removed or exchanged.
fn changes(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut before = i;
        let mut left = i.saturating_add(1);
        for (slot, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let above = *slot;
            let exchanged = before + usize::from(x != y);
            left = exchanged.min(above + 1).min(left + 1);
            before = above;
            *slot = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i.saturating_add(1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_understood() {
        let kinds = [
            "bool", "int32", "int64", "float", "double", "string", "enum",
        ];
        assert!(rows().count() > 250);
        assert_eq!(rows().count(), TABLE.lines().count());
        for (name, kind) in rows() {
            assert!(kinds.contains(&kind.trim_end_matches('*')), "{name} {kind}");
        }
        assert_eq!(takes("xla_dump_to"), Some(Takes::Text));
        assert_eq!(takes("xla_gpu_enable_command_buffer"), Some(Takes::List));
        assert_eq!(takes("xla_dump"), None);
    }

    #[test]
    fn the_nearest_name_is_found_and_far_ones_are_not() {
        assert_eq!(nearest("xla_dump_too"), Some("xla_dump_to"));
        assert_eq!(nearest("xla_dumb_hlo_as_txt"), Some("xla_dump_hlo_as_text"));
        assert_eq!(nearest("quite_another_thing"), None);
        assert_eq!(nearest(""), None);
        for (a, b, count) in [("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)] {
            assert_eq!(changes(a, b), count, "{a} {b}");
            assert_eq!(changes(b, a), count, "{b} {a}");
        }
    }
}
