//! Which C structs a function of the crate has to do with.

use super::layer2::Layer2;
use super::source::{Body, Crate, Origin};
use crate::model::{HEADER_FIELDS, Model};
use crate::schema::Struct;
use std::collections::{BTreeMap, BTreeSet};

/// The name that the checked calls of an extension give to the type of its table.
const TABLE: &str = "Table";

/// Bodies by something that they use, in the order of the sources.
type By<'a, K> = BTreeMap<K, Vec<&'a Body>>;

/// The functions outside the checked calls, by what they have to do with.
pub struct Mentions<'a> {
    bodies: Vec<&'a Body>,
    structs: By<'a, &'a str>,
    paths: By<'a, &'a [String]>,
    names: By<'a, &'a str>,
    accesses: BTreeMap<&'a str, By<'a, &'a str>>,
    constructions: By<'a, &'a str>,
}

impl<'a> Mentions<'a> {
    /// Reads all bodies.
    pub fn of(model: &'a Model, source: &'a Crate, layer2: &Layer2) -> Mentions<'a> {
        let headers = || model.facts.headers.iter();
        let structs: BTreeMap<&str, &Struct> = headers()
            .flat_map(|h| &h.structs)
            .map(|s| (s.name.as_str(), s))
            .collect();
        let inner: BTreeMap<&str, BTreeSet<&str>> = structs
            .iter()
            .map(|(name, s)| (*name, members(s, &structs)))
            .collect();
        let mut owners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (path, definition) in &source.types {
            if let Some(name) = path.last() {
                let names = definition.names.iter().map(String::as_str);
                owners.entry(name).or_default().extend(names);
            }
        }
        let calls: BTreeMap<&Vec<String>, &str> = layer2
            .calls
            .iter()
            .map(|(function, call)| (&call.path, function.as_str()))
            .collect();
        let mut out = Mentions {
            bodies: Vec::new(),
            structs: By::new(),
            paths: By::new(),
            names: By::new(),
            accesses: BTreeMap::new(),
            constructions: By::new(),
        };
        for body in source.bodies.iter().filter(|b| b.origin != Origin::Layer2) {
            let own = body.uses.names.iter().chain(&body.signature);
            let owner = body.owner.as_deref().and_then(|o| owners.get(o));
            let names: BTreeSet<&str> = own
                .map(String::as_str)
                .chain(owner.into_iter().flatten().copied())
                .collect();
            let mut open: Vec<&str> = names
                .iter()
                .filter_map(|n| structs.get_key_value(n).map(|(k, _)| *k))
                .collect();
            for path in &body.uses.paths {
                let function = calls.get(path).and_then(|f| model.function(f));
                let args = function.and_then(|f| inner.get(f.args.as_deref()?));
                open.extend(args.into_iter().flatten());
            }
            if names.contains(TABLE) {
                let tables = headers().filter(|h| names.contains(h.module.as_str()));
                open.extend(tables.filter_map(|h| Some(h.extension.as_ref()?.table.as_str())));
            }
            let mut seen = BTreeSet::new();
            while let Some(name) = open.pop() {
                if seen.insert(name) {
                    open.extend(inner.get(name).into_iter().flatten());
                }
            }
            out.add(body, seen);
        }
        out
    }

    fn add(&mut self, body: &'a Body, structs: BTreeSet<&'a str>) {
        self.bodies.push(body);
        for name in structs {
            self.structs.entry(name).or_default().push(body);
        }
        for path in &body.uses.paths {
            self.paths.entry(path).or_default().push(body);
        }
        for name in &body.uses.names {
            self.names.entry(name).or_default().push(body);
        }
        for (of, field) in &body.uses.accesses {
            let fields = self.accesses.entry(of).or_default();
            fields.entry(field).or_default().push(body);
        }
        let made = body.uses.constructions.iter();
        for path in made.map(|(path, _)| path.as_str()).collect::<BTreeSet<_>>() {
            self.constructions.entry(path).or_default().push(body);
        }
    }

    /// All bodies outside the checked calls.
    pub fn bodies(&self) -> impl Iterator<Item = &'a Body> {
        self.bodies.iter().copied()
    }

    /// The bodies that have to do with a struct.
    pub fn with(&self, structure: &str) -> impl Iterator<Item = &'a Body> {
        all(self.structs.get(structure))
    }

    /// The bodies that name a function or another value.
    pub fn making(&self, path: &[String]) -> impl Iterator<Item = &'a Body> {
        all(self.paths.get(path))
    }

    /// The bodies with a name in some path.
    pub fn naming(&self, name: &str) -> impl Iterator<Item = &'a Body> {
        all(self.names.get(name))
    }

    /// The bodies that read or set a field of what a path makes.
    pub fn accessing(&self, of: &str, field: &str) -> impl Iterator<Item = &'a Body> {
        all(self.accesses.get(of).and_then(|fields| fields.get(field)))
    }

    /// The bodies that construct a struct.
    pub fn constructing(&self, path: &str) -> impl Iterator<Item = &'a Body> {
        all(self.constructions.get(path))
    }
}

fn all<'a>(found: Option<&Vec<&'a Body>>) -> impl Iterator<Item = &'a Body> {
    found.into_iter().flatten().copied()
}

/// The structs that a struct's fields hold or point to.
fn members<'a>(structure: &Struct, structs: &BTreeMap<&'a str, &Struct>) -> BTreeSet<&'a str> {
    let fields = structure.fields.iter();
    fields
        .filter(|f| !HEADER_FIELDS.contains(&f.name.as_str()))
        .flat_map(|f| std::iter::once(f).chain(&f.members))
        .filter_map(|f| {
            let bare = f.ty.trim_start_matches("const ");
            let end = bare.find(['*', '[', ' ']).unwrap_or(bare.len());
            structs.get_key_value(bare.get(..end)?).map(|(k, _)| *k)
        })
        .collect()
}
