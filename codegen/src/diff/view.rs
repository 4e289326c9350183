//! One set of declarations, from a state of the history or from a schema, with the newest names.

use std::collections::{BTreeMap, BTreeSet};

use super::types::Side;
use crate::history::canon::{Declared, declared};
use crate::history::{
    EnumBody, FunctionBody, History, Item, Presence, Renames, Signature, StructBody,
};
use crate::schema::Schema;

/// The major of the history, whose minors are of one major.
const MAJOR: u32 = 0;

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A state of the history.
    State(usize),
    /// A schema, and the file or folder that it is of.
    Schema(&'a Schema, &'a str),
}

/// A schema with the newest names.
pub(super) struct Facts {
    headers: Vec<(String, Option<u32>, Declared)>,
}

impl Facts {
    pub(super) fn of(schema: &Schema, renames: &Renames) -> Self {
        let headers = schema.headers.iter();
        Self {
            headers: headers
                .map(|h| {
                    let version = h.extension.as_ref().and_then(|e| e.version);
                    (h.module.clone(), version, declared(h, renames))
                })
                .collect(),
        }
    }
}

/// Something and the module that declares it.
pub(super) type Of<'a, T> = (&'a str, &'a T);

/// A name that is still the old one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OldName {
    pub(super) what: String,
    pub(super) from: String,
    pub(super) to: String,
    /// The struct or enumeration, or what has the name itself.
    pub(super) owner: String,
}

/// One set of declarations.
#[derive(Default)]
pub(super) struct View<'a> {
    pub(super) side: Side,
    /// The set may lack headers that there were.
    pub(super) partial: bool,
    pub(super) structs: BTreeMap<&'a str, Of<'a, StructBody>>,
    pub(super) enums: BTreeMap<&'a str, Of<'a, EnumBody>>,
    pub(super) functions: BTreeMap<&'a str, Of<'a, FunctionBody>>,
    pub(super) callbacks: BTreeMap<&'a str, Of<'a, Signature>>,
    /// Headers, and the versions that those of extensions state.
    pub(super) modules: BTreeMap<&'a str, Option<u32>>,
    pub(super) unreadable: Vec<&'a str>,
    pub(super) old: BTreeSet<OldName>,
}

impl<'a> View<'a> {
    /// The headers of a commit.
    pub(super) fn of_state(history: &'a History, state: usize) -> Self {
        let mut view = Self::default();
        if let Some(of) = history.states.get(state) {
            view.side = Side {
                major: MAJOR,
                minor: of.minor,
                commit: Some(of.commit.clone()),
                place: of.date.clone(),
            };
        }
        view.structs = at(&history.structs, state);
        view.enums = at(&history.enums, state);
        view.functions = at(&history.functions, state);
        view.callbacks = at(&history.callbacks, state);
        for module in &history.modules {
            match module.at(state) {
                Some(Presence::Known { version, .. }) => {
                    view.modules.insert(&module.name, *version);
                }
                Some(Presence::Unknown) => view.unreadable.push(&module.name),
                _ => {}
            }
        }
        for renamed in &history.renamed {
            let later = renamed.at.iter().filter(|(first, _)| state < *first);
            for owner in later.flat_map(|(_, owners)| owners) {
                view.old.insert(OldName {
                    what: renamed.what.clone(),
                    from: renamed.from.clone(),
                    to: renamed.to.clone(),
                    owner: owner.clone(),
                });
            }
        }
        view
    }

    /// The headers of a schema. A function that several slots hold has the place that the history
    /// gives it.
    pub(super) fn of_facts(
        facts: &'a Facts,
        schema: &Schema,
        place: &str,
        renames: &Renames,
        history: &History,
    ) -> Self {
        let mut view = Self {
            side: Side {
                major: schema.major,
                minor: schema.minor,
                commit: None,
                place: place.to_string(),
            },
            partial: true,
            ..Self::default()
        };
        for (module, version, declared) in &facts.headers {
            let module = module.as_str();
            view.modules.insert(module, *version);
            for (name, body) in &declared.structs {
                view.structs.entry(name).or_insert((module, body));
            }
            for (name, body) in &declared.enums {
                view.enums.entry(name).or_insert((module, body));
            }
            for (name, signature) in &declared.callbacks {
                view.callbacks.entry(name).or_insert((module, signature));
            }
            for (name, places) in &declared.functions {
                let known = history.function(name).and_then(Item::newest);
                let same = |f: &&FunctionBody| {
                    known.is_some_and(|k| k.table == f.table && k.slot == f.slot)
                };
                if let Some(body) = places.iter().find(same).or(places.first()) {
                    view.functions.entry(name).or_insert((module, body));
                }
            }
            for old in &declared.old {
                let Some(rule) = renames.list.get(old.rule) else {
                    continue;
                };
                let owner = if old.owner.is_empty() {
                    &old.name
                } else {
                    &old.owner
                };
                view.old.insert(OldName {
                    what: rule.what.word().to_string(),
                    from: rule.from.clone(),
                    to: rule.to.clone(),
                    owner: owner.clone(),
                });
            }
        }
        view
    }

    /// Offset of a function's slot.
    pub(super) fn offset(&self, function: &FunctionBody) -> Option<u64> {
        let (_, table) = self.structs.get(function.table.as_str())?;
        let mut fields = table.fields.iter();
        fields.find(|f| f.name == function.slot).map(|f| f.offset)
    }
}

fn at<T>(items: &[Item<T>], state: usize) -> BTreeMap<&str, Of<'_, T>> {
    let there = items.iter().filter_map(|item| {
        let body = item.at(state)?;
        Some((item.name.as_str(), (item.module.as_str(), body)))
    });
    there.collect()
}
