//! The history as generated code needs it: what plugins of each version have of each item.

use super::compat::{same_field, same_prefix, same_signature};
use super::minors::ranges;
use super::types::*;
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::gates::{Gates, Row, Verdict};
use crate::model::{API_TABLE, Versions};
use crate::overlay::Oldest;
use crate::schema::{Field, Function, Schema, Struct, StructKind};
use std::collections::{BTreeMap, BTreeSet};

/// The states that agree with one minor version, by the size that the table reports.
struct Revisions {
    minor: u32,
    /// All of the minor.
    all: Vec<usize>,
    /// Those of one reported size, where that tells some apart.
    sized: Vec<(u32, Vec<usize>)>,
}

/// The part that a struct plays in every state.
type Layouts = Vec<Verdict>;

struct Builder<'h> {
    history: &'h History,
    floor: u32,
    newest: u32,
    layouts: BTreeMap<&'h str, Layouts>,
    revisions: BTreeMap<String, Vec<Revisions>>,
}

impl History {
    /// What the generator has to know of the items of a schema, given the oldest supported minor of
    /// each table; what is older counts as always there.
    ///
    /// # Errors
    ///
    /// A minor that no commit of the history has.
    pub fn versions(&self, schema: &Schema, oldest: &Oldest) -> Result<Versions, Diagnostics> {
        let mut found = Diagnostics::default();
        for (table, minor) in oldest {
            let minors = match self.structure(table).map(|item| item.module.as_str()) {
                Some(FFI) => self.states.iter().filter_map(|s| s.ffi).collect(),
                Some(_) => self.minors(),
                None => BTreeSet::new(),
            };
            if !minors.contains(minor) {
                let message = format!(
                    "the oldest supported version of {table} is said to be 0.{minor}, and no recorded header is of it"
                );
                found.push(
                    Diagnostic::new("V011", "schema/overlay", message)
                        .help(format!("there are {}", ranges(&minors))),
                );
            }
        }
        let floor = oldest.get(API_TABLE).copied().unwrap_or(0);
        found.into_result(Versions {
            since: self.since_of(schema, floor),
            gates: self.gates(schema, floor),
            ..Versions::default()
        })
    }

    /// Every minor that some commit has.
    pub fn minors(&self) -> BTreeSet<u32> {
        self.states.iter().map(|s| s.minor).collect()
    }

    /// First minor versions: of all functions and slots of objects' tables, and of the fields and values that came after their
    /// struct or enumeration and after the oldest supported version.
    fn since_of(&self, schema: &Schema, floor: u32) -> BTreeMap<String, u32> {
        let known = self.since_map();
        let mut since = self.vtable_slots();
        for header in &schema.headers {
            for function in &header.functions {
                let minor = known.get(&function.name);
                since.extend(minor.map(|m| (function.name.clone(), *m)));
            }
            for structure in &header.structs {
                let own = known.get(&structure.name).copied();
                if structure.kind == StructKind::Vtable {
                    since.extend(own.map(|m| (structure.name.clone(), m)));
                }
                let first = own.unwrap_or(0).max(floor);
                for field in &structure.fields {
                    let name = format!("{}.{}", structure.name, field.name);
                    let minor = known.get(&name).copied().filter(|m| *m > first);
                    since.extend(minor.map(|m| (name, m)));
                }
            }
            for of in header.enums.iter().filter(|_| header.module != FFI) {
                let Some(item) = self.enumeration(&of.name) else {
                    continue;
                };
                let first = self.enum_minors(item).map_or(0, |m| m.since).max(floor);
                let minors = self.value_minors(item).into_iter();
                let late = minors.filter_map(|(name, m)| Some((name.to_owned(), m.safe_since?)));
                since.extend(late.filter(|(_, minor)| *minor > first));
            }
        }
        since
    }

    /// What plugins from minor version `floor` on have of the items of a schema.
    pub fn gates(&self, schema: &Schema, floor: u32) -> Gates {
        let Some(newest) = self.states.iter().map(|s| s.minor).max() else {
            return Gates::default();
        };
        let mut builder = Builder {
            history: self,
            floor,
            newest,
            layouts: self
                .structs
                .iter()
                .map(|i| (i.name.as_str(), self.layouts(i)))
                .collect(),
            revisions: BTreeMap::new(),
        };
        let mut gates = Gates::default();
        for header in schema.headers.iter().filter(|h| h.module != FFI) {
            for function in &header.functions {
                let rows = builder.function(function);
                gates.keep(&function.name, rows);
            }
            let table = header.extension.as_ref().map_or(API_TABLE, |e| &e.table);
            for structure in &header.structs {
                let rows = match structure.kind {
                    StructKind::Api | StructKind::ExtensionTable | StructKind::Vtable => {
                        let held = |f: &&Field| {
                            let mut functions = header.functions.iter();
                            functions
                                .any(|held| held.table == structure.name && held.slot == f.name)
                        };
                        let slots = structure.fields.iter().filter(|f| f.slot.is_some());
                        for slot in slots.filter(|f| !held(f)) {
                            let rows = builder.slot(structure, slot);
                            gates.keep(&format!("{}.{}", structure.name, slot.name), rows);
                        }
                        builder.table(structure)
                    }
                    StructKind::Value => builder.structure(structure, table),
                    _ => None,
                };
                gates.keep(&structure.name, rows);
            }
            for of in &header.enums {
                let Some(item) = self.enumeration(&of.name) else {
                    continue;
                };
                let minors: BTreeMap<_, _> = self.value_minors(item).into_iter().collect();
                // Who has the enumeration has its first values.
                let first = self.enum_minors(item).and_then(|m| m.safe_since);
                let first = first.unwrap_or(0).max(floor);
                let late = of.values.iter().filter_map(|value| {
                    let since = minors.get(value.name.as_str())?.layout_since?;
                    (since > first).then_some((value.value, since))
                });
                let late: Vec<_> = late.collect();
                if !late.is_empty() {
                    gates.values.insert(of.name.clone(), late);
                }
            }
        }
        gates
    }

    /// What a struct is at every state, beside that of its newest.
    fn layouts(&self, item: &Item<StructBody>) -> Layouts {
        let today = item.newest();
        self.at_states(item, |body| match (body, today) {
            (Some(body), Some(today)) if same_prefix(body, today) || same_but_end(body, today) => {
                let end = body
                    .fields
                    .iter()
                    .map(|f| f.offset.saturating_add(f.size))
                    .max();
                Verdict::Known {
                    sent: narrow(body.struct_size.unwrap_or(body.size)),
                    known: narrow(end.unwrap_or(0)),
                }
            }
            (Some(_), _) => Verdict::Incompatible,
            (None, _) => Verdict::Absent,
        })
    }
}

impl Gates {
    fn keep(&mut self, name: &str, rows: Option<Vec<Row>>) {
        if let Some(rows) = rows.filter(|rows| !rows.is_empty()) {
            self.rows.insert(name.to_owned(), rows);
        }
    }
}

impl<'h> Builder<'h> {
    /// Rows of a function; none if the history does not have it, or it was always as it is.
    fn function(&mut self, function: &Function) -> Option<Vec<Row>> {
        let history = self.history;
        let item = history.function(&function.name)?;
        let today = item.newest()?;
        let last = item.versions.iter().rposition(|v| v.body.is_some())?;
        let last = match item.versions.get(last.checked_add(1)?) {
            Some(gone) => gone.state.checked_sub(1)?,
            None => history.states.len().checked_sub(1)?,
        };
        let table = history.structure(&today.table)?;
        let slot = |body: &StructBody| {
            let mut fields = body.fields.iter();
            fields.find(|f| f.name == today.slot).map(|f| f.offset)
        };
        let place = slot(table.at(last)?)?;
        let there = history.at_states(item, |body| {
            let body = body?;
            let same =
                body.table == today.table && same_signature(&body.signature, &today.signature);
            Some(same)
        });
        let places = history.at_states(table, |body| body.is_some_and(|b| slot(b) == Some(place)));
        let args = today
            .args
            .as_deref()
            .and_then(|name| self.layouts.get(name));
        let (reach, callbacks) = history.reached(today, last);
        let callbacks = callbacks.iter().filter_map(|name| history.callback(name));
        let callbacks: Vec<Vec<bool>> = callbacks
            .map(|item| history.same_callback(item, last))
            .collect();
        let reached: Vec<&Layouts> = reach
            .iter()
            .filter_map(|name| self.layouts.get(name))
            .collect();
        let verdicts: Vec<Verdict> = (0..history.states.len())
            .map(
                |state| match (there.get(state).copied().flatten(), places.get(state)) {
                    (None, _) => Verdict::Absent,
                    (Some(true), Some(true)) => {
                        let broken = |layouts: &&&Layouts| {
                            layouts.get(state) == Some(&Verdict::Incompatible)
                        };
                        let other = |same: &Vec<bool>| same.get(state) == Some(&false);
                        if reached.iter().any(|l| broken(&l)) || callbacks.iter().any(other) {
                            return Verdict::Incompatible;
                        }
                        match args.and_then(|a| a.get(state)) {
                            Some(known @ Verdict::Known { .. }) => *known,
                            // A function without an argument struct has no size to give.
                            _ => Verdict::Known { sent: 1, known: 1 },
                        }
                    }
                    _ => Verdict::Incompatible,
                },
            )
            .collect();
        let ours = match args.and_then(|a| a.get(last)) {
            Some(known @ Verdict::Known { .. }) => *known,
            _ => Verdict::Known { sent: 1, known: 1 },
        };
        let rows = self.rows(&today.table, &verdicts);
        (!always(&rows, ours)).then_some(rows)
    }

    /// Rows of a slot that holds no function of the facts.
    fn slot(&mut self, table: &Struct, slot: &Field) -> Option<Vec<Row>> {
        let item = self.history.structure(&table.name)?;
        let own = |body: &StructBody| body.fields.iter().find(|f| f.name == slot.name).cloned();
        let today = own(item.newest()?)?;
        let there = Verdict::Known { sent: 1, known: 1 };
        let verdicts = self
            .history
            .at_states(item, |body| match body.and_then(own) {
                Some(field) if same_field(&field, &today) => there,
                Some(_) => Verdict::Incompatible,
                None => Verdict::Absent,
            });
        let rows = self.rows(&table.name, &verdicts);
        (!always(&rows, there)).then_some(rows)
    }

    /// Rows of a struct with a size of its own, beside a table.
    fn structure(&mut self, structure: &Struct, table: &str) -> Option<Vec<Row>> {
        structure.struct_size?;
        let verdicts = self.layouts.get(structure.name.as_str())?.clone();
        let ours = *verdicts
            .iter()
            .rfind(|v| matches!(v, Verdict::Known { .. }))?;
        let rows = self.rows(table, &verdicts);
        (!always(&rows, ours)).then_some(rows)
    }

    /// Rows of a table by the size that it reports, each of one minor version: what its real end
    /// is where that is not what it reports, and where it is not the beginning of ours.
    fn table(&mut self, structure: &Struct) -> Option<Vec<Row>> {
        let verdicts = self.layouts.get(structure.name.as_str())?.clone();
        self.revisions(&structure.name);
        let mut rows = Vec::new();
        for revisions in self.revisions.get(&structure.name)? {
            for (reported, states) in &revisions.sized {
                let verdict = fold(&verdicts, states);
                let plain = matches!(verdict, Verdict::Known { known, .. } if known == *reported);
                if !plain && verdict != Verdict::Absent {
                    rows.push(Row {
                        minor: revisions.minor,
                        reported: *reported,
                        verdict,
                    });
                }
            }
        }
        Some(rows)
    }

    /// The rows of verdicts by state, for plugins whose table is `table`.
    fn rows(&mut self, table: &str, verdicts: &[Verdict]) -> Vec<Row> {
        self.revisions(table);
        let mut rows: Vec<Row> = Vec::new();
        let mut last = None;
        for revisions in self.revisions.get(table).into_iter().flatten() {
            let any = fold(verdicts, &revisions.all);
            let minor = revisions.minor;
            if last != Some(any) {
                rows.push(Row {
                    minor,
                    reported: 0,
                    verdict: any,
                });
                last = Some(any);
            }
            for (reported, states) in &revisions.sized {
                let verdict = fold(verdicts, states);
                if verdict != any {
                    rows.push(Row {
                        minor,
                        reported: *reported,
                        verdict,
                    });
                }
            }
        }
        rows
    }

    /// Finds the revisions of a table's minors: those of the supported versions, and one after the
    /// newest for plugins that are newer, which have what the newest revision has.
    fn revisions(&mut self, table: &str) {
        if self.revisions.contains_key(table) {
            return;
        }
        let found = self
            .history
            .structure(table)
            .map(|item| self.of_table(item));
        self.revisions
            .insert(table.to_owned(), found.unwrap_or_default());
    }

    fn of_table(&self, item: &Item<StructBody>) -> Vec<Revisions> {
        let history = self.history;
        let mut by_minor: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for state in (0..history.states.len()).filter(|s| item.at(*s).is_some()) {
            if let Some(minor) = history.minor_of(&item.module, state) {
                by_minor.entry(minor).or_default().push(state);
            }
        }
        // A plugin may offer what the public headers of its version do not have: as they had it
        // next, or last.
        let near = |minor: u32| {
            let next = by_minor.range(minor..).next();
            next.or_else(|| by_minor.range(..minor).next_back())
                .map(|(_, states)| states.clone())
        };
        let mut found: Vec<Revisions> = (self.floor..=self.newest)
            .filter_map(|minor| {
                let all = near(minor)?;
                let own = by_minor.contains_key(&minor);
                Some(Revisions {
                    minor,
                    sized: sizes(item, if own { &all } else { &[] }),
                    all,
                })
            })
            .collect();
        let last = (0..history.states.len())
            .rev()
            .find(|s| item.at(*s).is_some());
        found.extend(last.map(|last| Revisions {
            minor: self.newest.saturating_add(1),
            all: vec![last],
            sized: Vec::new(),
        }));
        found
    }
}

/// Whether two structs are one but for the size of the struct that is their last field: whether that
/// one is the beginning of the other is its own matter.
fn same_but_end(a: &StructBody, b: &StructBody) -> bool {
    let (Some((last, rest)), Some((other, others))) =
        (a.fields.split_last(), b.fields.split_last())
    else {
        return false;
    };
    rest.len() == others.len()
        && rest.iter().zip(others).all(|(a, b)| same_field(a, b))
        && (&last.name, &last.ty, last.offset) == (&other.name, &other.ty, other.offset)
}

/// The states by what a table reports: the header's constant, or `sizeof`.
fn sizes(item: &Item<StructBody>, states: &[usize]) -> Vec<(u32, Vec<usize>)> {
    let mut by_size: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for state in states {
        let Some(body) = item.at(*state) else {
            continue;
        };
        let sizes: BTreeSet<u64> = body.struct_size.into_iter().chain([body.size]).collect();
        for size in sizes {
            by_size.entry(narrow(size)).or_default().push(*state);
        }
    }
    by_size.into_iter().collect()
}

/// What all of these states have.
fn fold(verdicts: &[Verdict], states: &[usize]) -> Verdict {
    let mut all = None;
    for state in states {
        let own = verdicts.get(*state).copied().unwrap_or(Verdict::Absent);
        all = Some(match (all, own) {
            (None, own) => own,
            (Some(Verdict::Absent), _) | (_, Verdict::Absent) => Verdict::Absent,
            (Some(Verdict::Incompatible), _) | (_, Verdict::Incompatible) => Verdict::Incompatible,
            (Some(Verdict::Known { sent, known }), Verdict::Known { sent: s, known: k }) => {
                Verdict::Known {
                    sent: sent.max(s),
                    known: known.min(k),
                }
            }
        });
    }
    all.unwrap_or(Verdict::Absent)
}

/// Whether all plugins have the item as it is today.
fn always(rows: &[Row], ours: Verdict) -> bool {
    rows.iter().all(|row| row.verdict == ours)
}

fn narrow(size: u64) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
