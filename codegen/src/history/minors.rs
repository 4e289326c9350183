//! From which minor on an item is there, and as it is today.

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
        let mut answers = Vec::with_capacity(self.states.len());
        let mut now = ask(None);
        for version in &item.versions {
            answers.resize(version.state.max(answers.len()), now);
            now = ask(version.body.as_ref());
        }
        answers.resize(self.states.len().max(answers.len()), now);
        answers
    }

    /// Follows something through all states of a module.
    pub(super) fn minors_by(&self, module: &Module, all: &[Seen]) -> Option<Minors> {
        let last = all.iter().rposition(|seen| seen.there)?;
        let minor = |state: usize| self.minor_of(&module.name, state);
        // Commits without the header say nothing: no plugin of theirs has the extension.
        let counted: Vec<(u32, Seen)> = (0..=last)
            .filter(|state| !matches!(module.at(*state), None | Some(Presence::Gone)))
            .filter_map(|state| Some((minor(state)?, *all.get(state)?)))
            .collect();
        let there = counted.iter().filter(|(_, seen)| seen.there);
        let since = there.map(|(minor, _)| *minor).min()?;
        let gone = last.checked_add(1).filter(|next| *next < all.len());
        let newest = counted.iter().map(|(minor, _)| *minor).max()?;
        let from = |good: fn(&Seen) -> bool| {
            let bad = counted.iter().filter(|(_, seen)| !good(seen));
            let Some(bad) = bad.map(|(minor, _)| *minor).max() else {
                return counted.iter().map(|(minor, _)| *minor).min();
            };
            let later = counted.iter().map(|(minor, _)| *minor).filter(|m| *m > bad);
            let next = (gone.is_none() && bad == newest).then(|| newest.saturating_add(1));
            later.min().or(next)
        };
        Some(Minors {
            since,
            safe_since: from(|seen| seen.there),
            layout_since: from(|seen| seen.same),
            removed: gone.and_then(minor),
        })
    }
}
