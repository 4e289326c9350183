//! Every header of every commit as facts: each text is read once, on all cores.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::schema::{Enum, sha256};

use super::cache::{Cache, Outcome};
use super::commits::Commit;
use super::progress::Progress;
use crate::clang;
use crate::headers::HeaderSet;
use crate::headers::set::MAIN;

/// Texts by object name.
pub type Texts = HashMap<String, String>;
/// What each header gave, by key.
pub type Outcomes = HashMap<String, Outcome>;

/// One header at one commit, to be read.
struct Job<'c> {
    key: String,
    path: String,
    commit: &'c Commit,
    types: Option<Enum>,
}

/// What a header's facts are made of: its own text and those that it includes.
pub fn key(path: &str, commit: &Commit, texts: &Texts) -> String {
    let mut seen = BTreeSet::new();
    let mut open = vec![path.to_string()];
    while let Some(path) = open.pop() {
        let Some(text) = commit.tree.get(&path).and_then(|blob| texts.get(blob)) else {
            continue;
        };
        if seen.insert(path) {
            open.extend(text.lines().filter_map(included).map(str::to_string));
        }
    }
    let mut list = format!("{path}\n");
    for path in &seen {
        let blob = commit.tree.get(path).map_or("", String::as_str);
        list.push_str(&format!("{path} {blob}\n"));
    }
    sha256(list.as_bytes())
}

fn included(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("#include")?.trim();
    rest.strip_prefix('"')?.split('"').next()
}

/// Reads all headers of all commits; the answers are by [`key`].
pub fn all(commits: &[Commit], texts: &Texts, target: &Path) -> Result<Outcomes, Diagnostics> {
    let cache = Cache::open(target);
    let mut outcomes = Outcomes::new();
    // The main headers first: they say which extensions there are.
    for main in [true, false] {
        let mut jobs: BTreeMap<String, Job<'_>> = BTreeMap::new();
        let mut order = Vec::new();
        for commit in commits {
            let types = types(commit, texts, &outcomes);
            for path in commit.tree.keys().filter(|path| (*path == MAIN) == main) {
                let key = key(path, commit, texts);
                if outcomes.contains_key(&key) || jobs.contains_key(&key) {
                    continue;
                }
                order.push(key.clone());
                let job = Job {
                    key: key.clone(),
                    path: path.clone(),
                    commit,
                    types: types.clone(),
                };
                jobs.insert(key, job);
            }
        }
        let jobs: Vec<Job<'_>> = order.iter().filter_map(|key| jobs.remove(key)).collect();
        if jobs.is_empty() {
            continue;
        }
        let what = if main {
            "main headers"
        } else {
            "other headers"
        };
        let progress = Progress::new(what, jobs.len());
        outcomes.extend(spread(&jobs, texts, &cache, &progress)?);
    }
    Ok(outcomes)
}

fn types(commit: &Commit, texts: &Texts, outcomes: &Outcomes) -> Option<Enum> {
    match outcomes.get(&key(MAIN, commit, texts))? {
        Outcome::Header(core) => clang::extension_types(core).cloned(),
        _ => None,
    }
}

/// Neighbours have almost the same tree, so each thread takes a run of jobs.
fn spread(
    jobs: &[Job<'_>],
    texts: &Texts,
    cache: &Cache,
    progress: &Progress,
) -> Result<Vec<(String, Outcome)>, Diagnostics> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = jobs.len().div_ceil(threads).max(1);
    // libclang is loaded once per process and known per thread.
    let library = clang_sys::get_library();
    let results: Vec<Result<Vec<_>, Diagnostics>> = std::thread::scope(|scope| {
        let running: Vec<_> = jobs
            .chunks(share)
            .map(|part| {
                let library = library.clone();
                scope.spawn(move || {
                    clang_sys::set_library(library);
                    read(part, texts, cache, progress)
                })
            })
            .collect();
        running
            .into_iter()
            .map(|thread| match thread.join() {
                Ok(result) => result,
                Err(_) => {
                    let message = "a thread that read headers stopped";
                    Err(Diagnostic::new("H006", "libclang", message).into())
                }
            })
            .collect()
    });
    let mut found = Vec::new();
    for result in results {
        found.extend(result?);
    }
    Ok(found)
}

fn read(
    jobs: &[Job<'_>],
    texts: &Texts,
    cache: &Cache,
    progress: &Progress,
) -> Result<Vec<(String, Outcome)>, Diagnostics> {
    let folder = crate::headers::temporary("history")?;
    let mut written = Written {
        root: folder.path().to_path_buf(),
        tree: BTreeMap::new(),
    };
    let mut found = Vec::new();
    for job in jobs {
        if let Some(outcome) = cache.load(&job.key) {
            found.push((job.key.clone(), outcome));
            progress.step();
            continue;
        }
        written.become_tree(&job.commit.tree, texts)?;
        let set = HeaderSet::open(&written.root)?;
        let outcome = if set.left_out.contains(&job.path) {
            Outcome::Helpers
        } else {
            let paths = [job.path.clone()];
            let mut each = clang::extract_each(&set, &paths, job.types.as_ref())?;
            match each.pop() {
                None => Outcome::Nothing,
                Some((_, Ok(header))) => Outcome::Header(Box::new(header)),
                Some((_, Err(problems))) => Outcome::Failed(
                    problems
                        .iter()
                        .map(|p| format!("{}:{}: {}", p.line, p.column, p.message))
                        .collect(),
                ),
            }
        };
        cache.store(&job.key, &outcome);
        found.push((job.key.clone(), outcome));
        progress.step();
    }
    Ok(found)
}

/// A folder that holds the headers of one commit.
struct Written {
    root: PathBuf,
    tree: BTreeMap<String, String>,
}

impl Written {
    fn become_tree(
        &mut self,
        tree: &BTreeMap<String, String>,
        texts: &Texts,
    ) -> Result<(), Diagnostic> {
        for path in self.tree.keys().filter(|path| !tree.contains_key(*path)) {
            self.change(path, |full| std::fs::remove_file(full))?;
        }
        for (path, blob) in tree {
            if self.tree.get(path) == Some(blob) {
                continue;
            }
            let text = texts.get(blob).map_or("", String::as_str);
            self.change(path, |full| {
                if let Some(folder) = full.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                std::fs::write(full, text)
            })?;
        }
        self.tree = tree.clone();
        Ok(())
    }

    fn change(
        &self,
        path: &str,
        how: impl Fn(&Path) -> std::io::Result<()>,
    ) -> Result<(), Diagnostic> {
        let full = self.root.join(path);
        how(&full).map_err(|error| {
            let message = format!("cannot write a header to be read: {error}");
            Diagnostic::new("H014", full.display().to_string(), message)
        })
    }
}
