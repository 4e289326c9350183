//! From a repository to the history.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::history::{self, Folded, Renames, Snapshot, Text};

use super::cache::Outcome as Read;
use super::{commits, parse};
use crate::headers::git::Repository;
use crate::headers::set::{MAIN, module_name};
use crate::outcome::{Outcome, write_atomically};
use crate::{libclang, paths};

const RENAMES: &str = "schema/overlay/renames.toml";

/// What is asked for.
pub struct Wanted<'w> {
    /// Repository.
    pub git: &'w str,
    /// Newest commit to take.
    pub rev: &'w str,
    /// Name of the repository.
    pub name: Option<&'w str>,
    /// File of confirmed renames.
    pub renames: Option<&'w Path>,
    /// File to write.
    pub out: Option<&'w Path>,
}

/// Folds the history up to a revision and writes it.
pub fn run(wanted: &Wanted<'_>) -> Outcome {
    let start = Instant::now();
    let Folded {
        history,
        candidates,
    } = folded(wanted)?;
    let text = history::to_text(&history);
    let out = wanted.out.map_or_else(paths::history, Path::to_path_buf);
    let shown = out.display().to_string();
    // What is written must be what is read.
    history::load(&shown, &text)?;
    write_atomically(&out, &text)?;
    for line in &candidates {
        eprintln!("a rename? {line}");
    }
    for problem in &history.problems {
        eprintln!(
            "not read: {} at {}: {}",
            problem.path, problem.commit, problem.message
        );
    }
    let source = &history.source;
    eprintln!(
        "{shown}: {} commits ({} of the main header, {} without a version left out), {} states, {} bytes, {} s",
        source.commits,
        source.main,
        source.unversioned,
        history.states.len(),
        text.len(),
        start.elapsed().as_secs()
    );
    Ok(true)
}

/// Folds the history up to a revision.
pub fn folded(wanted: &Wanted<'_>) -> Result<Folded, Diagnostics> {
    let target = paths::target();
    let renames = renames(wanted.renames)?;
    let repository = Repository::open(wanted.git, &target)?;
    let upto = repository.resolve(wanted.rev)?;
    let name = wanted.name.map(str::to_string);
    let name = name.or_else(|| repository.origin());
    // A copy that does not say what it is a copy of: as before.
    let before = || Some(history::read_file(&paths::history()).ok()?.source.name);
    let name = name.or_else(before).unwrap_or_default();
    let commits = commits::read(&repository, &upto)?;
    if commits.is_empty() {
        return Err(without_headers(&repository, wanted).into());
    }
    let names: BTreeSet<String> = commits
        .iter()
        .flat_map(|c| c.tree.values().cloned())
        .collect();
    let texts = commits::contents(repository.folder(), &names)?;
    eprintln!("{} commits, {} texts", commits.len(), names.len());
    libclang::ensure(&target)?;
    let outcomes = parse::all(&commits, &texts, &target)?;

    // Keys and messages first, for the snapshots borrow them.
    let keyed: Vec<Vec<(String, String, String)>> = commits
        .iter()
        .map(|commit| {
            let key = |path: &String| parse::key(path, commit, &texts);
            let entry = |path: &String| {
                let key = key(path);
                let message = match outcomes.get(&key) {
                    Some(Read::Failed(problems)) => problems.join("; "),
                    Some(Read::Helpers) => "it includes C++".to_string(),
                    _ => String::new(),
                };
                (path.clone(), key, message)
            };
            commit.tree.keys().map(entry).collect()
        })
        .collect();
    let snapshots: Vec<Snapshot<'_>> = commits
        .iter()
        .zip(&keyed)
        .map(|(commit, keyed)| Snapshot {
            commit: commit.hash.clone(),
            date: commit.date.clone(),
            main: commit.changed.contains(MAIN),
            headers: keyed
                .iter()
                .filter_map(|(path, key, message)| {
                    let facts = match outcomes.get(key)? {
                        Read::Header(header) => Ok(header.as_ref()),
                        Read::Failed(_) => Err(message.as_str()),
                        // The main header is no helper.
                        Read::Helpers if path == MAIN => Err(message.as_str()),
                        Read::Helpers | Read::Nothing => return None,
                    };
                    Some(Text {
                        path: path.clone(),
                        module: module_name(path),
                        key,
                        facts,
                    })
                })
                .collect(),
        })
        .collect();
    let Folded {
        mut history,
        candidates,
    } = history::fold(&name, &snapshots, &renames)?;
    history.source.commit = upto;
    if history.states.is_empty() {
        let message = format!(
            "no commit up to {} has a main header that states a version ({} looked at)",
            wanted.rev,
            commits.len()
        );
        return Err(Diagnostic::new("V008", wanted.git, message)
            .help("give a clone of XLA with its history, and a revision of its main branch")
            .into());
    }
    Ok(Folded {
        history,
        candidates,
    })
}

/// The error for a revision whose history never had the headers: it says which branches have them.
fn without_headers(repository: &Repository, wanted: &Wanted<'_>) -> Diagnostic {
    let message = format!(
        "no commit up to {} has any of PJRT's headers ({MAIN} is the main one)",
        wanted.rev
    );
    let branches = repository.branches_with(MAIN);
    let help = match branches.is_empty() {
        true => "give a clone of XLA with its history".to_string(),
        false => format!("pass `--rev {}`", branches.join("` or `--rev ")),
    };
    Diagnostic::new("V008", wanted.git, message).help(help)
}

fn renames(file: Option<&Path>) -> Result<Renames, Diagnostics> {
    let own = paths::root().join(RENAMES);
    let shown = file.map_or(RENAMES.to_string(), |file| file.display().to_string());
    let text = std::fs::read_to_string(file.unwrap_or(&own))
        .map_err(|error| Diagnostic::new("V000", &shown, format!("cannot read it: {error}")))?;
    Renames::parse(&shown, &text)
}
