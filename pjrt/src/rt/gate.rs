//! What a plugin's version has of each item, from the history: looked up once, when a table is
//! copied.

/// What plugins from a minor version on have of an item: the minor version, the size that the
/// plugin's table reports (0: any), the size to give, and how many bytes the plugin knows. An item
/// that it lacks has 0 for the last two, one that it lays out otherwise 0 and 1.
pub type Row = [u32; 4];

/// A slot whose function was not always as it is today.
#[derive(Clone, Copy, Debug)]
pub struct Gated {
    /// The function, or the slot where it holds none.
    pub name: &'static str,
    /// Offset of the slot in the table.
    pub offset: usize,
    /// Its rows, in the order of versions.
    pub rows: &'static [Row],
}

/// What the history knows of a table.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// The newest minor version, or the size of ours.
    pub newest: u32,
    /// Versions are counted by the size that the table reports, and stand in the place of minor
    /// versions in rows: the header is a vendor's, with revisions of its own.
    pub by_size: bool,
    /// Where the last field of ours ends.
    pub whole: usize,
    /// The slots that changed.
    pub gates: &'static [Gated],
    /// The table itself, by minor version and reported size: where it really ends.
    pub ends: &'static [Row],
}

/// The sizes of a function's arguments for one plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// The size to give.
    pub sent: u32,
    /// How many bytes the plugin knows.
    pub known: u32,
}

/// Arguments, and zeroes for a version whose arguments are larger.
#[repr(C)]
pub struct Room<T, const N: usize> {
    /// The arguments.
    pub args: T,
    /// What such a version reads behind them.
    pub rest: [u8; N],
}

/// What a plugin has of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Absent,
    Incompatible,
    Known(Gate),
}

impl Verdict {
    fn of(row: &Row) -> Verdict {
        match *row {
            [_, _, 0, 0] => Verdict::Absent,
            [_, _, 0, _] => Verdict::Incompatible,
            [_, _, sent, known] => Verdict::Known(Gate { sent, known }),
        }
    }
}

/// The version of a table as the history counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// The plugin's minor version; one more than the newest known for all newer ones.
    pub(crate) minor: u32,
    /// What the table reports.
    pub(crate) reported: u32,
}

impl Version {
    /// A table of the newest version that is longer than ours counts as newer.
    pub(crate) fn new(minor: u32, reported: usize, newest: u32, ours: usize) -> Version {
        let newer = minor > newest || (minor == newest && reported > ours);
        Version {
            minor: if newer {
                newest.saturating_add(1)
            } else {
                minor
            },
            reported: u32::try_from(reported).unwrap_or(u32::MAX),
        }
    }

    /// The version of a table by its history.
    pub(crate) fn of(history: &History, minor: u32, reported: usize, ours: usize) -> Version {
        let counted = match history.by_size {
            true => u32::try_from(reported).unwrap_or(u32::MAX),
            false => minor,
        };
        Version::new(counted, reported, history.newest, ours)
    }

    /// What it has of an item: the row for its reported size, else the last for any.
    pub(crate) fn verdict(self, rows: &[Row]) -> Verdict {
        let own = |row: &&Row| row[0] == self.minor && row[1] == self.reported && row[1] != 0;
        let any = |row: &&Row| row[0] <= self.minor && row[1] == 0;
        let found = rows.iter().find(own).or_else(|| rows.iter().rfind(any));
        found.map_or(Verdict::Absent, Verdict::of)
    }

    /// Where the table really ends; none if it is laid out otherwise than ours.
    pub(crate) fn end(self, ends: &[Row]) -> Option<usize> {
        let own = |row: &&Row| row[0] == self.minor && row[1] == self.reported;
        match ends.iter().find(own).map(Verdict::of) {
            Some(Verdict::Known(gate)) => Some(gate.known as usize),
            Some(Verdict::Incompatible) => None,
            Some(Verdict::Absent) | None => Some(self.reported as usize),
        }
    }
}

/// The first minor version from which on an item is laid out as ours.
pub(crate) fn layout_since(rows: &[Row]) -> u32 {
    after(rows, Verdict::Incompatible)
}

/// The first minor version from which on an item is there; 0 if it always was.
pub(crate) fn since(rows: &[Row]) -> u32 {
    after(rows, Verdict::Absent)
}

/// The first minor version after the last with a verdict; 0 if none has it.
fn after(rows: &[Row], verdict: Verdict) -> u32 {
    let after = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| Verdict::of(row) == verdict)
        .map(|(at, row)| {
            // A row of one reported size is about its minor version alone.
            let next = || {
                rows.iter()
                    .skip(at.saturating_add(1))
                    .find(|next| next[1] == 0)
            };
            match row[1] {
                0 => next().map_or(u32::MAX, |next| next[0]),
                _ => row[0].saturating_add(1),
            }
        });
    after.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &[Row] = &[
        [40, 0, 0, 0],
        [52, 0, 24, 24],
        [56, 0, 0, 1],
        [56, 808, 24, 24],
        [57, 0, 32, 24],
        [61, 0, 32, 32],
    ];

    fn known(sent: u32, known: u32) -> Verdict {
        Verdict::Known(Gate { sent, known })
    }

    fn at(minor: u32, reported: usize) -> Verdict {
        Version::new(minor, reported, 114, 1144).verdict(ROWS)
    }

    #[test]
    fn the_last_row_that_begins_early_enough_counts() {
        assert_eq!(at(51, 808), Verdict::Absent);
        assert_eq!(at(55, 808), known(24, 24));
        assert_eq!(at(58, 840), known(32, 24));
        assert_eq!(at(114, 1144), known(32, 32));
    }

    #[test]
    fn a_row_of_the_reported_size_counts_before_all() {
        assert_eq!(at(56, 808), known(24, 24));
        assert_eq!(at(56, 816), Verdict::Incompatible);
        assert_eq!(at(57, 808), known(32, 24), "it is about its own version");
    }

    #[test]
    fn a_table_longer_than_ours_at_the_newest_version_is_newer() {
        let version = |minor, reported| Version::new(minor, reported, 114, 1144).minor;
        assert_eq!(version(114, 1144), 114);
        assert_eq!(version(114, 1152), 115);
        assert_eq!(version(117, 1144), 115);
    }

    #[test]
    fn a_stale_size_is_known_for_what_it_is() {
        let ends: &[Row] = &[[40, 808, 808, 816], [56, 816, 0, 1]];
        let end = |minor, reported| Version::new(minor, reported, 114, 1144).end(ends);
        assert_eq!(end(40, 808), Some(816));
        assert_eq!(end(40, 800), Some(800), "no recorded table says so");
        assert_eq!(end(57, 808), Some(808));
        assert_eq!(end(56, 816), None);
    }

    #[test]
    fn the_version_since_which_a_layout_holds_is_told() {
        assert_eq!(layout_since(ROWS), 57);
        assert_eq!(layout_since(&[[40, 0, 0, 1], [76, 0, 48, 48]]), 76);
        assert_eq!(layout_since(&[[40, 0, 24, 24], [112, 88, 0, 1]]), 113);
    }

    #[test]
    fn the_version_since_which_an_item_is_there_is_told() {
        assert_eq!(since(ROWS), 52);
        assert_eq!(since(&[[40, 0, 24, 24]]), 0);
        assert_eq!(since(&[[40, 0, 24, 24], [61, 80, 0, 0]]), 62);
    }
}
