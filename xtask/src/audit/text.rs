//! The report for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::report::Report;
use super::safe;
use super::table::{Status, Table};

/// All of it, a finding a line at the end.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, report);
    out
}

fn write(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "plugin      {}", report.plugin)?;
    if let Some((major, minor)) = report.api {
        writeln!(out, "API         {major}.{minor}")?;
    }
    if let Some(size) = report.struct_size {
        let expected = match report.expected {
            Some(expected) => format!("{expected} expected"),
            None => "no header of its version is recorded".to_owned(),
        };
        writeln!(out, "table       {size} bytes, {expected}")?;
    }
    if let Some(table) = &report.table {
        functions(out, table)?;
        extensions(out, report)?;
    }
    if let Some(range) = &report.stablehlo {
        writeln!(out, "StableHLO   {}", range.text())?;
    }
    for (index, (name, value)) in report.attributes.iter().enumerate() {
        let label = if index == 0 { "attributes" } else { "" };
        writeln!(out, "{label:<11} {name} = {value}")?;
    }
    if report.table.is_some() {
        frameworks(out, report)?;
        missing(out, report)?;
    }
    if report.findings.is_empty() {
        return writeln!(out, "findings    none");
    }
    writeln!(out, "findings")?;
    for finding in &report.findings {
        let grade = finding.grade.word();
        writeln!(out, "  {grade:<5} {:<18} {}", finding.code, finding.text)?;
    }
    Ok(())
}

fn functions(out: &mut String, table: &Table) -> std::fmt::Result {
    let all = [
        Status::Present,
        Status::Null,
        Status::Broken,
        Status::Absent,
        Status::Unknown,
    ];
    let counts = all.map(|status| (status, table.count(status)));
    let counts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{count} {}", status.word()))
        .collect();
    writeln!(out, "functions   {}", counts.join(", "))?;
    for status in all.into_iter().filter(|s| *s != Status::Present) {
        let names = table.named(status);
        // Offsets say less than names, and there may be very many.
        let list = match status {
            Status::Unknown => super::finding::names(&names),
            _ => names.join(", "),
        };
        if !names.is_empty() {
            writeln!(out, "  {}: {list}", status.word())?;
        }
    }
    Ok(())
}

fn extensions(out: &mut String, report: &Report) -> std::fmt::Result {
    let end = if report.chain_read {
        ""
    } else {
        ", not read to the end"
    };
    writeln!(out, "extensions  {}{end}", report.extensions.len())?;
    for node in &report.extensions {
        let name = node.name.as_deref().unwrap_or("(unknown)");
        let expected = node
            .expected
            .map_or("?".to_owned(), |size| size.to_string());
        write!(
            out,
            "  {:>4} {name:<20} {:>4} bytes, {expected:>4} expected",
            node.number, node.size
        )?;
        let lists = [("null", &node.null), ("absent", &node.absent)];
        for (what, names) in lists.iter().filter(|(_, names)| !names.is_empty()) {
            write!(out, "; {what}: {}", names.join(", "))?;
        }
        if node.unknown > 0 {
            write!(out, "; unknown slots: {}", node.unknown)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn frameworks(out: &mut String, report: &Report) -> std::fmt::Result {
    let mut by_name: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for served in &report.frameworks {
        let version = &served.framework.version;
        let entry = match (&served.problem, served.needs) {
            (Some(problem), _) => format!("not {version} ({problem})"),
            (None, Some(needs)) => format!("{version} (with {needs})"),
            (None, None) => version.clone(),
        };
        by_name
            .entry(&served.framework.name)
            .or_default()
            .push(entry);
    }
    for (index, (name, versions)) in by_name.iter().enumerate() {
        let label = if index == 0 { "taken by" } else { "" };
        writeln!(out, "{label:<11} {name}: {}", versions.join(", "))?;
    }
    Ok(())
}

/// Methods by reason; of extensions that are not there, only how many.
fn missing(out: &mut String, report: &Report) -> std::fmt::Result {
    let (gone, all) = (report.methods_missing(), report.methods);
    writeln!(out, "safe API    {gone} of {all} methods report an error")?;
    let mut by_reason: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for missing in &report.missing {
        let methods = by_reason.entry(&missing.reason).or_default();
        methods.insert(&missing.method);
    }
    let mut without = Vec::new();
    for (reason, methods) in by_reason {
        if let Some(extension) = reason.strip_prefix(safe::NO_EXTENSION) {
            without.push(format!("{extension} ({})", methods.len()));
            continue;
        }
        let methods: Vec<&str> = methods.into_iter().collect();
        writeln!(out, "  {reason}: {}", methods.join(", "))?;
    }
    if !without.is_empty() {
        writeln!(out, "  no extension: {}", without.join(", "))?;
    }
    Ok(())
}
