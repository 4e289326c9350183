//! A new set of headers: everything that follows from it without a person, and the list of what
//! does not.
//!
//! Nothing here writes. [`bump`] gives the texts that the new facts make of the checked-in files
//! (facts, history, changelog, the modules of checked calls), and the sources that every derived
//! file is then made of; [`open`] gives what needs a judgement, with a proposed entry each.
mod changelog;
mod compare;
mod judge;
pub(crate) mod propose;

pub use changelog::{CHANGELOG, to_look_at};
pub use compare::{Changes, compare};
pub use judge::{Judgement, open, to_text};

use crate::derived::{File, Sources, invocations};
use crate::diag::{Diagnostic, Diagnostics};
use crate::history::{self, History, Renames};
use crate::model::{Model, join};
use crate::overlay;
use crate::schema::{self, Schema};
use std::collections::BTreeMap;

/// The file that makes the checked calls of all modules.
const CALLS: &str = "pjrt/src/raw/mod.rs";
/// The history's place.
pub const HISTORY: &str = "schema/history.json";

/// The checked-in files that a new set of headers changes or is held against.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    /// Facts, judgements and sources.
    pub sources: Sources,
    /// Every version of the headers.
    pub history: History,
    /// Confirmed renames: the file's text.
    pub renames: File,
    /// The changelog's text, empty if there is none.
    pub changelog: String,
}

/// A new set of headers.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    /// Its facts.
    pub schema: Schema,
    /// The commit that they are from, 12 digits; without it the facts give a name.
    pub commit: Option<String>,
    /// The day for the record, `YYYY-MM-DD`.
    pub date: String,
    /// The history folded from a repository that has these headers, instead of one more state.
    pub history: Option<History>,
    /// Modules whose headers upstream deleted: their facts are kept.
    pub gone: Vec<String>,
}

/// What follows from a new set of headers.
#[derive(Clone, Debug)]
pub struct Bumped {
    /// What every derived file is made of from now on.
    pub sources: Sources,
    /// The model of these.
    pub model: Model,
    /// The files that are not derived from others, by path; none: it goes.
    pub files: BTreeMap<String, Option<String>>,
    /// What is new.
    pub changes: Changes,
    /// What looks like a rename, a line each.
    pub renames: Vec<String>,
}

/// Works out what a new set of headers makes of a repository.
///
/// # Errors
///
/// Facts that cannot follow those of the repository, and judgements that they make untrue.
pub fn bump(repository: &Repository, headers: &Headers) -> Result<Bumped, Diagnostics> {
    let known = &repository.sources;
    let old = schema::load(&known.schema.0, &known.schema.1)?;
    let new = &headers.schema;
    if (new.major, new.minor) < (old.major, old.minor) {
        let version = |of: &Schema| format!("{}.{}", of.major, of.minor);
        let (new, old) = (version(new), version(&old));
        let message =
            format!("the headers are of {new}, and the facts here of {old}, which is newer");
        return Err(Diagnostic::new("B004", "headers", message)
            .help("give newer headers; `cargo xtask diff` compares with older ones")
            .into());
    }
    let mut files = BTreeMap::new();
    let path = format!("schema/pjrt-{}.{}.json", new.major, new.minor);
    let sums =
        |of: &Schema| -> Vec<String> { of.headers.iter().map(|h| h.sha256.clone()).collect() };
    let text = match path == known.schema.0 && sums(new) == sums(&old) {
        // The same files, whoever gave them.
        true => known.schema.1.clone(),
        false => schema::to_text(new),
    };
    // What is written must be what is read.
    schema::load(&path, &text)?;
    if path != known.schema.0 {
        files.insert(known.schema.0.clone(), None);
    }
    files.insert(path.clone(), Some(text.clone()));

    let extra = kept(&known.extra, &old, new, &headers.gone)?;
    for (path, text) in &extra {
        files.insert(path.clone(), Some(text.clone()));
    }
    for (path, _) in &known.extra {
        if extra.iter().all(|(kept, _)| kept != path) {
            files.insert(path.clone(), None);
        }
    }

    let (name, rules) = &repository.renames;
    let rules = Renames::parse(name, rules)?;
    let (history, renames) = history(repository, headers, &old, &rules)?;
    let written = history::to_text(&history);
    history::load(HISTORY, &written)?;
    files.insert(HISTORY.to_owned(), Some(written));

    let mut rust = known.rust.clone();
    if let Some((path, text)) = calls(&mut rust, &old, new)? {
        files.insert(path, Some(text));
    }

    let loaded = extra.iter().map(|(name, text)| schema::load(name, text));
    let facts = join(new.clone(), loaded.collect::<Result<_, _>>()?);
    let sources = Sources {
        schema: (path, text),
        extra,
        overlay: known.overlay.clone(),
        versions: history.versions(&facts, &overlay::oldest(&known.overlay)?)?,
        rust,
    };
    let model = sources.model()?;
    let changes = compare(&history, &rules, &old, new, &known.rust);
    let changelog = changelog::with(&repository.changelog, new, &changes);
    if changelog != repository.changelog {
        files.insert(CHANGELOG.to_owned(), Some(changelog));
    }
    Ok(Bumped {
        sources,
        model,
        files,
        changes,
        renames,
    })
}

/// The files of headers that upstream deleted: those there are, and those of `gone`.
fn kept(
    extra: &[File],
    old: &Schema,
    new: &Schema,
    gone: &[String],
) -> Result<Vec<File>, Diagnostics> {
    let has = |schema: &Schema, module: &str| schema.headers.iter().any(|h| h.module == module);
    let mut found = Diagnostics::default();
    let missing: Vec<&str> = old
        .headers
        .iter()
        .map(|h| h.module.as_str())
        .filter(|m| !has(new, m) && !gone.iter().any(|g| g == m))
        .collect();
    if !missing.is_empty() {
        let message = format!("the set has no header of {}", missing.join(", "));
        let flags: Vec<String> = missing.iter().map(|m| format!("--gone {m}")).collect();
        let help = format!(
            "give a whole set; if upstream deleted them, add {}",
            flags.join(" ")
        );
        found.push(Diagnostic::new("B001", "headers", message).help(help));
    }
    let mut files: Vec<File> = Vec::new();
    for (path, text) in extra {
        let mut kept = schema::load(path, text)?;
        kept.headers.retain(|h| !has(new, &h.module));
        if !kept.headers.is_empty() {
            files.push((path.clone(), text.clone()));
        }
    }
    for module in gone {
        let header = old.headers.iter().find(|h| h.module == *module);
        let there = files.iter().any(|(path, _)| *path == extra_path(module));
        match header.filter(|_| !has(new, module)) {
            Some(header) => {
                let alone = Schema {
                    major: old.major,
                    minor: old.minor,
                    headers: vec![header.clone()],
                };
                let path = extra_path(module);
                let text = schema::to_text(&alone);
                schema::load(&path, &text)?;
                files.push((path, text));
            }
            None if there => {}
            None => {
                let message = format!("`{module}` is no header that went away");
                let advice = "name modules that the new set lacks and the facts have";
                found.push(Diagnostic::new("B002", "--gone", message).help(advice));
            }
        }
    }
    files.sort();
    found.into_result(files)
}

fn extra_path(module: &str) -> String {
    format!("schema/extra/{module}.json")
}

/// The history with the new headers, and what looks renamed.
fn history(
    repository: &Repository,
    headers: &Headers,
    old: &Schema,
    renames: &Renames,
) -> Result<(History, Vec<String>), Diagnostics> {
    let new = &headers.schema;
    if let Some(folded) = &headers.history {
        // Folded from commits: it must end with these headers.
        let commit = headers.commit.clone().unwrap_or_default();
        let ended = history::append(folded, new, new, &commit, &headers.date, renames)?;
        if ended.history != *folded {
            let message = "the newest commit of the repository has other headers than the set";
            return Err(Diagnostic::new("B003", "--git", message)
                .help("name the revision that the headers are from: `--rev REV`")
                .into());
        }
        return Ok((folded.clone(), Vec::new()));
    }
    let commit = headers.commit.clone().unwrap_or_else(|| made_up(new));
    let known = &repository.history;
    let folded = history::append(known, old, new, &commit, &headers.date, renames)?;
    Ok((folded.history, folded.candidates))
}

/// A name for a state that has no commit.
fn made_up(schema: &Schema) -> String {
    let digests: Vec<&str> = schema.headers.iter().map(|h| h.digest.as_str()).collect();
    let sum = schema::sha256(digests.join("\n").as_bytes());
    format!("(headers) {}", sum.get(..12).unwrap_or(&sum))
}

/// The file of the checked calls with the modules that are new; none if none is.
fn calls(rust: &mut [File], old: &Schema, new: &Schema) -> Result<Option<File>, Diagnostics> {
    let mut made: Vec<String> = Vec::new();
    for (path, text) in rust.iter() {
        let found = invocations(path, text)?.into_iter();
        made.extend(found.filter(|i| i.kind == "calls").map(|i| i.name));
    }
    let lacking = new.headers.iter().filter(|h| {
        let functions = h.functions.iter().any(|f| !f.table.is_empty());
        let known = made.contains(&h.module) || old.headers.iter().any(|o| o.module == h.module);
        functions && !known
    });
    let mut added = String::new();
    for header in lacking {
        let module = &header.module;
        added.push_str(&format!(
            "/// Checked calls of the extension `{module}`.\npub mod {module} {{\n    pjrt_macros::generate!(calls {module});\n}}\n"
        ));
    }
    let file = rust.iter_mut().find(|(path, _)| path == CALLS);
    let Some((path, text)) = file.filter(|_| !added.is_empty()) else {
        return Ok(None);
    };
    text.push_str(&added);
    Ok(Some((path.clone(), text.clone())))
}
