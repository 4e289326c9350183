//! The list of what a person must decide.

use super::changelog::{CHANGELOG, to_look_at};
use super::propose::{self, Proposal};
use crate::coverage::{Item, Kind, Ledger, SKIPPED, problems};
use crate::derived::File;
use crate::model::Model;
use crate::overlay::Safe;
use std::collections::BTreeSet;

/// What a person must decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What it is about, and what is missing.
    pub what: String,
    /// The file that the entry belongs into; empty where no entry decides it.
    pub file: String,
    /// Text to paste there, with holes to fill.
    pub entry: String,
    /// What else to do, or to know.
    pub notes: Vec<String>,
}

/// Everything that lacks a verdict, with a proposed entry where the overlay can decide it, and
/// every box of the changelog that nobody ticked.
pub fn open(model: &Model, overlay: &[File], ledger: &Ledger, changelog: &str) -> Vec<Judgement> {
    let mut found = Vec::new();
    let mut shown = BTreeSet::new();
    let undecided = || ledger.items.iter().filter(|i| i.verdict.is_undecided());
    for item in undecided().filter(|i| matches!(i.kind, Kind::Function | Kind::Slot)) {
        if ledger.dangling.iter().all(|d| d.name != item.name) {
            found.push(function(model, overlay, item, &mut shown));
        }
    }
    let parts = |kind| undecided().filter(move |i| i.kind == kind && !i.follows);
    let mut items: Vec<&Item> = parts(Kind::Field).chain(parts(Kind::EnumValue)).collect();
    items.sort_by_key(|i| (&i.owner, i.verdict.text()));
    for group in items.chunk_by(|a, b| a.owner == b.owner && a.verdict == b.verdict) {
        found.extend(part(model, group));
    }
    // The rest has no entry to propose: a judgement that is no longer true.
    let rest = problems(ledger).into_iter();
    let rest = rest.filter(|line| !line.starts_with("needs a verdict"));
    found.extend(rest.map(|line| Judgement {
        what: line.split_whitespace().collect::<Vec<_>>().join(" "),
        ..Judgement::default()
    }));
    found.extend(
        to_look_at(changelog)
            .into_iter()
            .map(|(section, line)| Judgement {
                what: line,
                notes: vec![format!(
                    "look at that code, then tick the box in {CHANGELOG}, section {section}"
                )],
                ..Judgement::default()
            }),
    );
    found
}

fn place(model: &Model, name: &str) -> String {
    match model.module_of(name) {
        None | Some("core") => "schema/overlay/core.toml".to_owned(),
        Some(module) => format!("schema/overlay/ext/{module}.toml"),
    }
}

fn judgement(what: String, file: String, proposal: Proposal) -> Judgement {
    Judgement {
        what,
        file,
        entry: proposal.shown,
        notes: proposal.notes,
    }
}

fn about(item: &Item) -> String {
    format!("{}: {}", item.name, item.verdict.text())
}

fn function(
    model: &Model,
    overlay: &[File],
    item: &Item,
    shown: &mut BTreeSet<String>,
) -> Judgement {
    if model.function(&item.name).is_some() {
        let proposal = propose::function(model, overlay, &item.name, shown);
        return judgement(about(item), place(model, &item.name), proposal);
    }
    let mut skip = propose::skip(&[&item.name]);
    skip.notes.push(format!(
        "a slot without a function: let code read it, or skip it in {SKIPPED}"
    ));
    judgement(about(item), SKIPPED.to_owned(), skip)
}

/// Fields of one struct or values of one enum that lack the same.
fn part(model: &Model, group: &[&Item]) -> Option<Judgement> {
    let first = group.first()?;
    let names: Vec<&str> = group.iter().map(|i| i.name.as_str()).collect();
    let what = format!("{}: {}", names.join(", "), first.verdict.text());
    if let Some(of) = model.enumeration(&first.owner) {
        let proposal = propose::enumeration(model, of);
        return Some(judgement(what, place(model, &of.name), proposal));
    }
    let taker = model.facts.headers.iter().flat_map(|h| &h.functions);
    let mut taker = taker.filter(|f| f.args.as_deref() == Some(first.owner.as_str()));
    let mut proposal = match model.structure(&first.owner) {
        Some(of) if propose::is_plain(model, of) => {
            let proposal = propose::value(of);
            return Some(judgement(what, place(model, &of.name), proposal));
        }
        _ => propose::skip(&names),
    };
    let how = match taker.next() {
        Some(function) => {
            let by = match model.entry(&function.name).and_then(|e| e.safe.as_ref()) {
                Some(Safe::HandWritten(path)) => format!("`{path}`"),
                _ => format!("the method of {}", function.name),
            };
            format!("give inputs and read outputs in {by}")
        }
        None => "let code name them".to_owned(),
    };
    proposal
        .notes
        .push(format!("{how}; or skip them in {SKIPPED}"));
    Some(judgement(what, SKIPPED.to_owned(), proposal))
}

/// The list for readers.
pub fn to_text(open: &[Judgement]) -> String {
    if open.is_empty() {
        return "nothing needs a judgement\n".to_owned();
    }
    let mut out = format!("{} need a judgement:\n", open.len());
    for (index, one) in open.iter().enumerate() {
        out.push_str(&format!("\n{}. {}\n", index + 1, one.what));
        for note in &one.notes {
            out.push_str(&format!("   {note}\n"));
        }
        if !one.entry.is_empty() {
            out.push_str(&format!("   into {}:\n\n{}", one.file, one.entry));
        }
    }
    out
}
