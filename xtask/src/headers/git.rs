//! Headers out of a git repository, at any revision.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pjrt_codegen::diag::Diagnostic;

use super::pip::Member;
use super::set::is_candidate;

/// A repository that can be read.
#[derive(Debug)]
pub struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// A local clone as it is; anything else is cloned, bare and without file contents, below
    /// `target/git`, or fetched again if it is there.
    pub fn open(place: &str, target: &Path) -> Result<Self, Diagnostic> {
        if Path::new(place).is_dir() {
            return Ok(Self {
                folder: PathBuf::from(place),
            });
        }
        let folder = target
            .join("git")
            .join(format!("{}.git", folder_name(place)));
        let repository = Self { folder };
        if repository.folder.is_dir() {
            repository.run(
                place,
                &["fetch", "--quiet", "--force", "origin", "+refs/*:refs/*"],
            )?;
            return Ok(repository);
        }
        let shown = repository.folder.display().to_string();
        let failed = |message: String| Diagnostic::new("H013", place, message);
        let parent = target.join("git");
        std::fs::create_dir_all(&parent)
            .map_err(|e| failed(format!("cannot make {shown}: {e}")))?;
        let partial = tempfile::tempdir_in(&parent).map_err(|e| failed(e.to_string()))?;
        let clone = Self {
            folder: partial.path().join("clone"),
        };
        let into = clone.folder.to_string_lossy().into_owned();
        let here = Self {
            folder: partial.path().to_path_buf(),
        };
        here.run(
            place,
            &[
                "clone",
                "--quiet",
                "--bare",
                "--filter=blob:none",
                place,
                &into,
            ],
        )?;
        std::fs::rename(&clone.folder, &repository.folder)
            .map_err(|e| failed(format!("cannot move the clone to {shown}: {e}")))?;
        Ok(repository)
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The full hash of a revision.
    pub fn resolve(&self, revision: &str) -> Result<String, Diagnostic> {
        let name = format!("{revision}^{{commit}}");
        let out = self.run(
            &format!("revision {revision}"),
            &["rev-parse", "--verify", "--quiet", &name],
        )?;
        Ok(String::from_utf8_lossy(&out).trim().to_string())
    }

    /// The usual main branches, here and as last fetched, that have a file; a few of the others if
    /// none of them has it.
    pub fn branches_with(&self, path: &str) -> Vec<String> {
        const FEW: usize = 3;
        let has = |branch: &&str| {
            let name = format!("{branch}:{path}");
            self.run("a file", &["cat-file", "-e", &name]).is_ok()
        };
        let usual = ["main", "master", "origin/main", "origin/master"];
        let found: Vec<String> = usual
            .iter()
            .copied()
            .filter(has)
            .map(str::to_string)
            .collect();
        if !found.is_empty() {
            return found;
        }
        let all = [
            "for-each-ref",
            "--format=%(refname:short)",
            "refs/heads",
            "refs/remotes",
        ];
        let listed = self.run("branches", &all).unwrap_or_default();
        let listed = String::from_utf8_lossy(&listed);
        let having = listed.lines().filter(has).take(FEW);
        having.map(str::to_string).collect()
    }

    /// `owner/name` of where it was cloned from, if that can be told.
    pub fn origin(&self) -> Option<String> {
        let out = self.run("origin", &["remote", "get-url", "origin"]).ok()?;
        owner_name(String::from_utf8_lossy(&out).trim())
    }

    /// The header candidates of a commit.
    pub fn members(&self, commit: &str) -> Result<Vec<Member>, Diagnostic> {
        let folders = ["xla/pjrt", "xla/ffi/api", "xla/backends/profiler/plugin"];
        let mut list = vec!["ls-tree", "-r", "-z", "--full-tree", "--name-only", commit];
        list.extend(folders);
        let out = self.run(&format!("commit {commit}"), &list)?;
        let paths: Vec<String> = String::from_utf8_lossy(&out)
            .split('\0')
            .filter(|path| is_candidate(path))
            .map(str::to_string)
            .collect();
        paths
            .into_iter()
            .map(|path| {
                let name = format!("{commit}:{path}");
                let bytes = self.run(&name, &["cat-file", "blob", &name])?;
                Ok((path, bytes))
            })
            .collect()
    }

    /// The output of a command of git's in the repository; `what` is for the error.
    pub(crate) fn run(&self, what: &str, args: &[&str]) -> Result<Vec<u8>, Diagnostic> {
        let shown = self.folder.display().to_string();
        let failed = |message: String| Diagnostic::new("H013", &shown, message);
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.folder).args(args);
        command.stdin(Stdio::null()).env("GIT_TERMINAL_PROMPT", "0");
        let output = command
            .output()
            .map_err(|error| failed(format!("cannot run git: {error}")).help("install git"))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        Err(failed(format!(
            "{what}: `git {}` failed: {}",
            args.first().unwrap_or(&""),
            last.unwrap_or("no such object")
        ))
        .help("check the repository's address and the revision's name"))
    }
}

/// The last two parts of an address.
pub fn owner_name(address: &str) -> Option<String> {
    let address = address.trim_end_matches('/').trim_end_matches(".git");
    let mut parts = address.rsplit(['/', ':']).filter(|part| !part.is_empty());
    let (name, owner) = (parts.next()?, parts.next()?);
    Some(format!("{owner}/{name}"))
}

fn folder_name(address: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let name: String = address
        .trim_end_matches(".git")
        .chars()
        .map(|c| if keep(c) { c } else { '_' })
        .collect();
    name.trim_matches('_').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_read_from_every_form_of_address() {
        for address in [
            "https://example.org/openxla/xla",
            "https://example.org/openxla/xla.git",
            "git@example.org:openxla/xla.git",
            "/somewhere/openxla/xla/",
        ] {
            assert_eq!(
                owner_name(address).as_deref(),
                Some("openxla/xla"),
                "{address}"
            );
        }
        assert_eq!(owner_name("xla"), None);
    }
}
