//! From which minor on an item is there, and as it is today.

use std::collections::{BTreeMap, BTreeSet};

use super::types::*;

/// Where an item stands among the minors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minors {
    /// The first minor that has it in some commit.
    pub since: u32,
    /// The first minor from which on every commit has it: all recorded commits of this and of any
    /// later minor. One above the newest minor if some commit of the newest lacks it. None for what
    /// was removed and never in all commits of a minor.
    pub safe_since: Option<u32>,
    /// The same with the layout of today (of its last commit, for what was removed).
    pub layout_since: Option<u32>,
    /// The minor of the first commit without it, if it is gone.
    pub removed: Option<u32>,
}

/// An item at one commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The item is there.
    pub(super) there: bool,
    /// It is there as it is today.
    pub(super) same: bool,
}

impl Seen {
    /// From what is asked about a body, if there is one.
    pub(super) fn of<T>(body: Option<T>, same: impl FnOnce(T) -> bool) -> Self {
        Self {
            there: body.is_some(),
            same: body.is_some_and(same),
        }
    }
}

impl History {
    /// The minor of a state for the items of a module: the FFI header counts for itself.
    pub fn minor_of(&self, module: &str, state: usize) -> Option<u32> {
        let state = self.states.get(state)?;
        match module {
            FFI => state.ffi,
            _ => Some(state.minor),
        }
    }

    /// What something says of an item at every state, asked once for each of its versions.
    pub(super) fn at_states<'i, T, X: Clone>(
        &self,
        item: &'i Item<T>,
        ask: impl Fn(Option<&'i T>) -> X,
    ) -> Vec<X> {
        let versions = item.versions.iter();
        self.spread(ask(None), versions.map(|v| (v.state, ask(v.body.as_ref()))))
    }

    /// A value for every state, of values that hold from a state on.
    pub(super) fn spread<X: Clone>(
        &self,
        mut now: X,
        from: impl Iterator<Item = (usize, X)>,
    ) -> Vec<X> {
        let mut values = Vec::with_capacity(self.states.len());
        for (state, value) in from {
            values.resize(state.max(values.len()), now);
            now = value;
        }
        values.resize(self.states.len().max(values.len()), now);
        values
    }

    /// The states that say something of a module's items.
    pub(super) fn timeline(&self, module: &str) -> Option<Timeline<'_>> {
        let module = self.module(module)?;
        let revisions = module.revisions.iter();
        // Commits without the header say nothing: no plugin of theirs has the extension.
        let there = revisions.map(|r| (r.state, r.header != Presence::Gone));
        let there = self.spread(false, there);
        let minor = |(state, there): (usize, bool)| match there {
            true => self.minor_of(&module.name, state),
            false => None,
        };
        Some(Timeline {
            history: self,
            module: &module.name,
            counted: there.into_iter().enumerate().map(minor).collect(),
        })
    }
}

/// The states that say something of a module's items.
pub(super) struct Timeline<'h> {
    history: &'h History,
    module: &'h str,
    /// The minor of every state; none for those that say nothing.
    counted: Vec<Option<u32>>,
}

/// What all states of a minor say together.
struct OfMinor {
    some_there: bool,
    all_there: bool,
    all_same: bool,
}

impl Timeline<'_> {
    /// Follows something through all states.
    pub(super) fn minors(&self, all: &[Seen]) -> Option<Minors> {
        let last = all.iter().rposition(|seen| seen.there)?;
        let mut by_minor: BTreeMap<u32, OfMinor> = BTreeMap::new();
        for (minor, seen) in self.counted.iter().zip(all).take(last.checked_add(1)?) {
            let Some(minor) = minor else { continue };
            let of = by_minor.entry(*minor).or_insert(OfMinor {
                some_there: false,
                all_there: true,
                all_same: true,
            });
            of.some_there |= seen.there;
            of.all_there &= seen.there;
            of.all_same &= seen.same;
        }
        let since = by_minor.iter().find(|(_, of)| of.some_there);
        let since = since.map(|(minor, _)| *minor)?;
        let gone = last.checked_add(1).filter(|next| *next < all.len());
        let from = |good: fn(&OfMinor) -> bool| {
            let mut newer = None;
            for (minor, of) in by_minor.iter().rev() {
                if !good(of) {
                    let next = gone.is_none().then(|| minor.saturating_add(1));
                    return newer.or(next);
                }
                newer = Some(*minor);
            }
            newer
        };
        Some(Minors {
            since,
            safe_since: from(|of| of.all_there),
            layout_since: from(|of| of.all_same),
            removed: gone.and_then(|state| self.history.minor_of(self.module, state)),
        })
    }
}

/// Minors for readers: `0.1 to 0.114`.
pub fn ranges(minors: &BTreeSet<u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for minor in minors {
        match runs.last_mut() {
            Some((_, last)) if last.saturating_add(1) == *minor => *last = *minor,
            _ => runs.push((*minor, *minor)),
        }
    }
    let text = |(first, last): &(u32, u32)| match first == last {
        true => format!("0.{first}"),
        false => format!("0.{first} to 0.{last}"),
    };
    let all: Vec<String> = runs.iter().map(text).collect();
    all.join(", ")
}
