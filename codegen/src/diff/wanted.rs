//! What was asked for: `0.81`, `81`, `0.56@590b36f89`, or a file or folder.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::diag::Diagnostic;
use crate::history::{History, Presence, ranges};

/// A set of headers as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A minor of the history.
    Minor {
        /// The minor.
        minor: u32,
        /// Beginning of the commit's hash, where one was chosen.
        commit: Option<String>,
    },
    /// A schema file or a folder of headers.
    Path(PathBuf),
}

/// A state of the history that was found, and what to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The state.
    pub state: usize,
    /// Said where the minor alone does not name one set of declarations.
    pub note: Option<String>,
}

impl Wanted {
    /// Anything that is not written like a minor is a path.
    pub fn parse(text: &str) -> Self {
        let (version, commit) = match text.split_once('@') {
            Some((version, commit)) => (version, Some(commit.to_string())),
            None => (text, None),
        };
        let digits = version.strip_prefix("0.").unwrap_or(version);
        let plain = digits.bytes().all(|b| b.is_ascii_digit());
        match digits.parse() {
            Ok(minor) if plain => Self::Minor { minor, commit },
            _ => Self::Path(PathBuf::from(text)),
        }
    }
}

/// Finds the state of a minor: the last, or that of a commit.
pub fn find(history: &History, minor: u32, commit: Option<&str>) -> Result<Found, Diagnostic> {
    let fault = |message: String| Diagnostic::new("C001", "history", message);
    let numbered = || history.states.iter().enumerate();
    let of_minor: Vec<usize> = numbered()
        .filter(|(_, s)| s.minor == minor)
        .map(|(i, _)| i)
        .collect();
    let Some(last) = of_minor.last() else {
        return Err(fault(format!("no commit has the version 0.{minor}"))
            .help(format!("there are {}", ranges(&history.minors()))));
    };
    let commits = |states: &[usize]| {
        let all = states.iter().filter_map(|s| history.states.get(*s));
        let all: Vec<String> = all.map(|s| format!("{} ({})", s.commit, s.date)).collect();
        all.join(", ")
    };
    if let Some(commit) = commit {
        let chosen = |state: &&usize| {
            let of = history.states.get(**state);
            // A full hash is longer than what is recorded.
            of.is_some_and(|s| s.commit.starts_with(commit) || commit.starts_with(&s.commit))
        };
        let chosen: Vec<usize> = of_minor.iter().filter(chosen).copied().collect();
        return match chosen.as_slice() {
            [state] if !commit.is_empty() => Ok(Found {
                state: *state,
                note: None,
            }),
            [] => Err(fault(format!(
                "no commit {commit} of 0.{minor} changed a declaration"
            ))
            .help(format!("there are {}", commits(&of_minor)))),
            _ => Err(fault(format!("`{commit}` is not one commit of 0.{minor}"))
                .help(format!("there are {}", commits(&of_minor)))),
        };
    }
    let mut unlike = Vec::new();
    for module in &history.modules {
        let sets: BTreeSet<Option<&str>> = of_minor
            .iter()
            .map(|state| match module.at(*state) {
                Some(Presence::Known { digest, .. }) => Some(digest.as_str()),
                _ => None,
            })
            .collect();
        if sets.len() > 1 {
            unlike.push(module.name.as_str());
        }
    }
    let note = (!unlike.is_empty()).then(|| {
        let used = history.states.get(*last).map_or("", |s| s.commit.as_str());
        format!(
            "0.{minor} is not one set of declarations: its commits {} differ in {}; the last, \
             {used}, is used (0.{minor}@COMMIT names another)",
            commits(&of_minor),
            unlike.join(", ")
        )
    });
    Ok(Found { state: *last, note })
}
