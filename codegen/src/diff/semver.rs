//! What `pjrt` made for the second set is to users of `pjrt` made for the first.

use super::types::*;

/// The part of the version that has to grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing that a program can name is other than it was.
    Patch,
    /// There is more.
    Minor,
    /// Something that a program may name is gone or other than it was.
    Major,
}

impl Level {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

/// A consequence and its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Semver {
    /// The part of the version.
    pub level: Level,
    /// Why, in a sentence.
    pub reason: String,
    /// The items that ask for no less.
    pub because: Vec<String>,
}

/// More than these are counted and not named.
const NAMED: usize = 3;

impl Semver {
    /// The reason and the first few items that it is about, each between marks.
    pub(super) fn explained(&self, mark: &str) -> String {
        let first = self.because.iter().take(NAMED);
        let first: Vec<String> = first.map(|name| format!("{mark}{name}{mark}")).collect();
        let more = self.because.len().saturating_sub(NAMED);
        let names = match more {
            0 => first.join(", "),
            _ => format!("{} and {more} more", first.join(", ")),
        };
        format!("{}: {names}", self.reason)
    }
}

impl Diff {
    /// The semver consequence of all changes.
    pub fn semver(&self) -> Semver {
        if !self.same_major() {
            return Semver {
                level: Level::Major,
                reason: "one build supports one major".to_string(),
                because: vec!["PJRT_API_MAJOR".to_string()],
            };
        }
        let of = |c: &Change| (consequence(c), c.name.clone());
        let mut all: Vec<((Level, &str), String)> = self.changes.iter().map(of).collect();
        let Some(level) = all.iter().map(|((level, _), _)| *level).max() else {
            return Semver {
                level: Level::Patch,
                reason: "nothing differs".to_string(),
                because: Vec::new(),
            };
        };
        all.retain(|((of, _), _)| *of == level);
        let mut reasons: Vec<&str> = all.iter().map(|((_, reason), _)| *reason).collect();
        reasons.sort_unstable();
        reasons.dedup();
        Semver {
            level,
            reason: reasons.join("; "),
            because: all.into_iter().map(|(_, name)| name).collect(),
        }
    }
}

fn consequence(change: &Change) -> (Level, &'static str) {
    use {Class as C, Kind as K, Level as L, What as W};
    match (change.what, change.kind) {
        (W::Removed, _) if change.header_gone => (
            L::Patch,
            "a deleted header stays in schema/extra, for plugins that have it",
        ),
        (W::Removed, _) => (L::Major, "calls, fields or constants go away"),
        (W::Added, _) => (
            L::Minor,
            "calls, setters, outputs or constants are new, and all that was there stays",
        ),
        (W::Renamed, K::Field) if super::compute::is_head(field(change)) => {
            (L::Patch, "fields that no program fills have other names")
        }
        (W::Renamed, _) => (L::Major, "generated names follow the C names"),
        (W::Moved, K::Value) => (L::Major, "constants have other numbers"),
        (W::Moved, _) => (
            L::Minor,
            "plugins with the other layout are refused with an error",
        ),
        (W::Resized, K::Field | K::Slot | K::Enum) => (L::Major, "values have another width"),
        (W::Resized, _) => (L::Patch, "only sizes differ"),
        (W::Changed, _) if change.class == C::Breaking => (L::Major, "values have another type"),
        (W::Changed, _) => (L::Patch, "only what C spells differs"),
    }
}

fn field(change: &Change) -> &str {
    let parts = change.name.split_once('.');
    parts.map_or("", |(_, field)| field)
}
