//! From the headers of every commit to the history.

use std::collections::{BTreeMap, HashMap};

use super::canon::{Declared, declared};
use super::guess;
use super::renames::Renames;
use super::track::Tracker;
use super::types::*;
use crate::diag::Diagnostics;
use crate::schema::Header;

/// The headers of one commit.
#[derive(Clone, Debug, Default)]
pub struct Snapshot<'h> {
    /// Full hash.
    pub commit: String,
    /// Day, `YYYY-MM-DD`.
    pub date: String,
    /// The commit changed the main header.
    pub main: bool,
    /// Headers of its tree.
    pub headers: Vec<Text<'h>>,
}

/// A header file at some commit.
#[derive(Clone, Debug)]
pub struct Text<'h> {
    /// Path.
    pub path: String,
    /// Module.
    pub module: String,
    /// The same for the same facts.
    pub key: &'h str,
    /// Facts, or why there are none.
    pub facts: Result<&'h Header, &'h str>,
}

/// What folding gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// The history.
    pub history: History,
    /// What looks like a rename and is not confirmed, a line each.
    pub candidates: Vec<String>,
}

/// Folds the headers of all commits, the oldest first. `name` is the repository's.
///
/// Commits whose main header states no version are left out: no plugin can report them, so nothing
/// that is known of them could ever be used.
pub fn fold(
    name: &str,
    snapshots: &[Snapshot<'_>],
    renames: &Renames,
) -> Result<Folded, Diagnostics> {
    let mut folder = Folder {
        renames,
        cache: HashMap::new(),
        history: History::default(),
        last: BTreeMap::new(),
        tracker: Tracker::new(renames),
        candidates: Vec::new(),
        majors: [None; 2],
    };
    let newest = |module: &str, name: &str| {
        // Of the last commit that can be read.
        snapshots.iter().rev().find_map(|snapshot| {
            let header = snapshot.headers.iter().find(|h| h.module == module)?;
            version(header.facts.ok()?, name)
        })
    };
    folder.majors = [
        newest("core", "PJRT_API_MAJOR"),
        newest(FFI, "XLA_FFI_API_MAJOR"),
    ];
    let source = &mut folder.history.source;
    source.name = name.to_string();
    source.commit = snapshots.last().map_or(String::new(), |s| s.commit.clone());
    for snapshot in snapshots {
        folder.snapshot(snapshot);
    }
    let (items, renamed) = folder.tracker.finish()?;
    let mut history = folder.history;
    history.structs = items.structs;
    history.enums = items.enums;
    history.functions = items.functions;
    history.callbacks = items.callbacks;
    history.renamed = renamed;
    history
        .modules
        .sort_by(|a, b| (a.name != "core", &a.name).cmp(&(b.name != "core", &b.name)));
    folder.candidates.dedup();
    Ok(Folded {
        history,
        candidates: folder.candidates,
    })
}

struct Folder<'r, 'h> {
    renames: &'r Renames,
    cache: HashMap<&'h str, Declared>,
    history: History,
    /// What each module is now.
    last: BTreeMap<String, Presence>,
    tracker: Tracker<'r>,
    candidates: Vec<String>,
    /// Newest majors of the main and of the FFI header.
    majors: [Option<u32>; 2],
}

impl<'h> Folder<'_, 'h> {
    fn snapshot(&mut self, snapshot: &Snapshot<'h>) {
        let commit = short(&snapshot.commit);
        let source = &mut self.history.source;
        source.commits = source.commits.saturating_add(1);
        source.main = source.main.saturating_add(u32::from(snapshot.main));
        let core = snapshot.headers.iter().find(|h| h.module == "core");
        let facts = core.and_then(|core| core.facts.ok());
        let [major, ffi_major] = self.majors;
        let minor = facts.and_then(|core| minor(core, "PJRT_API", major));
        let Some(minor) = minor else {
            match core.map(|core| (core, core.facts)) {
                Some((core, Err(message))) if !self.history.states.is_empty() => {
                    self.problem(&commit, &core.path, message);
                }
                _ => source.unversioned = source.unversioned.saturating_add(1),
            }
            return;
        };
        let ffi = snapshot.headers.iter().find(|h| h.module == FFI);
        let ffi = ffi.and_then(|h| h.facts.ok());
        let state = State {
            commit: commit.clone(),
            date: snapshot.date.clone(),
            minor,
            // A commit of another major is not to be compared.
            ffi: ffi.and_then(|ffi| self::minor(ffi, "XLA_FFI_API", ffi_major)),
        };
        let now = self.presences(snapshot, &commit);
        let versions = |s: &State| (s.minor, s.ffi);
        let same_versions = self.history.states.last().map(versions) == Some(versions(&state));
        if same_versions && now == self.last {
            return;
        }
        let index = self.history.states.len();
        self.history.states.push(state);
        self.revisions(index, &now, snapshot);
        self.last = now;
        for header in &snapshot.headers {
            if let Ok(facts) = header.facts {
                let renames = self.renames;
                let made = || declared(facts, renames);
                self.cache.entry(header.key).or_insert_with(made);
            }
        }
        let readable = snapshot.headers.iter().filter(|h| h.facts.is_ok());
        let all: Vec<(&str, &Declared)> = readable
            .filter(|h| matches!(self.last.get(&h.module), Some(Presence::Known { .. })))
            .filter_map(|h| Some((h.module.as_str(), self.cache.get(h.key)?)))
            .collect();
        let before = index.checked_sub(1);
        let changes = self.tracker.state(index, &all);
        if before.is_some() {
            let place = format!("0.{minor} {commit}");
            self.candidates.extend(guess::renames(&changes, &place));
        }
    }

    /// What each module is at a commit.
    fn presences(&mut self, snapshot: &Snapshot<'h>, commit: &str) -> BTreeMap<String, Presence> {
        let mut now = BTreeMap::new();
        for header in &snapshot.headers {
            let presence = match header.facts {
                Ok(facts) => Presence::Known {
                    digest: facts.digest.get(..16).unwrap_or(&facts.digest).to_string(),
                    version: facts.extension.as_ref().and_then(|e| e.version),
                },
                Err(message) => {
                    self.problem(commit, &header.path, message);
                    Presence::Unknown
                }
            };
            if now.insert(header.module.clone(), presence).is_some() {
                let message = format!("a second header of the module `{}`", header.module);
                self.problem(commit, &header.path, &message);
                now.insert(header.module.clone(), Presence::Unknown);
            }
        }
        for name in self.last.keys() {
            now.entry(name.clone()).or_insert(Presence::Gone);
        }
        now
    }

    /// A file that stays as it is, and unreadable, is reported once.
    fn problem(&mut self, commit: &str, path: &str, message: &str) {
        let last = self.history.problems.iter().rev().find(|p| p.path == path);
        if last.is_some_and(|last| last.message == message) {
            return;
        }
        self.history.problems.push(Problem {
            commit: commit.to_string(),
            path: path.to_string(),
            message: message.to_string(),
        });
    }

    fn revisions(
        &mut self,
        state: usize,
        now: &BTreeMap<String, Presence>,
        snapshot: &Snapshot<'_>,
    ) {
        for (name, header) in now {
            let modules = &mut self.history.modules;
            let at = match modules.iter().position(|m| m.name == *name) {
                Some(at) => at,
                None => {
                    modules.push(Module {
                        name: name.clone(),
                        ..Module::default()
                    });
                    modules.len().saturating_sub(1)
                }
            };
            let Some(module) = modules.get_mut(at) else {
                continue;
            };
            if let Some(text) = snapshot.headers.iter().find(|h| h.module == *name) {
                module.path = text.path.clone();
            }
            if module.revisions.last().map(|r| &r.header) != Some(header) {
                module.revisions.push(Revision {
                    state,
                    header: header.clone(),
                });
            }
        }
    }
}

fn short(hash: &str) -> String {
    hash.get(..12).unwrap_or(hash).to_string()
}

/// The minor that a header states, if its major is the newest.
pub(super) fn minor(header: &Header, prefix: &str, major: Option<u32>) -> Option<u32> {
    let same = version(header, &format!("{prefix}_MAJOR")) == major;
    version(header, &format!("{prefix}_MINOR")).filter(|_| same)
}

pub(super) fn version(header: &Header, name: &str) -> Option<u32> {
    header
        .macros
        .iter()
        .find(|m| m.name == name)?
        .value
        .parse()
        .ok()
}
