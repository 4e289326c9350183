//! One more set of headers at the end of a history, without the commits that led to it.

use std::collections::BTreeMap;

use super::canon::declared;
use super::fold::{Folded, minor, version};
use super::guess;
use super::renames::Renames;
use super::track::Tracker;
use super::types::*;
use crate::diag::{Diagnostic, Diagnostics};
use crate::schema::Schema;

const FILE: &str = "schema/history.json";

/// Adds the headers of `new` as the newest state. `old` are the facts of the state before, whose
/// headers may still have old names of what was renamed.
///
/// Headers that declare what the newest state has, and state its versions, change nothing.
pub fn append(
    history: &History,
    old: &Schema,
    new: &Schema,
    commit: &str,
    date: &str,
    renames: &Renames,
) -> Result<Folded, Diagnostics> {
    let refuse = |message: String, help: &str| -> Diagnostics {
        Diagnostic::new("V009", FILE, message).help(help).into()
    };
    if old.major != new.major {
        let message = format!("PJRT {}.{} has another major", new.major, new.minor);
        return Err(refuse(message, "fold the whole history again: `--git DIR`"));
    }
    let newest = history.states.last().map_or(0, |s| s.minor);
    if new.minor < newest {
        let message = format!(
            "its newest minor is {newest}, that of the headers {}",
            new.minor
        );
        return Err(refuse(
            message,
            "give headers that are newer, or the repository: `--git DIR`",
        ));
    }
    let ffi = new.headers.iter().find(|h| h.module == FFI);
    let prefix = "XLA_FFI_API";
    let state = State {
        commit: commit.to_string(),
        date: date.to_string(),
        minor: new.minor,
        ffi: ffi.and_then(|h| minor(h, prefix, version(h, &format!("{prefix}_MAJOR")))),
    };
    let now = presences(history, new);
    let same = |s: &State| (s.minor, s.ffi) == (state.minor, state.ffi);
    let last: BTreeMap<&str, &Presence> = latest(history).collect();
    if history.states.last().is_some_and(same)
        && now.len() == last.len()
        && now
            .iter()
            .all(|(name, presence)| last.get(name.as_str()) == Some(&presence))
    {
        return Ok(Folded {
            history: history.clone(),
            candidates: Vec::new(),
        });
    }

    let before: Vec<_> = old.headers.iter().map(|h| declared(h, renames)).collect();
    let mut tracker = Tracker::resume(history, renames, &before)?;
    let mut history = history.clone();
    let index = history.states.len();
    history.states.push(state);
    revisions(&mut history, index, &now, new);
    let all: Vec<_> = new
        .headers
        .iter()
        .map(|h| (h.module.as_str(), declared(h, renames)))
        .collect();
    let all: Vec<_> = all.iter().map(|(module, d)| (*module, d)).collect();
    let changes = tracker.state(index, &all);
    let place = format!("{}.{}", new.major, new.minor);
    let candidates = guess::renames(&changes, &place);
    let (items, renamed) = tracker.finish()?;
    history.structs = items.structs;
    history.enums = items.enums;
    history.functions = items.functions;
    history.callbacks = items.callbacks;
    history.renamed = renamed;
    Ok(Folded {
        history,
        candidates,
    })
}

/// What each header is at the newest state.
fn latest(history: &History) -> impl Iterator<Item = (&str, &Presence)> {
    let modules = history.modules.iter();
    modules.filter_map(|m| Some((m.name.as_str(), &m.revisions.last()?.header)))
}

fn presences(history: &History, new: &Schema) -> BTreeMap<String, Presence> {
    let mut now: BTreeMap<String, Presence> = latest(history)
        .map(|(name, _)| (name.to_string(), Presence::Gone))
        .collect();
    for header in &new.headers {
        let presence = Presence::Known {
            digest: header
                .digest
                .get(..16)
                .unwrap_or(&header.digest)
                .to_string(),
            version: header.extension.as_ref().and_then(|e| e.version),
        };
        now.insert(header.module.clone(), presence);
    }
    now
}

fn revisions(history: &mut History, state: usize, now: &BTreeMap<String, Presence>, new: &Schema) {
    for header in &new.headers {
        match history.modules.iter_mut().find(|m| m.name == header.module) {
            Some(module) => module.path.clone_from(&header.path),
            None => history.modules.push(Module {
                name: header.module.clone(),
                path: header.path.clone(),
                revisions: Vec::new(),
            }),
        }
    }
    for module in &mut history.modules {
        let Some(header) = now.get(&module.name) else {
            continue;
        };
        if module.revisions.last().map(|r| &r.header) != Some(header) {
            module.revisions.push(Revision {
                state,
                header: header.clone(),
            });
        }
    }
    history
        .modules
        .sort_by(|a, b| (a.name != "core", &a.name).cmp(&(b.name != "core", &b.name)));
}
