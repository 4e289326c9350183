//! Which functions a hand-written item calls.

use super::source::{Body, Crate, Origin};
use std::collections::{BTreeMap, BTreeSet};

/// An index of the functions by name.
pub struct Reach<'a> {
    source: &'a Crate,
    by_name: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Reach<'a> {
    /// Indexes.
    pub fn new(source: &'a Crate) -> Reach<'a> {
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, body) in source.bodies.iter().enumerate() {
            by_name.entry(&body.name).or_default().push(index);
        }
        Reach { source, by_name }
    }

    fn named(&self, name: &str) -> impl Iterator<Item = (usize, &'a Body)> {
        let found = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let bodies = &self.source.bodies;
        found
            .iter()
            .filter_map(move |i| bodies.get(*i).map(|b| (*i, b)))
    }

    /// Hand-written functions that a path names: one function or method, or all methods of a type.
    pub fn item(&self, path: &str) -> Result<Vec<usize>, String> {
        let wanted: Vec<&str> = path
            .split("::")
            .map(|s| s.trim().trim_start_matches('_'))
            .filter(|s| !["pjrt", "crate"].contains(s))
            .collect();
        let Some(last) = wanted.last() else {
            return Err(format!("`{path}` is no path"));
        };
        let owner = wanted.iter().rev().nth(1).filter(|s| is_type(s));
        let found: Vec<(usize, &Body)> = self
            .named(last)
            .filter(|(_, b)| b.owner.as_deref() == owner.copied())
            .filter(|(_, b)| is_within(&wanted, &b.full()))
            .collect();
        let found = if found.is_empty() {
            let all = self.source.bodies.iter().enumerate();
            let of = |name: &Option<String>| name.as_deref() == Some(*last);
            all.filter(|(_, b)| of(&b.owner) || of(&b.of_trait))
                .filter(|(_, b)| {
                    let mut module = b.module.clone();
                    module.push((*last).to_owned());
                    is_within(&wanted, &module)
                })
                .collect()
        } else {
            found
        };
        if found.is_empty() {
            return Err(format!("`{path}` is not in the sources"));
        }
        let written: Vec<usize> = found
            .iter()
            .filter(|(_, b)| b.origin == Origin::Written)
            .map(|(i, _)| *i)
            .collect();
        if written.is_empty() {
            return Err(format!("`{path}` is generated, not hand-written"));
        }
        Ok(written)
    }

    /// What the functions call inside the crate, themselves included: hand-written functions that
    /// are no safe form of their own.
    pub fn from(&self, start: &[usize]) -> BTreeSet<usize> {
        let mut seen: BTreeSet<usize> = start.iter().copied().collect();
        let mut open: Vec<usize> = start.to_vec();
        while let Some(index) = open.pop() {
            let Some(body) = self.source.bodies.get(index) else {
                continue;
            };
            for next in self.calls(body) {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    }

    fn calls(&self, body: &Body) -> Vec<usize> {
        let mut found = Vec::new();
        for path in &body.uses.paths {
            let Some((name, qualifier)) = path.split_last() else {
                continue;
            };
            for (index, other) in self.named(name) {
                if self.is_helper(other) && names(qualifier, body, other) {
                    found.push(index);
                }
            }
        }
        for (name, on_self) in &body.uses.methods {
            let all: Vec<(usize, &Body)> = self
                .named(name)
                .filter(|(_, b)| b.owner.is_some() && self.is_helper(b))
                .collect();
            let own = |b: &Body| b.owner == body.owner;
            // Its own method, public or not, hides those of other types.
            let hides = *on_self && self.named(name).any(|(_, b)| b.owner.is_some() && own(b));
            let wanted = all.into_iter().filter(|(_, b)| !hides || own(b));
            found.extend(wanted.map(|(index, _)| index));
        }
        found
    }

    /// A hand-written function that a user cannot call by itself, and which no trait of another
    /// crate hides behind a general name.
    fn is_helper(&self, body: &Body) -> bool {
        let foreign = |t: &String| !self.source.traits.contains(t);
        if body.origin != Origin::Written || body.of_trait.as_ref().is_some_and(foreign) {
            return false;
        }
        let name = body.owner.as_ref().unwrap_or(&body.name);
        !(body.public && self.source.exported.contains(name))
    }
}

/// Whether `qualifier::name` in `from` may mean `to`.
fn names(qualifier: &[String], from: &Body, to: &Body) -> bool {
    match (qualifier.last().map(String::as_str), &to.owner) {
        (None, None) => from.module == to.module,
        (Some("Self"), Some(owner)) => from.owner.as_ref() == Some(owner),
        (Some(last), Some(owner)) => owner == last || to.of_trait.as_deref() == Some(last),
        (Some(last), None) => to.module.last().is_some_and(|m| m == last),
        _ => false,
    }
}

fn is_type(segment: &str) -> bool {
    segment.starts_with(|c: char| c.is_uppercase())
}

/// Whether the segments stand in the path in this order, the last one last.
fn is_within(wanted: &[&str], path: &[String]) -> bool {
    let mut rest = path.iter();
    wanted.iter().all(|w| rest.any(|p| p == w))
        && wanted.last().map(|s| s as &str) == path.last().map(String::as_str)
}
