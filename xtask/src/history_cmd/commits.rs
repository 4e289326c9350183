//! The commits that changed a header of the interface, each with the headers of its tree.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use pjrt_codegen::diag::Diagnostic;

use crate::headers::git::Repository;
use crate::headers::set::is_candidate;

/// A commit and the headers of its tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Full hash.
    pub hash: String,
    /// Day it was committed, `YYYY-MM-DD`.
    pub date: String,
    /// Object name of every header by its path.
    pub tree: BTreeMap<String, String>,
    /// Paths that this commit added, changed or removed.
    pub changed: BTreeSet<String>,
}

/// Where headers are, or were.
const FOLDERS: [&str; 4] = [
    "xla/pjrt/c",
    "xla/pjrt/extensions",
    "xla/ffi/api/c_api.h",
    "xla/backends/profiler/plugin/profiler_c_api.h",
];

/// All of them up to a commit, the oldest first, along first parents.
pub fn read(repository: &Repository, upto: &str) -> Result<Vec<Commit>, Diagnostic> {
    let mut args = vec![
        "log",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        "--no-color",
        "--reverse",
        "--first-parent",
        "-m",
        "--format=commit %H %cs",
        upto,
        "--",
    ];
    args.extend(FOLDERS);
    let out = repository.run(&format!("history of {upto}"), &args)?;
    parse(&String::from_utf8_lossy(&out))
}

fn parse(log: &str) -> Result<Vec<Commit>, Diagnostic> {
    let odd = |line: &str| {
        Diagnostic::new(
            "H013",
            "git log",
            format!("a line is not understood: `{line}`"),
        )
        .help("is this git newer than 2.25?")
    };
    let mut commits: Vec<Commit> = Vec::new();
    let mut tree = BTreeMap::new();
    let mut current: Option<Commit> = None;
    let finish = |current: &mut Option<Commit>, tree: &BTreeMap<_, _>, all: &mut Vec<Commit>| {
        if let Some(mut commit) = current.take().filter(|c| !c.changed.is_empty()) {
            commit.tree = tree.clone();
            all.push(commit);
        }
    };
    for line in log.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("commit ") {
            finish(&mut current, &tree, &mut commits);
            let (hash, date) = rest.split_once(' ').ok_or_else(|| odd(line))?;
            current = Some(Commit {
                hash: hash.to_string(),
                date: date.to_string(),
                ..Commit::default()
            });
            continue;
        }
        // `:mode mode blob blob status<tab>path`
        let (meta, path) = line.split_once('\t').ok_or_else(|| odd(line))?;
        if !is_candidate(path) {
            continue;
        }
        let parts: Vec<&str> = meta.split(' ').collect();
        let [_, _, _, blob, status] = parts.as_slice() else {
            return Err(odd(line));
        };
        match status.starts_with('D') {
            true => tree.remove(path),
            false => tree.insert(path.to_string(), (*blob).to_string()),
        };
        let commit = current.as_mut().ok_or_else(|| odd(line))?;
        commit.changed.insert(path.to_string());
    }
    finish(&mut current, &tree, &mut commits);
    Ok(commits)
}

/// The contents of objects, in one run of git.
pub fn contents(
    git: &Path,
    names: &BTreeSet<String>,
) -> Result<HashMap<String, String>, Diagnostic> {
    let shown = git.display().to_string();
    let failed = |message: String| Diagnostic::new("H013", &shown, message);
    let mut child = Command::new("git")
        .arg("-C")
        .arg(git)
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("cannot run git: {error}")))?;
    let input = child.stdin.take();
    let list: String = names.iter().map(|name| format!("{name}\n")).collect();
    // Written beside the reading, so that neither pipe can fill up and stop both.
    let writer = std::thread::spawn(move || match input {
        Some(mut input) => input.write_all(list.as_bytes()),
        None => Ok(()),
    });
    let output = child
        .wait_with_output()
        .map_err(|error| failed(format!("cannot read from git: {error}")))?;
    let _ = writer.join();
    let mut rest = output.stdout.as_slice();
    let mut found = HashMap::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (head, tail) = rest.split_at(end);
        let head = String::from_utf8_lossy(head).into_owned();
        let mut words = head.split(' ');
        let (name, kind, size) = (words.next(), words.next(), words.next());
        let size = size.and_then(|size| size.parse::<usize>().ok());
        let (Some(name), Some("blob"), Some(size)) = (name, kind, size) else {
            return Err(
                failed(format!("expected a file's contents, git says `{head}`"))
                    .help("the clone lacks objects: fetch it again without a filter"),
            );
        };
        let body = tail.get(1..size.saturating_add(1));
        let body = body.ok_or_else(|| failed(format!("the contents of {name} are cut short")))?;
        found.insert(name.to_string(), String::from_utf8_lossy(body).into_owned());
        rest = tail.get(size.saturating_add(2)..).unwrap_or_default();
    }
    match names.iter().find(|name| !found.contains_key(*name)) {
        None => Ok(found),
        Some(name) => Err(failed(format!("git gives no contents for {name}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "commit aaa 2023-01-01\n\n\
        :000000 100644 0 b1 A\txla/pjrt/c/pjrt_c_api.h\n\
        :000000 100644 0 w1 A\txla/pjrt/c/pjrt_c_api_wrapper_impl.h\n\
        commit bbb 2023-01-02\n\n\
        :100644 100644 w1 w2 M\txla/pjrt/c/pjrt_c_api_wrapper_impl.h\n\
        commit ccc 2023-01-03\n\n\
        :000000 100644 0 g1 A\txla/pjrt/c/pjrt_c_api_gpu_extension.h\n\
        commit ddd 2023-01-04\n\n\
        :100644 000000 g1 0 D\txla/pjrt/c/pjrt_c_api_gpu_extension.h\n";

    #[test]
    fn a_commit_carries_the_whole_tree_of_headers() {
        let commits = parse(LOG).expect("understood");
        let hashes: Vec<_> = commits.iter().map(|c| c.hash.as_str()).collect();
        assert_eq!(hashes, ["aaa", "ccc", "ddd"]);
        let sizes: Vec<_> = commits.iter().map(|c| c.tree.len()).collect();
        assert_eq!(sizes, [1, 2, 1]);
        assert!(
            commits[2]
                .changed
                .contains("xla/pjrt/c/pjrt_c_api_gpu_extension.h")
        );
    }

    #[test]
    fn a_log_that_is_not_understood_is_an_error() {
        let error = parse("commit aaa 2023-01-01\n:100644 xla\n").expect_err("no tab");
        assert!(error.message.contains(":100644 xla"), "{error}");
    }
}
