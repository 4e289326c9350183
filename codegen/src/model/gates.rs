//! What plugins of other versions have of each item: the history, as far as generated code asks.
//!
//! A plugin says its minor version and, for each of its tables, a size. A [`Row`] says what all
//! recorded revisions that agree with both have of an item. [`Gates::rows`] holds only items that
//! were not always as they are today.

use crate::schema::Struct;
use std::collections::BTreeMap;

/// What a plugin has of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Some revision of its version lacks it.
    Absent,
    /// Some revision of its version has it otherwise than ours.
    Incompatible,
    /// All revisions of its version have it as the beginning of ours, or ours is that of theirs.
    Known {
        /// The size to give, in bytes: the largest of the headers' own constants.
        sent: u32,
        /// How many bytes all of them know.
        known: u32,
    },
}

/// What plugins from a minor version on have of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The first minor version; for a row with a reported size, the only one.
    pub minor: u32,
    /// The size that the plugin's table reports; 0 where it does not matter.
    pub reported: u32,
    /// What it has.
    pub verdict: Verdict,
}

impl Row {
    /// As four numbers; what has no sizes has 0 for the first, and 0 (absent) or 1 for the second.
    pub fn numbers(&self) -> [u32; 4] {
        let (sent, known) = match self.verdict {
            Verdict::Absent => (0, 0),
            Verdict::Incompatible => (0, 1),
            Verdict::Known { sent, known } => (sent, known),
        };
        [self.minor, self.reported, sent, known]
    }

    /// From four numbers.
    pub fn from_numbers([minor, reported, sent, known]: [u32; 4]) -> Row {
        let verdict = match (sent, known) {
            (0, 0) => Verdict::Absent,
            (0, _) => Verdict::Incompatible,
            (sent, known) => Verdict::Known { sent, known },
        };
        Row {
            minor,
            reported,
            verdict,
        }
    }
}

/// What versions have of all items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gates {
    /// Functions (the sizes are those of their argument structs), structs with a size of their own,
    /// and tables; rows in the order of minor and reported size. What is not here was always as it
    /// is today.
    pub rows: BTreeMap<String, Vec<Row>>,
    /// Values of enumerations that came after the oldest supported version: number and the first
    /// minor version from which on all have it.
    pub values: BTreeMap<String, Vec<(i64, u32)>>,
}

impl Gates {
    /// Rows of an item that changed.
    pub fn of(&self, item: &str) -> &[Row] {
        self.rows.get(item).map_or(&[], Vec::as_slice)
    }

    /// The first minor version from which on all plugins know the first `end` bytes of an item, if
    /// some that have the item know fewer. What no recorded version knows is not later: it came
    /// with the schema.
    pub fn later(&self, item: &str, end: u64) -> Option<u32> {
        let since = first_after(self.of(item), |verdict| match verdict {
            Verdict::Known { known, .. } => u64::from(known) < end,
            Verdict::Absent | Verdict::Incompatible => false,
        });
        since.filter(|since| *since != NEVER)
    }

    /// The first minor version from which on the item is laid out as ours, if it was not always.
    pub fn layout_since(&self, item: &str) -> Option<u32> {
        first_after(self.of(item), |verdict| verdict == Verdict::Incompatible)
    }
}

/// In the place of a version: no recorded one.
const NEVER: u32 = u32::MAX;

/// The first minor version after the last one that is so.
fn first_after(rows: &[Row], is_so: impl Fn(Verdict) -> bool) -> Option<u32> {
    let mut after = None;
    for (at, row) in rows.iter().enumerate().filter(|(_, r)| is_so(r.verdict)) {
        let mut next = rows.iter().skip(at.saturating_add(1));
        let end = match row.reported {
            0 => next.find(|r| r.reported == 0).map(|r| r.minor),
            _ => Some(row.minor.saturating_add(1)),
        };
        after = after.max(Some(end.unwrap_or(NEVER)));
    }
    after
}

/// Where a struct's last field ends.
pub fn end(structure: &Struct) -> u64 {
    let ends = structure.fields.iter();
    ends.map(|f| f.offset.saturating_add(f.size))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gates(rows: &[[u32; 4]]) -> Gates {
        let rows = rows.iter().copied().map(Row::from_numbers).collect();
        Gates {
            rows: BTreeMap::from([("X".to_owned(), rows)]),
            values: BTreeMap::new(),
        }
    }

    #[test]
    fn a_field_is_later_where_some_version_that_has_the_item_ends_before_it() {
        let gates = gates(&[[40, 0, 0, 0], [50, 0, 24, 24], [61, 0, 32, 32]]);
        assert_eq!(gates.later("X", 24), None);
        assert_eq!(gates.later("X", 32), Some(61));
        assert_eq!(gates.later("Y", 8), None, "what always was is never later");
    }

    #[test]
    fn a_row_of_one_reported_size_is_about_its_minor_alone() {
        let gates = gates(&[[40, 0, 24, 24], [56, 816, 0, 1], [70, 0, 32, 32]]);
        assert_eq!(gates.layout_since("X"), Some(57));
        assert_eq!(gates.later("X", 32), Some(70));
    }

    #[test]
    fn rows_survive_their_numbers() {
        for numbers in [[40, 0, 0, 0], [41, 808, 0, 1], [42, 0, 24, 32]] {
            assert_eq!(Row::from_numbers(numbers).numbers(), numbers);
        }
    }
}
