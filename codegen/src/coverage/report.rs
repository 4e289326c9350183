//! The ledger on a terminal and as JSON.

use super::ledger::{Count, Item, Kind, Ledger};
use super::skipped::{LIMIT, SKIPPED};
use serde_json::{Value, json};

/// The kinds under the names that the report gives them.
const KINDS: [(Kind, &str); 4] = [
    (Kind::Function, "functions"),
    (Kind::Field, "fields"),
    (Kind::EnumValue, "enum_values"),
    (Kind::Slot, "extension_slots"),
];

/// The ledger as JSON: counts, what dangles, and which functions were called on which plugin.
pub fn json(ledger: &Ledger) -> Value {
    let count = |kind| {
        let count = ledger.count(kind);
        json!({
            "total": count.total,
            "generated": count.generated,
            "hand_written": count.hand_written,
            "skipped": count.skipped,
            "undecided": count.undecided,
        })
    };
    let mut report = serde_json::Map::new();
    for (kind, name) in KINDS {
        report.insert(name.to_owned(), count(kind));
    }
    let names = |list: &[super::Dangling]| -> Vec<Value> {
        let all = list.iter();
        all.map(|d| json!({"name": d.name, "problem": d.problem}))
            .collect()
    };
    let undecided = ledger.items.iter().filter(|i| i.verdict.is_undecided());
    report.insert("dangling".into(), names(&ledger.dangling).into());
    report.insert("stale_skips".into(), names(&ledger.stale).into());
    report.insert(
        "undecided".into(),
        undecided.map(|i| i.name.as_str()).collect(),
    );
    report.insert("called_on".into(), ledger.called.report());
    Value::Object(report)
}

/// The totals as a table.
pub(super) fn totals(ledger: &Ledger) -> Vec<(&'static str, Count)> {
    let counts = KINDS
        .iter()
        .map(|(kind, name)| (*name, ledger.count(*kind)));
    counts.collect()
}

/// The ledger for a terminal: totals, calls by plugin, and everything that is wrong.
pub fn text(ledger: &Ledger) -> String {
    let mut out = format!(
        "{:<16} {:>6} {:>10} {:>13} {:>8} {:>10}\n",
        "", "total", "generated", "hand-written", "skipped", "undecided"
    );
    for (name, c) in totals(ledger) {
        out.push_str(&format!(
            "{:<16} {:>6} {:>10} {:>13} {:>8} {:>10}\n",
            name.replace('_', " "),
            c.total,
            c.generated,
            c.hand_written,
            c.skipped,
            c.undecided
        ));
    }
    for (plugin, calls) in &ledger.called.0 {
        out.push_str(&format!(
            "called on {plugin} ({}): {} ok, {} with an error\n",
            calls.api,
            calls.ok.len(),
            calls.error.len()
        ));
    }
    let problems = problems(ledger);
    if problems.is_empty() {
        out.push_str("every item has a verdict\n");
    } else {
        out.push('\n');
    }
    for problem in problems {
        out.push_str(&problem);
        out.push('\n');
    }
    out
}

/// Everything that keeps the ledger from being complete, by name; empty if nothing does.
pub fn problems(ledger: &Ledger) -> Vec<String> {
    let mut out = Vec::new();
    let faults = ledger.faults.iter();
    out.extend(faults.map(|f| format!("not expanded    {f}")));
    let line = |word, d: &super::Dangling| format!("{word:<15} {}: {}", d.name, d.problem);
    out.extend(ledger.dangling.iter().map(|d| line("dangling", d)));
    out.extend(ledger.stale.iter().map(|d| line("stale skip", d)));
    if ledger.skips.len() > LIMIT {
        out.push(format!(
            "too many skips  {SKIPPED} has {} entries, and at most {LIMIT} are allowed",
            ledger.skips.len()
        ));
    }
    let unknown = ledger.unknown.iter();
    out.extend(unknown.map(|name| {
        format!("stale record    {name}: the facts have no such function; record again")
    }));
    let dangles = |i: &&Item| ledger.dangling.iter().all(|d| d.name != i.name);
    let open = || ledger.items.iter().filter(|i| i.verdict.is_undecided());
    for kind in [Kind::Function, Kind::Slot] {
        let items = open().filter(|i| i.kind == kind).filter(dangles);
        out.extend(items.map(|i| format!("needs a verdict {}: {}", i.name, i.verdict.text())));
    }
    for kind in [Kind::Field, Kind::EnumValue] {
        let mut items: Vec<&Item> = open().filter(|i| i.kind == kind && !i.follows).collect();
        items.sort_by_key(|i| i.verdict.text());
        items.sort_by_key(|i| &i.owner);
        // What lacks the same thing in the same struct stands on one line.
        for group in items.chunk_by(|a, b| a.owner == b.owner && a.verdict == b.verdict) {
            let Some(first) = group.first() else { continue };
            let names: Vec<&str> = group.iter().map(|i| i.name.as_str()).collect();
            out.push(format!(
                "needs a verdict {}: {}",
                names.join(", "),
                first.verdict.text()
            ));
        }
    }
    out
}
