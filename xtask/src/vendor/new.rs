//! `vendor new`: a crate of a header.

use std::collections::BTreeMap;
use std::path::Path;

use pjrt_codegen::infer::{self, Given};
use pjrt_codegen::vendor;

use super::facts::{self, Facts};
use super::{fault, names, report, skeleton, upstream};
use crate::clang::vendor::Wanted;
use crate::outcome::{Outcome, write_all};
use crate::vendor_cmd::Reading;

/// Runs the command.
///
/// # Errors
///
/// A header or folder at fault; then nothing is written.
pub fn new(reading: &Reading, out: &Path) -> Outcome {
    if std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        let message = "expected an empty folder or none, found files".to_owned();
        return Err(fault(
            out,
            message,
            "give another with --out, or take a new revision with `cargo xtask vendor update`",
        ));
    }
    if out.is_file() {
        let message = "expected a folder, found a file".to_owned();
        return Err(fault(out, message, "give another with --out"));
    }
    let upstream = upstream()?;
    let facts = facts::read(&upstream, &wanted(reading))?;
    let (files, summary) = made(&upstream, &facts, out)?;
    write_all(out, &files)?;
    print!("{summary}");
    println!("{}: see README.md there for what is next", out.display());
    Ok(true)
}

/// What the arguments say of how the header is read.
pub fn wanted(reading: &Reading) -> Wanted<'_> {
    Wanted {
        header: &reading.header,
        include: &reading.include,
        number: reading.number,
        name: reading.name.as_deref(),
        module: reading.module.as_deref(),
        table: reading.table.as_deref(),
    }
}

type Files = BTreeMap<String, Option<String>>;

fn made(
    upstream: &pjrt_codegen::model::Model,
    facts: &Facts,
    out: &Path,
) -> Result<(Files, String), pjrt_codegen::diag::Diagnostics> {
    let Some(header) = facts.header() else {
        let message = "the header declares nothing".to_owned();
        return Err(fault(
            out,
            message,
            "give the vendor's header with --header",
        ));
    };
    let [json, toml, _] = names(&header.module);
    let existing = (toml.clone(), String::new());
    let inferred = infer::overlay(&Given {
        upstream,
        vendor: &facts.schema,
        comments: &facts.comments,
        existing: &existing,
    })?;
    let above = skeleton::judgements(header);
    let text = format!("{above}\n{}", inferred.text);
    let schema = (json.clone(), facts.text.clone());
    let judgements = (toml.clone(), text.clone());
    // What the macro will read.
    vendor::model(upstream, &schema, &[judgements], None)?;
    let summary = report::text(&toml, above.lines().count().saturating_add(1), &inferred);
    let mut files: Files = skeleton::files(header, out)
        .into_iter()
        .map(|(path, text)| (path, Some(text)))
        .collect();
    files.insert(json, Some(facts.text.clone()));
    files.insert(toml, Some(text));
    Ok((files, summary))
}
