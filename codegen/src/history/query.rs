//! Questions to the history.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::compat::{common, same_prefix, same_signature, words};
use super::minors::{Minors, Seen};
use super::types::*;

impl<T> Item<T> {
    /// What it is at a state.
    pub fn at(&self, state: usize) -> Option<&T> {
        let after = self.versions.partition_point(|v| v.state <= state);
        self.versions.get(after.checked_sub(1)?)?.body.as_ref()
    }

    /// Its newest body: of today, or the last that it had.
    pub fn newest(&self) -> Option<&T> {
        self.versions.iter().rev().find_map(|v| v.body.as_ref())
    }

    /// Whether it is there today.
    pub fn is_there(&self) -> bool {
        self.versions.last().is_some_and(|v| v.body.is_some())
    }
}

impl Module {
    /// What the header is at a state; none before it was there.
    pub fn at(&self, state: usize) -> Option<&Presence> {
        let after = self.revisions.partition_point(|r| r.state <= state);
        self.revisions.get(after.checked_sub(1)?).map(|r| &r.header)
    }
}

fn find<'i, T>(items: &'i [Item<T>], name: &str) -> Option<&'i Item<T>> {
    let at = items.binary_search_by(|item| item.name.as_str().cmp(name));
    items.get(at.ok()?)
}

impl History {
    /// A struct.
    pub fn structure(&self, name: &str) -> Option<&Item<StructBody>> {
        find(&self.structs, name)
    }

    /// An enumeration.
    pub fn enumeration(&self, name: &str) -> Option<&Item<EnumBody>> {
        find(&self.enums, name)
    }

    /// A function.
    pub fn function(&self, name: &str) -> Option<&Item<FunctionBody>> {
        find(&self.functions, name)
    }

    /// A type of callback.
    pub fn callback(&self, name: &str) -> Option<&Item<Signature>> {
        find(&self.callbacks, name)
    }

    /// A header.
    pub fn module(&self, name: &str) -> Option<&Module> {
        self.modules.iter().find(|m| m.name == name)
    }

    /// The newest minor of a module.
    pub fn newest_minor(&self, module: &str) -> Option<u32> {
        (0..self.states.len())
            .filter_map(|s| self.minor_of(module, s))
            .max()
    }

    /// The states that agree with a plugin of this minor whose table says this size: all of them
    /// for a size that no commit of the minor gives.
    pub fn consistent(&self, table: &str, minor: u32, reported: u64) -> Vec<usize> {
        let Some(item) = self.structure(table) else {
            return Vec::new();
        };
        let of_minor: Vec<usize> = (0..self.states.len())
            .filter(|state| self.minor_of(&item.module, *state) == Some(minor))
            .filter(|state| item.at(*state).is_some())
            .collect();
        // Plugins report the header's constant, some of them `sizeof`.
        let agrees = |state: &usize| {
            let body = item.at(*state);
            body.is_some_and(|s| s.struct_size == Some(reported) || s.size == reported)
        };
        let agreeing: Vec<usize> = of_minor.iter().copied().filter(agrees).collect();
        if agreeing.is_empty() {
            of_minor
        } else {
            agreeing
        }
    }

    /// Minors of a struct; its layout is as today where one is the beginning of the other.
    pub fn struct_minors(&self, item: &Item<StructBody>) -> Option<Minors> {
        let today = item.newest()?;
        let seen = self.at_states(item, |body| Seen::of(body, |body| same_prefix(body, today)));
        self.timeline(&item.module)?.minors(&seen)
    }

    /// Minors of every field that a struct ever had, those of the newest version first. A field's
    /// layout is as today where everything up to it is.
    pub fn field_minors<'i>(&self, item: &'i Item<StructBody>) -> Vec<(&'i str, Minors)> {
        let mut found = Vec::new();
        let mut done = BTreeSet::new();
        let Some(timeline) = self.timeline(&item.module) else {
            return found;
        };
        for today in item.versions.iter().rev().filter_map(|v| v.body.as_ref()) {
            let fresh = today.fields.iter().enumerate();
            let fresh: Vec<_> = fresh
                .filter(|(_, f)| done.insert(f.name.as_str()))
                .collect();
            if fresh.is_empty() {
                continue;
            }
            // The names of each version, and how many of its fields are as today.
            let versions: Vec<_> = item
                .versions
                .iter()
                .map(|version| {
                    let fields = version.body.iter().flat_map(|body| &body.fields);
                    let names: HashSet<&str> = fields.map(|f| f.name.as_str()).collect();
                    let same = version.body.as_ref().map_or(0, |body| common(body, today));
                    (version.state, names, same)
                })
                .collect();
            for (at, field) in fresh {
                let seen = versions.iter().map(|(state, names, same)| {
                    let there = names.contains(field.name.as_str());
                    let same = at < *same;
                    (*state, Seen { there, same })
                });
                let seen = self.spread(Seen::default(), seen);
                let minors = timeline.minors(&seen);
                found.extend(minors.map(|minors| (field.name.as_str(), minors)));
            }
        }
        found
    }

    /// Minors of an enumeration; the layout is its width.
    pub fn enum_minors(&self, item: &Item<EnumBody>) -> Option<Minors> {
        let today = item.newest()?;
        let seen = self.at_states(item, |body| Seen::of(body, |body| body.size == today.size));
        self.timeline(&item.module)?.minors(&seen)
    }

    /// Minors of every value that an enumeration ever had, those of the newest version first; the
    /// layout is its number.
    pub fn value_minors<'i>(&self, item: &'i Item<EnumBody>) -> Vec<(&'i str, Minors)> {
        let mut found = Vec::new();
        let mut done = BTreeSet::new();
        let Some(timeline) = self.timeline(&item.module) else {
            return found;
        };
        for body in item.versions.iter().rev().filter_map(|v| v.body.as_ref()) {
            for (name, today) in &body.values {
                if !done.insert(name.as_str()) {
                    continue;
                }
                let seen = self.at_states(item, |body| {
                    let mut values = body.into_iter().flat_map(|e| &e.values);
                    let number = values.find(|(other, _)| other == name).map(|(_, n)| *n);
                    Seen::of(number, |number| number == *today)
                });
                let minors = timeline.minors(&seen);
                found.extend(minors.map(|minors| (name.as_str(), minors)));
            }
        }
        found
    }

    /// Minors of a type of callback.
    pub fn callback_minors(&self, item: &Item<Signature>) -> Option<Minors> {
        let today = item.newest()?;
        let seen = self.at_states(item, |body| {
            Seen::of(body, |body| same_signature(body, today))
        });
        self.timeline(&item.module)?.minors(&seen)
    }

    /// Minors of a function; its layout is as today where its slot is at the same offset, its type
    /// the same, and so is every struct that its arguments lead to.
    pub fn function_minors(&self, item: &Item<FunctionBody>) -> Option<Minors> {
        let today = item.newest()?;
        let last = item.versions.iter().rposition(|v| v.body.is_some())?;
        let last = match item.versions.get(last.checked_add(1)?) {
            Some(gone) => gone.state.checked_sub(1)?,
            None => self.states.len().checked_sub(1)?,
        };
        let offset = self.slot_offset(today, last)?;
        let mut seen = self.at_states(item, |body| {
            Seen::of(body, |body| {
                body.table == today.table && same_signature(&body.signature, &today.signature)
            })
        });
        for (state, seen) in seen.iter_mut().enumerate() {
            let body = item.at(state).filter(|_| seen.same);
            seen.same = body.is_some_and(|f| self.slot_offset(f, state) == Some(offset));
        }
        let (structs, callbacks) = self.reached(today, last);
        for name in callbacks {
            let Some(item) = self.callback(name) else {
                continue;
            };
            for (seen, same) in seen.iter_mut().zip(self.same_callback(item, last)) {
                seen.same &= same;
            }
        }
        for name in structs {
            let Some(reached) = self.structure(name) else {
                continue;
            };
            let Some(today) = reached.at(last) else {
                continue;
            };
            // What is not there yet is reached by no field of that time.
            let same = self.at_states(reached, |body| {
                body.is_none_or(|body| same_prefix(body, today))
            });
            for (seen, same) in seen.iter_mut().zip(same) {
                seen.same &= same;
            }
        }
        self.timeline(&item.module)?.minors(&seen)
    }

    /// At which states a type of callback is called as at one of them; what is not there yet is
    /// reached by no field of that time.
    pub(super) fn same_callback(&self, item: &Item<Signature>, last: usize) -> Vec<bool> {
        let today = item.at(last);
        self.at_states(item, |body| match (body, today) {
            (Some(body), Some(today)) => same_signature(body, today),
            _ => true,
        })
    }

    /// Offset of a function's slot at a state.
    pub fn slot_offset(&self, function: &FunctionBody, state: usize) -> Option<u64> {
        let table = self.structure(&function.table)?.at(state)?;
        let mut fields = table.fields.iter();
        fields.find(|f| f.name == function.slot).map(|f| f.offset)
    }

    /// Names of the structs that a function's arguments lead to at a state. Objects with a vtable
    /// are used through functions and not read; the chain of extensions has rules of its own.
    pub fn reach(&self, function: &FunctionBody, state: usize) -> BTreeSet<&str> {
        self.reached(function, state).0
    }

    /// Names of the structs and of the types of callbacks that a function's arguments lead to.
    pub(super) fn reached(
        &self,
        function: &FunctionBody,
        state: usize,
    ) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let (mut structs, mut callbacks) = (BTreeSet::new(), BTreeSet::new());
        let mut open: Vec<String> = function.signature.0.clone();
        while let Some(ty) = open.pop() {
            for word in words(&ty) {
                let callback = find(&self.callbacks, word);
                if let Some((item, signature)) = callback.and_then(|c| Some((c, c.at(state)?))) {
                    // Callbacks do not lead back to themselves: handles stop the walk.
                    open.extend(signature.0.iter().cloned());
                    callbacks.insert(item.name.as_str());
                }
                let Some(item) = self.structure(word) else {
                    continue;
                };
                let Some(body) = item.at(state) else {
                    continue;
                };
                let skipped = ["handle", "vtable", "api", "extension_table"];
                if skipped.contains(&body.kind.as_str()) || !structs.insert(item.name.as_str()) {
                    continue;
                }
                let fields = body.fields.iter().filter(|f| f.name != CHAIN);
                open.extend(fields.map(|f| f.ty.clone()));
            }
        }
        (structs, callbacks)
    }

    /// For the model: `safe_since` of functions and structs by name and of fields by
    /// `STRUCT.FIELD`. Left out are items that were removed from a header that is still there, and
    /// those of the FFI header, whose minors are not PJRT's.
    pub fn since_map(&self) -> BTreeMap<String, u32> {
        let mut map = BTreeMap::new();
        for item in self
            .functions
            .iter()
            .filter(|i| self.is_known(&i.module, i.is_there()))
        {
            let minors = self.function_minors(item);
            map.extend(minors.map(|m| (item.name.clone(), m.safe_since.unwrap_or(m.since))));
        }
        for item in self
            .structs
            .iter()
            .filter(|i| self.is_known(&i.module, i.is_there()))
        {
            let minors = self.struct_minors(item);
            map.extend(minors.map(|m| (item.name.clone(), m.safe_since.unwrap_or(m.since))));
            let today = item.newest().map_or(0, |body| body.fields.len());
            for (field, m) in self.field_minors(item).into_iter().take(today) {
                let name = format!("{}.{field}", item.name);
                map.insert(name, m.safe_since.unwrap_or(m.since));
            }
        }
        map
    }

    /// For the model: from which minor on each slot of the tables behind objects, by `TABLE.SLOT`, is
    /// there in every commit, at today's place and with today's type.
    pub fn vtable_slots(&self) -> BTreeMap<String, u32> {
        let known = |i: &&Item<StructBody>| self.is_known(&i.module, i.is_there());
        let mut map = BTreeMap::new();
        for item in self.structs.iter().filter(known) {
            let Some(today) = item.newest().filter(|body| body.kind == "vtable") else {
                continue;
            };
            let fields = self.field_minors(item).into_iter();
            for (field, m) in fields.take(today.fields.len()) {
                let since = m.layout_since.or(m.safe_since).unwrap_or(m.since);
                map.insert(format!("{}.{field}", item.name), since);
            }
        }
        map
    }

    fn is_known(&self, module: &str, there: bool) -> bool {
        let today = self.states.len().saturating_sub(1);
        let at = self.module(module).and_then(|m| m.at(today));
        module != FFI && (there || at == Some(&Presence::Gone))
    }
}
