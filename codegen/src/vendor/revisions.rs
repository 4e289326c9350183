//! Older revisions of a vendor's header. Plugins do not tell which one they were built with, but the
//! size of their table does: it is what the rows of a vendor's items count by.

use super::{File, alike};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::gates::{Gates, Row, Verdict, end};
use crate::schema::{self, Detail, Field, Function, Header, Schema, Struct, StructKind};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Version of the file's shape.
const FORMAT: u64 = 1;
/// Who writes the file.
const HELP: &str = "`cargo xtask vendor update` writes this file";

/// The older revisions of a header, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revisions(pub Vec<Schema>);

/// Reads the file of older revisions.
///
/// # Errors
///
/// What is not as [`write()`] writes it.
pub fn read((name, text): &File) -> Result<Revisions, Diagnostics> {
    let fault =
        |message: String| Diagnostics::from(Diagnostic::new("N010", name, message).help(HELP));
    let document: Value =
        serde_json::from_str(text).map_err(|e| fault(format!("no valid JSON: {e}")))?;
    if document.get("format").and_then(Value::as_u64) != Some(FORMAT) {
        return Err(fault(format!("expected \"format\": {FORMAT}")));
    }
    let revisions = document.get("revisions").and_then(Value::as_array);
    let revisions = revisions.ok_or_else(|| fault("expected a list of `revisions`".into()))?;
    let mut found = Diagnostics::default();
    let mut all = Vec::new();
    for (at, value) in revisions.iter().enumerate() {
        match schema::from_value(&format!("{name}: revision {}", at + 1), value, Detail::Full) {
            Ok(revision) => all.push(revision),
            Err(faults) => found.extend(faults),
        }
    }
    found.into_result(Revisions(all))
}

/// Whether all are revisions of a header: of one module, with its number.
pub(super) fn check(revisions: &Revisions, newest: &Header, name: &str) -> Diagnostics {
    let mut found = Diagnostics::default();
    let number = |h: &Header| h.extension.as_ref().map(|e| e.number);
    for (at, revision) in revisions.0.iter().enumerate() {
        let own = |h: &&Header| h.module == newest.module && number(h) == number(newest);
        if revision.headers.len() != 1 || revision.headers.iter().find(own).is_none() {
            let message = format!(
                "revision {} is not of the module `{}` with the extension's number",
                at + 1,
                newest.module
            );
            found.push(Diagnostic::new("N011", name, message).help(HELP));
        }
    }
    found
}

/// The text of the file of older revisions.
pub fn write(revisions: &Revisions) -> String {
    let all = revisions.0.iter();
    let all: Vec<Value> = all.map(|s| schema::to_value(s, Detail::Full)).collect();
    let mut text = format!("{:#}", json!({ "format": FORMAT, "revisions": all }));
    text.push('\n');
    text
}

/// What plugins of each revision have of a header's items, and how large its tables ever were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sized {
    /// Rows by the size of the item's table.
    pub gates: Gates,
    /// The largest size that any revision of a table reports.
    pub largest: BTreeMap<String, u32>,
}

impl Revisions {
    /// What plugins of each revision have of a header's functions and slots: rows by the size that
    /// the item's table reports. Where several revisions have a table of one size, what all have.
    ///
    /// A table smaller than the smallest recorded is taken for that one, whose slots then end where
    /// it says; one of a size between two for the smaller; one larger than all for the newest.
    pub fn sized(&self, newest: &Header) -> Sized {
        let mut sized = Sized::default();
        for table in newest.structs.iter().filter(|s| has_slots(s)) {
            let by_size = self.by_size(newest, &table.name);
            let Some(largest) = by_size.keys().next_back().copied() else {
                continue;
            };
            sized.largest.insert(table.name.clone(), largest);
            for field in table.fields.iter().filter(|f| f.slot.is_some()) {
                let mut functions = newest.functions.iter();
                let own = |f: &&Function| f.table == table.name && f.slot == field.name;
                let held = functions.find(own);
                let verdict = |revision: &Header| match held {
                    Some(function) => of_function(revision, newest, function),
                    None => of_slot(revision, &table.name, field),
                };
                let name = match held {
                    Some(function) => function.name.clone(),
                    None => format!("{}.{}", table.name, field.name),
                };
                let rows = rows(&by_size, verdict(newest), verdict);
                if !rows.is_empty() {
                    sized.gates.rows.insert(name, rows);
                }
            }
        }
        sized
    }

    /// All revisions that have a table, by the sizes that plugins of each may report: that of the
    /// header's own constant, and that of the struct.
    fn by_size<'h>(&'h self, newest: &'h Header, table: &str) -> BTreeMap<u32, Vec<&'h Header>> {
        let mut by_size: BTreeMap<u32, Vec<&Header>> = BTreeMap::new();
        for header in self.0.iter().flat_map(|s| &s.headers).chain([newest]) {
            let Some(table) = header.structs.iter().find(|s| s.name == table) else {
                continue;
            };
            let sizes = BTreeSet::from([table.size, table.struct_size.unwrap_or(table.size)]);
            for size in sizes.into_iter().filter_map(|s| u32::try_from(s).ok()) {
                by_size.entry(size).or_default().push(header);
            }
        }
        by_size
    }
}

/// Whether a struct is a table: of functions, flags or pointers to data.
fn has_slots(item: &Struct) -> bool {
    item.fields.iter().any(|f| f.slot.is_some()) && item.kind != StructKind::Vtable
}

/// The rows of an item; none if all revisions have it as the newest.
fn rows(
    by_size: &BTreeMap<u32, Vec<&Header>>,
    newest: Verdict,
    of: impl Fn(&Header) -> Verdict,
) -> Vec<Row> {
    let mut verdicts: Vec<(u32, Verdict)> = Vec::new();
    for (size, revisions) in by_size {
        let all = revisions.iter().map(|r| of(r)).reduce(both);
        let first = verdicts.is_empty();
        verdicts.push((
            if first { 0 } else { *size },
            all.unwrap_or(Verdict::Absent),
        ));
    }
    if verdicts.iter().all(|(_, verdict)| *verdict == newest) {
        return Vec::new();
    }
    let largest = by_size.keys().next_back().copied().unwrap_or_default();
    verdicts.push((largest.saturating_add(1), newest));
    let mut rows: Vec<Row> = Vec::new();
    for (minor, verdict) in verdicts {
        if rows.last().is_none_or(|row| row.verdict != verdict) {
            rows.push(Row {
                minor,
                reported: 0,
                verdict,
            });
        }
    }
    rows
}

/// What two revisions of one size both have.
fn both(a: Verdict, b: Verdict) -> Verdict {
    match (a, b) {
        (
            Verdict::Known { sent, known },
            Verdict::Known {
                sent: sent_b,
                known: known_b,
            },
        ) => Verdict::Known {
            sent: sent.max(sent_b),
            known: known.min(known_b),
        },
        (Verdict::Absent, _) | (_, Verdict::Absent) => Verdict::Absent,
        _ => Verdict::Incompatible,
    }
}

fn of_slot(revision: &Header, table: &str, field: &Field) -> Verdict {
    let mut tables = revision.structs.iter().filter(|s| s.name == table);
    let then = tables.find_map(|t| t.fields.iter().find(|f| f.name == field.name));
    match then {
        None => Verdict::Absent,
        Some(then) if alike::same_field(then, field) => {
            let size = u32::try_from(field.size).unwrap_or(u32::MAX);
            Verdict::Known {
                sent: size,
                known: size,
            }
        }
        Some(_) => Verdict::Incompatible,
    }
}

fn of_function(revision: &Header, newest: &Header, function: &Function) -> Verdict {
    let Some(then) = revision.functions.iter().find(|f| f.name == function.name) else {
        return Verdict::Absent;
    };
    let same = then.offset == function.offset
        && then.table == function.table
        && alike::same_signature(&then.signature, &function.signature);
    if !same || !alike::reachable(revision, newest, then) {
        return Verdict::Incompatible;
    }
    match args(revision, then) {
        None => Verdict::Known { sent: 1, known: 1 },
        Some(before) => {
            let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
            Verdict::Known {
                sent: small(before.struct_size.unwrap_or(before.size)),
                known: small(end(before)),
            }
        }
    }
}

fn args<'h>(header: &'h Header, function: &Function) -> Option<&'h Struct> {
    let args = function.args.as_deref()?;
    header.structs.iter().find(|s| s.name == args)
}
