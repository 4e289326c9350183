//! What is different between two sets of headers, each a commit of the history or a schema: what
//! was added, removed, renamed, moved, resized or given another type, what each change means for
//! programs and plugins of the two versions, which safe methods it concerns, and what it asks of the
//! version of `pjrt`.
//!
//! # Classes
//!
//! - *compatible*: nothing that was there is used in another way: new structs, enumerations, types
//!   of callbacks and extensions; a value with a number that was free; another spelling of a type
//!   (`const`, the target of a `void*`); a size constant that was corrected; a confirmed rename.
//! - *appended*: a table, or a struct that begins with its size, became longer at its end; a value
//!   above all others. Sizes, versions and null tests tell which form a plugin has.
//! - *breaking*: everything else: what is gone, what stands elsewhere, what has another type or
//!   width, what came in between, what was appended to a struct that does not state its size.
//!
//! A new struct or table is one change, its fields none; the functions of a new table are a change
//! each. A function that appears at a table's end makes the table longer: both are listed.

mod compute;
mod json;
mod markdown;
mod names;
mod semver;
mod since;
mod text;
mod touched;
mod types;
mod view;
mod wanted;

#[cfg(test)]
mod tests;

pub use json::json;
pub use markdown::markdown;
pub use semver::{Level, Semver};
pub use text::text;
pub use touched::Methods;
pub use types::*;
pub use view::Input;
pub use wanted::{Found, Wanted, find};

use crate::history::{History, Renames};
use view::{Facts, View};

/// Compares two sets of headers. `renames` are needed for schemas: the history has applied them.
pub fn diff(
    history: &History,
    renames: &Renames,
    methods: &Methods,
    old: Input<'_>,
    new: Input<'_>,
) -> Diff {
    let facts = [old, new].map(|input| match input {
        Input::State(_) => None,
        Input::Schema(schema, _) => Some(Facts::of(schema, renames)),
    });
    let [old_facts, new_facts] = &facts;
    let old = view(history, renames, old, old_facts.as_ref());
    let new = view(history, renames, new, new_facts.as_ref());
    let mut changes = compute::Compare::changes(history, &old, &new);
    touched::functions(&mut changes, &old, &new);
    methods.fill(&mut changes);
    let mut notes = Vec::new();
    for (side, other) in [(&old, &new), (&new, &old)] {
        if !side.unreadable.is_empty() {
            notes.push(format!(
                "{}: {} could not be read, so what they declare is missing here",
                side.side.name(),
                side.unreadable.join(", ")
            ));
        }
        let modules = other.modules.keys();
        let lacking = modules.filter(|module| !side.modules.contains_key(*module));
        let lacking: Vec<&str> = lacking.copied().collect();
        if side.partial && !lacking.is_empty() {
            notes.push(format!(
                "{} has no header of {}: their items count as not there",
                side.side.name(),
                lacking.join(", ")
            ));
        }
    }
    let in_both = |change: &Change| {
        let module = change.module.as_str();
        old.modules.contains_key(module) && new.modules.contains_key(module)
    };
    if old.side.major != new.side.major {
        notes
            .push("another major: plugins of one are refused by programs of the other".to_string());
    } else if old.side.minor == new.side.minor && changes.iter().any(in_both) {
        notes.push(format!(
            "both say {}: what a plugin of it has follows from the sizes that it reports",
            new.side.version()
        ));
    }
    Diff {
        old: old.side,
        new: new.side,
        notes,
        changes,
    }
}

fn view<'a>(
    history: &'a History,
    renames: &Renames,
    input: Input<'a>,
    facts: Option<&'a Facts>,
) -> View<'a> {
    match (input, facts) {
        (Input::Schema(schema, place), Some(facts)) => {
            View::of_facts(facts, schema, place, renames, history)
        }
        (Input::State(state), _) => View::of_state(history, state),
        (Input::Schema(..), None) => View::default(),
    }
}

impl Side {
    /// `0.81`
    pub fn version(&self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// For people: `0.81 (2502868fd169, 2025-11-05)`.
    pub fn name(&self) -> String {
        match &self.commit {
            Some(commit) => format!("{} ({commit}, {})", self.version(), self.place),
            None => format!("{} ({})", self.version(), self.place),
        }
    }
}
