//! From a repository to the history.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use pjrt_codegen::diag::Diagnostic;
use pjrt_codegen::history::{self, Folded, Renames, Snapshot, Text};

use super::cache::Outcome as Read;
use super::{commits, parse};
use crate::headers::git::Repository;
use crate::headers::set::{MAIN, module_name};
use crate::outcome::{Outcome, write_atomically};
use crate::{libclang, paths};

/// Folds the history up to a revision and writes it.
pub fn run(git: &str, rev: &str, name: Option<&str>, out: Option<&Path>) -> Outcome {
    let start = Instant::now();
    let target = paths::target();
    let repository = Repository::open(git, &target)?;
    let upto = repository.resolve(rev)?;
    let name = name
        .map(str::to_string)
        .or_else(|| repository.origin())
        .unwrap_or_default();
    let commits = commits::read(&repository, &upto)?;
    let names: BTreeSet<String> = commits
        .iter()
        .flat_map(|c| c.tree.values().cloned())
        .collect();
    let texts = commits::contents(repository.folder(), &names)?;
    eprintln!("{} commits, {} texts", commits.len(), names.len());
    libclang::ensure(&target)?;
    let outcomes = parse::all(&commits, &texts, &target)?;
    let renames = renames()?;

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

    let text = history::to_text(&history);
    let out = out.map_or_else(paths::history, Path::to_path_buf);
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

fn renames() -> Result<Renames, pjrt_codegen::diag::Diagnostics> {
    let path = paths::root().join("schema/overlay/renames.toml");
    let file = "schema/overlay/renames.toml";
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Diagnostic::new("V000", file, format!("cannot read it: {error}")))?;
    Renames::parse(file, &text)
}
