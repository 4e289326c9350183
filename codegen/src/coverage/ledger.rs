//! The ledger: items, their verdicts and the counts.

use super::called::Called;
use super::skipped::Skip;
use std::collections::BTreeMap;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A function of the main table.
    Function,
    /// A slot of another table: of an extension, of a second table, of an object's vtable.
    Slot,
    /// A field of a struct; a member of an anonymous union.
    Field,
    /// A value of an enum.
    EnumValue,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The generator makes its safe form, here.
    Generated(String),
    /// A person wrote its safe form, here.
    HandWritten(String),
    /// It has none, for this reason.
    Skipped(String),
    /// Nobody has decided; what is missing.
    Undecided(String),
}

impl Verdict {
    /// Generated or hand-written.
    pub fn is_covered(&self) -> bool {
        matches!(self, Verdict::Generated(_) | Verdict::HandWritten(_))
    }

    /// It needs a verdict.
    pub fn is_undecided(&self) -> bool {
        matches!(self, Verdict::Undecided(_))
    }

    /// In a word.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Generated(_) => "generated",
            Verdict::HandWritten(_) => "hand-written",
            Verdict::Skipped(_) => "skipped",
            Verdict::Undecided(_) => "undecided",
        }
    }

    /// Path, reason or what is missing.
    pub fn text(&self) -> &str {
        match self {
            Verdict::Generated(text)
            | Verdict::HandWritten(text)
            | Verdict::Skipped(text)
            | Verdict::Undecided(text) => text,
        }
    }
}

/// An item and its verdict.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Module of its header.
    pub module: String,
    /// Table, struct or enum that it belongs to.
    pub owner: String,
    /// C name: of a field `STRUCT.FIELD`, of a slot without a type of its own `TABLE.SLOT`.
    pub name: String,
    /// The minor version that it appeared in, if that is recorded.
    pub since: Option<u32>,
    /// For a field: it is a slot, or the function whose argument it is part of is undecided. Who
    /// names what is missing names that and not this.
    pub follows: bool,
    /// What became of it.
    pub verdict: Verdict,
}

/// How many items of a kind have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All.
    pub total: usize,
    /// With a generated safe form.
    pub generated: usize,
    /// With a hand-written one.
    pub hand_written: usize,
    /// With a reason for having none.
    pub skipped: usize,
    /// Without a verdict.
    pub undecided: usize,
}

impl Count {
    /// Counts.
    pub fn of<'a>(items: impl Iterator<Item = &'a Item>) -> Count {
        let mut count = Count::default();
        for item in items {
            count.total += 1;
            *match item.verdict {
                Verdict::Generated(_) => &mut count.generated,
                Verdict::HandWritten(_) => &mut count.hand_written,
                Verdict::Skipped(_) => &mut count.skipped,
                Verdict::Undecided(_) => &mut count.undecided,
            } += 1;
        }
        count
    }
}

/// A judgement that names what is not so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dangling {
    /// The C name that it is about.
    pub name: String,
    /// What is wrong.
    pub problem: String,
}

/// Everything that `cargo xtask coverage` knows.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// All items, in the order of the facts.
    pub items: Vec<Item>,
    /// Judgements of the overlay that name what is not there, or what does not reach its call.
    pub dangling: Vec<Dangling>,
    /// Entries of `skipped.toml` that skip nothing.
    pub stale: Vec<Dangling>,
    /// Names of the recording that the facts do not have.
    pub unknown: Vec<String>,
    /// The entries of `skipped.toml`.
    pub skips: BTreeMap<String, Skip>,
    /// What the macro could not expand.
    pub faults: Vec<String>,
    /// Which functions were called on which plugin.
    pub called: Called,
}

impl Ledger {
    /// Counts of a kind.
    pub fn count(&self, kind: Kind) -> Count {
        Count::of(self.items.iter().filter(|i| i.kind == kind))
    }

    /// Items by module, in the order of the facts.
    pub fn modules(&self) -> Vec<(&str, Vec<&Item>)> {
        let mut order: Vec<&str> = Vec::new();
        let mut items: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
        for item in &self.items {
            let entry = items.entry(&item.module).or_default();
            if entry.is_empty() {
                order.push(&item.module);
            }
            entry.push(item);
        }
        order
            .into_iter()
            .map(|m| (m, items.remove(m).unwrap_or_default()))
            .collect()
    }
}
