//! `vendor update`: a new revision of a header.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::infer::{self, Given};
use pjrt_codegen::schema::{self, Header};
use pjrt_codegen::vendor::{self, Revisions, revisions};

use super::facts::{self, Facts};
use super::new::wanted;
use super::{fault, module_in, names, read, report, skeleton, upstream};
use crate::clang::vendor::Wanted;
use crate::outcome::{Outcome, write_all};
use crate::vendor_cmd::Reading;

const SOURCE: &str = "src/lib.rs";

/// Runs the command.
///
/// # Errors
///
/// A header, a folder or judgements at fault; then nothing is written.
pub fn update(reading: &Reading, folder: &Path) -> Outcome {
    let module = module_in(folder)?;
    let [json, toml, history] = names(&module);
    let before_text = read(&folder.join(&json))?;
    let (before, _) = vendor::facts(&(json.clone(), before_text.clone()))?;
    let upstream = upstream()?;
    let facts = again(&upstream, reading, &before)?;
    let (Some(old), Some(new)) = (before.headers.first(), facts.header()) else {
        return Err(fault(
            folder,
            "no header in the facts".to_owned(),
            "make them again",
        ));
    };
    same_extension(folder, old, new)?;
    if facts.text == before_text {
        println!("{}: nothing is new", folder.display());
        return Ok(true);
    }
    let mut files = BTreeMap::from([(json.clone(), Some(facts.text.clone()))]);

    let at = folder.join(&history);
    let recorded = match at.is_file() {
        true => Some((history.clone(), read(&at)?)),
        false => None,
    };
    let older = recorded.as_ref().map(revisions::read).transpose()?;
    let mut older = older.unwrap_or_default();
    // The same declarations in another text are no other revision.
    if old.digest != new.digest {
        older.0.push(before.clone());
    }
    let recorded = history_text(&older).map(|text| (history.clone(), text));
    if let Some((name, text)) = &recorded {
        files.insert(name.clone(), Some(text.clone()));
    }

    let judgements = read(&folder.join(&toml))?;
    let existing = (toml.clone(), judgements.clone());
    let inferred = infer::overlay(&Given {
        upstream: &upstream,
        vendor: &facts.schema,
        comments: &facts.comments,
        existing: &existing,
    })?;
    let lines = judgements.trim_end().lines().count().saturating_add(1);
    let mut text = judgements.clone();
    if !inferred.text.is_empty() {
        text = format!("{}\n\n{}", judgements.trim_end(), inferred.text);
        files.insert(toml.clone(), Some(text.clone()));
    }
    // What the macro will read.
    let schema = (json, facts.text.clone());
    vendor::model(
        &upstream,
        &schema,
        &[(toml.clone(), text)],
        recorded.as_ref(),
    )?;

    let source = invoking(folder, &module, recorded.is_some())?;
    if let Source::Changed(text) = &source {
        files.insert(SOURCE.to_owned(), Some(text.clone()));
    }
    write_all(folder, &files)?;
    print!("{}", changes(old, new));
    print!("{}", report::text(&toml, lines, &inferred));
    if let Source::Unknown = source {
        println!("{SOURCE}: add `history = \"{history}\"` to what `pjrt::extension!` is given");
    }
    Ok(true)
}

/// Reads the header as it was read before, unless the arguments say otherwise.
fn again(
    upstream: &pjrt_codegen::model::Model,
    reading: &Reading,
    before: &schema::Schema,
) -> Result<Facts, Diagnostics> {
    let header = before.headers.first();
    let extension = header.and_then(|h| h.extension.as_ref());
    let asked = wanted(reading);
    let as_before = Wanted {
        name: asked.name.or(extension.map(|e| e.name.as_str())),
        module: asked.module.or(header.map(|h| h.module.as_str())),
        table: asked.table.or(extension.map(|e| e.table.as_str())),
        ..asked
    };
    match facts::read(upstream, &as_before) {
        // The number was given by hand then, and is again.
        Err(faults) if faults.iter().any(|f| f.code == "H024") && asked.number.is_none() => {
            let number = extension.map(|e| e.number);
            facts::read(
                upstream,
                &Wanted {
                    number,
                    ..as_before
                },
            )
        }
        other => other,
    }
}

/// Another name or number is another extension.
fn same_extension(folder: &Path, old: &Header, new: &Header) -> Result<(), Diagnostics> {
    let told = |h: &Header| {
        let e = h.extension.clone().unwrap_or_default();
        format!("{} of the module {}, number {}", e.name, h.module, e.number)
    };
    let (old, new) = (told(old), told(new));
    if old == new {
        return Ok(());
    }
    let message = format!("expected the extension {old}, found {new}");
    let help = "another extension has a crate of its own: `cargo xtask vendor new`";
    Err(fault(folder, message, help))
}

/// The file of older revisions; none while there are none.
fn history_text(older: &Revisions) -> Option<String> {
    (!older.0.is_empty()).then(|| revisions::write(older))
}

/// Whether the crate's source names the history.
enum Source {
    Names,
    Changed(String),
    Unknown,
}

fn invoking(folder: &Path, module: &str, recorded: bool) -> Result<Source, Diagnostic> {
    let text = std::fs::read_to_string(folder.join(SOURCE)).unwrap_or_default();
    let [_, _, history] = names(module);
    if !recorded || text.contains(&history) {
        return Ok(Source::Names);
    }
    let made = skeleton::invocation(module);
    Ok(match text.contains(&made) {
        true => Source::Changed(text.replace(&made, &skeleton::with_history(module))),
        false => Source::Unknown,
    })
}

/// Which functions came and went.
fn changes(old: &Header, new: &Header) -> String {
    let names = |h: &Header| -> BTreeSet<String> {
        let functions = h.functions.iter().filter(|f| !f.table.is_empty());
        functions.map(|f| f.name.clone()).collect()
    };
    let (before, now) = (names(old), names(new));
    let mut out = String::new();
    for name in now.difference(&before) {
        out.push_str(&format!("new   {name}\n"));
    }
    for name in before.difference(&now) {
        out.push_str(&format!("gone  {name}\n"));
    }
    out
}
