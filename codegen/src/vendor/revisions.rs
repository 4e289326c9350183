//! Older revisions of a vendor's header. Plugins do not tell which one they were built with, but the
//! size of their table does: it is what the rows of a vendor's items count by.

use super::{File, table};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::gates::{Gates, Row, Verdict, end};
use crate::schema::alike::same_type;
use crate::schema::{self, Detail, Field, Function, Header, Schema, Signature, Struct};
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
/// What is not as [`write`] writes it.
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
    let revisions = revisions
        .iter()
        .map(|value| schema::from_value(name, value, Detail::Full))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Revisions(revisions))
}

/// The text of the file of older revisions.
pub fn write(revisions: &Revisions) -> String {
    let all = revisions.0.iter();
    let all: Vec<Value> = all.map(|s| schema::to_value(s, Detail::Full)).collect();
    let mut text = format!("{:#}", json!({ "format": FORMAT, "revisions": all }));
    text.push('\n');
    text
}

impl Revisions {
    /// What plugins of each revision have of a header's functions and structs: rows by the size of
    /// the extension's table. Where several revisions have a table of one size, what all have.
    pub fn gates(&self, newest: &Header) -> Gates {
        let mut gates = Gates::default();
        let Some(own) = table(newest) else {
            return gates;
        };
        let all = self.0.iter().flat_map(|s| &s.headers).chain([newest]);
        let mut by_size: BTreeMap<u32, Vec<&Header>> = BTreeMap::new();
        for header in all {
            if let Some(size) = table(header).and_then(|t| u32::try_from(t.size).ok()) {
                by_size.entry(size).or_default().push(header);
            }
        }
        for function in &newest.functions {
            let rows = by_size.iter().map(|(size, revisions)| {
                let verdicts = revisions.iter().map(|r| of_function(r, newest, function));
                (*size, verdicts.reduce(both).unwrap_or(Verdict::Absent))
            });
            keep(&mut gates, &function.name, rows.collect());
        }
        // Slots that hold no function of their own: flags, data, and positional functions.
        let held: BTreeSet<&str> = newest.functions.iter().map(|f| f.slot.as_str()).collect();
        let others = own.fields.iter().filter(|f| f.slot.is_some());
        for field in others.filter(|f| !held.contains(f.name.as_str())) {
            let rows = by_size.iter().map(|(size, revisions)| {
                let verdicts = revisions.iter().map(|r| of_slot(r, field));
                (*size, verdicts.reduce(both).unwrap_or(Verdict::Absent))
            });
            keep(
                &mut gates,
                &format!("{}.{}", own.name, field.name),
                rows.collect(),
            );
        }
        gates
    }
}

/// Keeps the rows of an item that was not always as it is today. Before the first revision nothing
/// is known: a smaller table is taken for the first, whose slots then end where it says.
fn keep(gates: &mut Gates, name: &str, verdicts: Vec<(u32, Verdict)>) {
    let Some((_, newest)) = verdicts.last().copied() else {
        return;
    };
    if verdicts.iter().all(|(_, verdict)| *verdict == newest) {
        return;
    }
    let mut rows: Vec<Row> = Vec::new();
    for (size, verdict) in verdicts {
        if rows.last().is_none_or(|row| row.verdict != verdict) {
            let minor = if rows.is_empty() { 0 } else { size };
            rows.push(Row {
                minor,
                reported: 0,
                verdict,
            });
        }
    }
    gates.rows.insert(name.to_owned(), rows);
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

fn of_slot(revision: &Header, field: &Field) -> Verdict {
    let slots = table(revision).into_iter().flat_map(|t| &t.fields);
    match slots.into_iter().find(|f| f.name == field.name) {
        None => Verdict::Absent,
        Some(then) if same_field(then, field) => {
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
    let alike =
        then.offset == function.offset && same_signature(&then.signature, &function.signature);
    let (before, now) = (args(revision, then), args(newest, function));
    match (before, now) {
        _ if !alike => Verdict::Incompatible,
        (None, None) => Verdict::Known { sent: 1, known: 1 },
        (Some(before), Some(now)) if reachable_alike(revision, newest, before, now) => {
            let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
            Verdict::Known {
                sent: small(before.struct_size.unwrap_or(before.size)),
                known: small(end(before)),
            }
        }
        _ => Verdict::Incompatible,
    }
}

fn args<'h>(header: &'h Header, function: &Function) -> Option<&'h Struct> {
    let args = function.args.as_deref()?;
    header.structs.iter().find(|s| s.name == args)
}

/// Whether two structs, and all that their fields name, are each the beginning of the other.
fn reachable_alike(then: &Header, now: &Header, a: &Struct, b: &Struct) -> bool {
    let mut seen = BTreeSet::from([a.name.clone()]);
    let mut open = vec![(a, b)];
    while let Some((a, b)) = open.pop() {
        let mut pairs = a.fields.iter().zip(&b.fields);
        if !pairs.all(|(a, b)| same_field(a, b)) {
            return false;
        }
        let words = a.fields.iter().flat_map(|f| schema::alike::words(&f.ty));
        for name in words {
            let find = |h: &'_ Header| h.structs.iter().position(|s| s.name == name);
            let (Some(a), Some(b)) = (find(then), find(now)) else {
                continue;
            };
            if let (Some(a), Some(b)) = (then.structs.get(a), now.structs.get(b))
                && seen.insert(name.to_owned())
            {
                open.push((a, b));
            }
        }
    }
    true
}

fn same_field(a: &Field, b: &Field) -> bool {
    let signatures = match (&a.signature, &b.signature) {
        (Some(a), Some(b)) => same_signature(a, b),
        (None, None) => true,
        _ => false,
    };
    a.name == b.name
        && a.offset == b.offset
        && a.size == b.size
        && signatures
        && same_type(&a.ty, &b.ty)
}

fn same_signature(a: &Signature, b: &Signature) -> bool {
    let params = a.params.len() == b.params.len()
        && a.params
            .iter()
            .zip(&b.params)
            .all(|(a, b)| same_type(&a.ty, &b.ty));
    params && same_type(&a.returns, &b.returns)
}
