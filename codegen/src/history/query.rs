//! Questions to the history.

use std::collections::{BTreeMap, BTreeSet};

use super::compat::{same_field, same_prefix, same_signature, words};
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
        self.minors_by(self.module(&item.module)?, |state| {
            let body = item.at(state);
            Seen {
                there: body.is_some(),
                same: body.is_some_and(|body| same_prefix(body, today)),
            }
        })
    }

    /// Minors of a field; its layout is as today where everything up to it is.
    pub fn field_minors(&self, item: &Item<StructBody>, field: &str) -> Option<Minors> {
        let with = |s: &&StructBody| s.fields.iter().any(|f| f.name == field);
        let mut bodies = item.versions.iter().rev().filter_map(|v| v.body.as_ref());
        let today = bodies.find(with)?;
        self.minors_by(self.module(&item.module)?, |state| {
            let Some(body) = item.at(state) else {
                return Seen {
                    there: false,
                    same: false,
                };
            };
            let at = body.fields.iter().position(|f| f.name == field);
            let same = at.is_some_and(|at| {
                let upto = |s: &StructBody| s.fields.get(..=at).map(<[_]>::to_vec);
                match (upto(body), upto(today)) {
                    (Some(a), Some(b)) => a.iter().zip(&b).all(|(a, b)| same_field(a, b)),
                    _ => false,
                }
            });
            Seen {
                there: at.is_some(),
                same,
            }
        })
    }

    /// Minors of an enumeration; the layout is its width.
    pub fn enum_minors(&self, item: &Item<EnumBody>) -> Option<Minors> {
        let today = item.newest()?;
        self.minors_by(self.module(&item.module)?, |state| {
            let body = item.at(state);
            Seen {
                there: body.is_some(),
                same: body.is_some_and(|body| body.size == today.size),
            }
        })
    }

    /// Minors of a value; the layout is its number.
    pub fn value_minors(&self, item: &Item<EnumBody>, value: &str) -> Option<Minors> {
        let number = |e: &EnumBody| {
            let mut values = e.values.iter();
            values.find(|(name, _)| name == value).map(|(_, n)| *n)
        };
        let mut bodies = item.versions.iter().rev().filter_map(|v| v.body.as_ref());
        let today = bodies.find_map(number)?;
        self.minors_by(self.module(&item.module)?, |state| {
            let found = item.at(state).and_then(number);
            Seen {
                there: found.is_some(),
                same: found == Some(today),
            }
        })
    }

    /// Minors of a type of callback.
    pub fn callback_minors(&self, item: &Item<Signature>) -> Option<Minors> {
        let today = item.newest()?;
        self.minors_by(self.module(&item.module)?, |state| {
            let body = item.at(state);
            Seen {
                there: body.is_some(),
                same: body.is_some_and(|body| same_signature(body, today)),
            }
        })
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
        let reached: Vec<(&Item<StructBody>, &StructBody)> = self
            .reach(today, last)
            .into_iter()
            .filter_map(|name| self.structure(name))
            .filter_map(|item| Some((item, item.at(last)?)))
            .collect();
        self.minors_by(self.module(&item.module)?, |state| {
            let Some(body) = item.at(state) else {
                return Seen {
                    there: false,
                    same: false,
                };
            };
            let same = body.table == today.table
                && self.slot_offset(body, state) == Some(offset)
                && same_signature(&body.signature, &today.signature)
                && reached.iter().all(|(item, today)| {
                    // What is not there yet is reached by no field of that time.
                    item.at(state).is_none_or(|body| same_prefix(body, today))
                });
            Seen { there: true, same }
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
        let mut found = BTreeSet::new();
        let mut open: Vec<String> = function.signature.0.clone();
        while let Some(ty) = open.pop() {
            for word in words(&ty) {
                if let Some(signature) = self.callback(word).and_then(|c| c.at(state)) {
                    // Callbacks do not lead back to themselves: handles stop the walk.
                    open.extend(signature.0.iter().cloned());
                }
                let Some(item) = self.structure(word) else {
                    continue;
                };
                let Some(body) = item.at(state) else {
                    continue;
                };
                let skipped = ["handle", "vtable", "api", "extension_table"];
                if skipped.contains(&body.kind.as_str()) || !found.insert(item.name.as_str()) {
                    continue;
                }
                let fields = body.fields.iter().filter(|f| f.name != CHAIN);
                open.extend(fields.map(|f| f.ty.clone()));
            }
        }
        found
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
            for field in item.newest().into_iter().flat_map(|s| &s.fields) {
                let minors = self.field_minors(item, &field.name);
                let name = format!("{}.{}", item.name, field.name);
                map.extend(minors.map(|m| (name, m.safe_since.unwrap_or(m.since))));
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
