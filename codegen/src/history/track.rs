//! Follows every item from state to state.

use std::collections::{BTreeMap, BTreeSet};

use super::canon::{Declared, Old};
use super::compat::{same_field, same_prefix};
use super::renames::Renames;
use super::types::*;
use crate::diag::{Diagnostic, Diagnostics};

/// All items.
#[derive(Default)]
pub(super) struct Items {
    pub(super) structs: Vec<Item<StructBody>>,
    pub(super) enums: Vec<Item<EnumBody>>,
    pub(super) functions: Vec<Item<FunctionBody>>,
    pub(super) callbacks: Vec<Item<Signature>>,
}

/// What one state changed: old and new bodies.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) structs: Vec<Change<StructBody>>,
    pub(super) enums: Vec<Change<EnumBody>>,
    pub(super) functions: Vec<Change<Vec<FunctionBody>>>,
}

/// An item that a state changed.
pub(super) struct Change<T> {
    pub(super) name: String,
    pub(super) old: Option<T>,
    pub(super) new: Option<T>,
}

type All<T> = BTreeMap<String, Item<T>>;

pub(super) struct Tracker<'r> {
    renames: &'r Renames,
    structs: All<StructBody>,
    enums: All<EnumBody>,
    functions: All<Vec<FunctionBody>>,
    callbacks: All<Signature>,
    /// Old names in use at the last state.
    old: BTreeSet<Old>,
    renamed: BTreeMap<usize, BTreeMap<usize, Vec<String>>>,
    problems: Diagnostics,
}

impl<'r> Tracker<'r> {
    pub(super) fn new(renames: &'r Renames) -> Self {
        Self {
            renames,
            structs: All::new(),
            enums: All::new(),
            functions: All::new(),
            callbacks: All::new(),
            old: Default::default(),
            renamed: BTreeMap::new(),
            problems: Diagnostics::new(),
        }
    }

    /// As it was at the end of a history, whose last headers are `last`.
    pub(super) fn resume(
        history: &History,
        renames: &'r Renames,
        last: &[Declared],
    ) -> Result<Self, Diagnostics> {
        let key = |r: &Renamed| (r.what.clone(), r.from.clone(), r.to.clone());
        let rules = renames.list.iter();
        let wanted: Vec<_> = rules
            .map(|r| (r.what.word().to_string(), r.from.clone(), r.to.clone()))
            .collect();
        if !wanted
            .iter()
            .eq(history.renamed.iter().map(key).collect::<Vec<_>>().iter())
        {
            let message = "the history was folded with other renames";
            return Err(Diagnostic::new("V010", &renames.file, message)
                .help("a rename is one item under its newest name from the first commit on: fold the whole history again, from its repository")
                .into());
        }
        let places = |item: &Item<FunctionBody>| Item {
            name: item.name.clone(),
            module: item.module.clone(),
            versions: item
                .versions
                .iter()
                .map(|v| Version {
                    state: v.state,
                    body: v.body.clone().map(|body| vec![body]),
                })
                .collect(),
        };
        let renamed = history.renamed.iter().enumerate();
        let mut tracker = Self::new(renames);
        tracker.structs = by_name(&history.structs);
        tracker.enums = by_name(&history.enums);
        tracker.callbacks = by_name(&history.callbacks);
        let functions: Vec<_> = history.functions.iter().map(places).collect();
        tracker.functions = by_name(&functions);
        tracker.old = last.iter().flat_map(|d| d.old.iter().cloned()).collect();
        tracker.renamed = renamed
            .map(|(rule, r)| (rule, r.at.iter().cloned().collect()))
            .collect();
        Ok(tracker)
    }

    /// Takes the declarations of all headers at a state.
    pub(super) fn state(&mut self, state: usize, all: &[(&str, &Declared)]) -> Changes {
        let structs = step(state, &mut self.structs, gather(all, |d| &d.structs));
        let enums = step(state, &mut self.enums, gather(all, |d| &d.enums));
        let functions = step(state, &mut self.functions, gather(all, |d| &d.functions));
        step(state, &mut self.callbacks, gather(all, |d| &d.callbacks));
        let changes = Changes {
            structs,
            enums,
            functions,
        };
        let old = all
            .iter()
            .flat_map(|(_, d)| d.old.iter().cloned())
            .collect();
        let words = all.iter().flat_map(|(_, d)| d.words.iter());
        let words: BTreeSet<&str> = words.map(String::as_str).collect();
        let before = std::mem::replace(&mut self.old, old);
        for was in before {
            if !self.old.contains(&was) {
                self.switch(state, &was, &changes, &words);
            }
        }
        changes
    }

    /// An old name is no longer used: the new one must stand at its place, or the item is gone.
    fn switch(&mut self, state: usize, was: &Old, changes: &Changes, words: &BTreeSet<&str>) {
        let Some(rule) = self.renames.list.get(was.rule) else {
            return;
        };
        let owner = if was.owner.is_empty() {
            &was.name
        } else {
            &was.owner
        };
        let kept = if let Some(change) = changes.structs.iter().find(|c| c.name == *owner) {
            let field = |s: &StructBody| s.fields.iter().find(|f| f.name == was.name).cloned();
            match (&change.old, &change.new) {
                (Some(old), Some(new)) if was.owner.is_empty() => Some(same_prefix(old, new)),
                (Some(old), Some(new)) => match (field(old), field(new)) {
                    (Some(old), Some(new)) => Some(same_field(&old, &new)),
                    _ => None,
                },
                _ => None,
            }
        } else if let Some(change) = changes.enums.iter().find(|c| c.name == *owner) {
            let number = |e: &EnumBody| {
                let mut values = e.values.iter();
                values.find(|(name, _)| *name == was.name).map(|(_, n)| *n)
            };
            match (&change.old, &change.new) {
                (Some(_), Some(_)) if was.owner.is_empty() => Some(true),
                (Some(old), Some(new)) => match (number(old), number(new)) {
                    (Some(old), Some(new)) => Some(old == new),
                    _ => None,
                },
                _ => None,
            }
        } else {
            let there = self.structs.get(owner).is_some_and(Item::is_there)
                || self.enums.get(owner).is_some_and(Item::is_there)
                || self.functions.get(owner).is_some_and(Item::is_there)
                || words.contains(owner.as_str());
            there.then_some(true)
        };
        match kept {
            // The item went away with its old name.
            None => {}
            Some(true) => {
                let by_state = self.renamed.entry(was.rule).or_default();
                by_state.entry(state).or_default().push(owner.clone());
            }
            Some(false) => {
                let message = format!(
                    "`{}` became `{}`, and stands elsewhere or has another type: {owner}",
                    rule.from, rule.to
                );
                let problem = Diagnostic::new("V002", &self.renames.file, message)
                    .at(rule.line, 0)
                    .help("one item keeps its place; without this entry they are two");
                self.problems.push(problem);
            }
        }
    }

    pub(super) fn finish(mut self) -> Result<(Items, Vec<Renamed>), Diagnostics> {
        let mut renamed = Vec::new();
        for (index, rule) in self.renames.list.iter().enumerate() {
            let Some(at) = self.renamed.remove(&index) else {
                let message = format!("no `{}` was ever renamed to `{}`", rule.from, rule.to);
                let problem = Diagnostic::new("V003", &self.renames.file, message)
                    .at(rule.line, 0)
                    .help("correct the entry or remove it");
                self.problems.push(problem);
                continue;
            };
            renamed.push(Renamed {
                what: rule.what.word().to_string(),
                from: rule.from.clone(),
                to: rule.to.clone(),
                at: at
                    .into_iter()
                    .map(|(state, mut owners)| {
                        owners.sort();
                        owners.dedup();
                        (state, owners)
                    })
                    .collect(),
            });
        }
        let items = Items {
            structs: self.structs.into_values().collect(),
            enums: self.enums.into_values().collect(),
            functions: self.functions.into_values().map(one_place).collect(),
            callbacks: self.callbacks.into_values().collect(),
        };
        self.problems.into_result((items, renamed))
    }
}

fn by_name<T: Clone>(items: &[Item<T>]) -> All<T> {
    let items = items.iter();
    items.map(|i| (i.name.clone(), i.clone())).collect()
}

/// The declarations of all headers, each with its module. What two headers declare is the first's.
fn gather<'d, T>(
    all: &[(&'d str, &'d Declared)],
    part: impl Fn(&'d Declared) -> &'d BTreeMap<String, T>,
) -> BTreeMap<&'d str, (&'d str, &'d T)> {
    let mut found = BTreeMap::new();
    for (module, declared) in all {
        for (name, body) in part(declared) {
            found.entry(name.as_str()).or_insert((*module, body));
        }
    }
    found
}

fn step<T: Clone + PartialEq>(
    state: usize,
    items: &mut All<T>,
    now: BTreeMap<&str, (&str, &T)>,
) -> Vec<Change<T>> {
    let mut changes = Vec::new();
    let mut change = |item: &mut Item<T>, new: Option<&T>| {
        let old = item.versions.last().and_then(|v| v.body.as_ref());
        if old == new {
            return;
        }
        changes.push(Change {
            name: item.name.clone(),
            old: old.cloned(),
            new: new.cloned(),
        });
        item.versions.push(Version {
            state,
            body: new.cloned(),
        });
    };
    for (name, item) in items.iter_mut() {
        if !now.contains_key(name.as_str()) {
            change(item, None);
        }
    }
    for (name, (module, body)) in now {
        let fresh = || Item {
            name: name.to_string(),
            module: String::new(),
            versions: Vec::new(),
        };
        let item = items.entry(name.to_string()).or_insert_with(fresh);
        if item.module != module {
            item.module = module.to_string();
        }
        change(item, Some(body));
    }
    changes
}

/// Where a type is that of several slots, the function is the slot that it has later, and else the
/// first.
fn one_place(item: Item<Vec<FunctionBody>>) -> Item<FunctionBody> {
    let mut later: Option<(String, String)> = None;
    let mut versions: Vec<Version<FunctionBody>> = Vec::new();
    for version in item.versions.into_iter().rev() {
        let body = version.body.and_then(|mut places| {
            let same =
                |f: &FunctionBody| later.as_ref() == Some(&(f.table.clone(), f.slot.clone()));
            let at = places.iter().position(same).unwrap_or(0);
            (at < places.len()).then(|| places.swap_remove(at))
        });
        if let Some(body) = &body {
            later = Some((body.table.clone(), body.slot.clone()));
        }
        versions.push(Version {
            state: version.state,
            body,
        });
    }
    versions.reverse();
    versions.dedup_by(|b, a| a.body == b.body);
    Item {
        name: item.name,
        module: item.module,
        versions,
    }
}
