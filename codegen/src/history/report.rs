//! What was irregular: constants that were forgotten, minors with two layouts, breaks.

use std::collections::{BTreeMap, BTreeSet};

use super::compat::{same_field, same_prefix};
use super::types::*;

/// A struct whose own constant ends before its last field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The struct.
    pub name: String,
    /// It is a table, so this is what plugins report.
    pub table: bool,
    /// The constant.
    pub reported: u64,
    /// End of the last field.
    pub end: u64,
    /// Minors that have it, as ranges.
    pub minors: Vec<(u32, u32)>,
    /// What is there is the beginning of today's struct.
    pub prefix: bool,
}

/// A minor that several declarations of one header share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Module.
    pub module: String,
    /// Minor.
    pub minor: u32,
    /// Structs whose fields differ, or that some commits lack.
    pub layouts: Vec<String>,
    /// Structs of which only a size differs.
    pub sizes: Vec<String>,
    /// Enumerations that differ.
    pub enums: Vec<String>,
}

/// A commit that changed what was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// State.
    pub state: usize,
    /// Item.
    pub name: String,
    /// What happened.
    pub what: String,
}

impl History {
    /// All stale constants.
    pub fn stale(&self) -> Vec<Stale> {
        let mut found = Vec::new();
        for item in &self.structs {
            let Some(today) = item.newest() else {
                continue;
            };
            let mut groups: BTreeMap<(u64, u64), (BTreeSet<u32>, bool)> = BTreeMap::new();
            for state in 0..self.states.len() {
                let (Some(body), Some(minor)) =
                    (item.at(state), self.minor_of(&item.module, state))
                else {
                    continue;
                };
                let end = body
                    .fields
                    .last()
                    .map_or(0, |f| f.offset.saturating_add(f.size));
                let Some(reported) = body.struct_size.filter(|size| *size < end) else {
                    continue;
                };
                let fresh = || (BTreeSet::new(), true);
                let (minors, prefix) = groups.entry((reported, end)).or_insert_with(fresh);
                minors.insert(minor);
                *prefix &= same_prefix(body, today);
            }
            let table = ["api", "extension_table"].contains(&today.kind.as_str());
            for ((reported, end), (minors, prefix)) in groups {
                found.push(Stale {
                    name: item.name.clone(),
                    table,
                    reported,
                    end,
                    minors: ranges(&minors),
                    prefix,
                });
            }
        }
        found.sort_by_key(|stale| (!stale.table, stale.name.clone(), stale.minors.clone()));
        found
    }

    /// All minors that are not one declaration.
    pub fn shared(&self) -> Vec<Shared> {
        let mut found = Vec::new();
        for module in &self.modules {
            let mut states: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            for state in 0..self.states.len() {
                let known = matches!(module.at(state), Some(Presence::Known { .. }));
                if let Some(minor) = self.minor_of(&module.name, state).filter(|_| known) {
                    states.entry(minor).or_default().push(state);
                }
            }
            for (minor, states) in states {
                let mut shared = Shared {
                    module: module.name.clone(),
                    minor,
                    layouts: Vec::new(),
                    sizes: Vec::new(),
                    enums: Vec::new(),
                };
                for item in self.structs.iter().filter(|i| i.module == module.name) {
                    let bodies = distinct(item, &states);
                    let fields = |s: &Option<&StructBody>| s.map(|s| s.fields.clone());
                    let Some((first, rest)) = bodies.split_first() else {
                        continue;
                    };
                    if rest.iter().any(|other| fields(other) != fields(first)) {
                        shared.layouts.push(item.name.clone());
                    } else if !rest.is_empty() {
                        shared.sizes.push(item.name.clone());
                    }
                }
                for item in self.enums.iter().filter(|i| i.module == module.name) {
                    if distinct(item, &states).len() > 1 {
                        shared.enums.push(item.name.clone());
                    }
                }
                let nothing = shared.layouts.is_empty() && shared.sizes.is_empty();
                if !(nothing && shared.enums.is_empty()) {
                    found.push(shared);
                }
            }
        }
        found
    }

    /// All breaks, in the order of commits.
    pub fn breaks(&self) -> Vec<Break> {
        let mut found = Vec::new();
        for item in &self.structs {
            each(item, &mut found, struct_break);
        }
        for item in &self.enums {
            each(item, &mut found, enum_break);
        }
        for item in &self.functions {
            each(item, &mut found, |old, new| {
                let same = super::compat::same_signature(&old.signature, &new.signature);
                (!same).then(|| "other types".to_string())
            });
        }
        found.sort_by(|a, b| (a.state, &a.name).cmp(&(b.state, &b.name)));
        found
    }
}

fn distinct<'i, T: PartialEq>(item: &'i Item<T>, states: &[usize]) -> Vec<Option<&'i T>> {
    let mut bodies: Vec<Option<&T>> = Vec::new();
    for body in states.iter().map(|state| item.at(*state)) {
        if !bodies.contains(&body) {
            bodies.push(body);
        }
    }
    bodies
}

fn each<T>(item: &Item<T>, found: &mut Vec<Break>, what: impl Fn(&T, &T) -> Option<String>) {
    for pair in item.versions.windows(2) {
        let [old, new] = pair else {
            continue;
        };
        let what = match (&old.body, &new.body) {
            (Some(_), None) => Some("removed".to_string()),
            (Some(old), Some(new)) => what(old, new),
            _ => None,
        };
        found.extend(what.map(|what| Break {
            state: new.state,
            name: item.name.clone(),
            what,
        }));
    }
}

fn struct_break(old: &StructBody, new: &StructBody) -> Option<String> {
    let (mut gone, mut moved, mut other) = (Vec::new(), 0u32, Vec::new());
    for a in &old.fields {
        match new.fields.iter().find(|b| b.name == a.name) {
            None => gone.push(a.name.as_str()),
            Some(b) if a.offset != b.offset => moved = moved.saturating_add(1),
            Some(b) if !same_field(a, b) => other.push(a.name.as_str()),
            Some(_) => {}
        }
    }
    let mut parts = Vec::new();
    if !gone.is_empty() {
        parts.push(format!("without {}", gone.join(", ")));
    }
    if moved > 0 {
        parts.push(format!("{moved} moved"));
    }
    if !other.is_empty() {
        parts.push(format!("other type of {}", other.join(", ")));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn enum_break(old: &EnumBody, new: &EnumBody) -> Option<String> {
    let mut parts = Vec::new();
    for (name, number) in &old.values {
        match new.values.iter().find(|(other, _)| other == name) {
            None => parts.push(format!("without {name}")),
            Some((_, other)) if other != number => parts.push(format!("{name} is {other}")),
            Some(_) => {}
        }
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Runs of neighbours.
fn ranges(minors: &BTreeSet<u32>) -> Vec<(u32, u32)> {
    let mut found: Vec<(u32, u32)> = Vec::new();
    for minor in minors {
        match found.last_mut() {
            Some((_, last)) if last.saturating_add(1) == *minor => *last = *minor,
            _ => found.push((*minor, *minor)),
        }
    }
    found
}
