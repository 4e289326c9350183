//! The machine as a process sees it, or as a test makes it up; programs that answer in time.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Longer answers are cut off.
const LONGEST: u64 = 1 << 20;

/// What probes look at.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Variables of the environment; programs that are started have these and no others.
    pub vars: BTreeMap<OsString, OsString>,
    /// The folder that `/usr` and the like are in.
    pub system: PathBuf,
    /// Root of the workspace.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// How long a program may take to answer.
    pub limit: Duration,
}

/// What came of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is none of that name.
    NotThere,
    /// It ended well; what it wrote to standard output.
    Good(String),
    /// It did not; how it ended and what it wrote last.
    Bad(String),
}

impl Machine {
    /// The machine of this process.
    pub fn of_process() -> Machine {
        Machine {
            vars: std::env::vars_os().collect(),
            system: PathBuf::from("/"),
            root: crate::paths::root(),
            target: crate::paths::target(),
            limit: Duration::from_secs(10),
        }
    }

    /// A variable; an empty one counts as unset.
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        let value = self.vars.get(OsStr::new(name))?;
        (!value.is_empty()).then_some(value.as_os_str())
    }

    /// The file of a program: a path as it is, a name looked for in `PATH`.
    pub fn program(&self, name: &OsStr) -> Option<PathBuf> {
        let path = Path::new(name);
        if path.components().count() > 1 {
            return path.is_file().then(|| path.to_owned());
        }
        let folders = std::env::split_paths(self.var("PATH")?);
        let files = folders.flat_map(|folder| {
            let file = folder.join(path);
            let windows = file.with_extension("exe");
            [file, windows]
        });
        files.into_iter().find(|file| is_program(file))
    }

    /// Runs a program and waits for it, as long as programs may take.
    pub fn ask(&self, name: impl AsRef<OsStr>, arguments: &[&str]) -> Answer {
        self.ask_for(self.limit, name, arguments)
    }

    /// Runs a program and waits for it at most so long; then it is ended.
    pub fn ask_for(&self, limit: Duration, name: impl AsRef<OsStr>, arguments: &[&str]) -> Answer {
        let Some(program) = self.program(name.as_ref()) else {
            return Answer::NotThere;
        };
        self.outcome(limit, &program, arguments)
            .unwrap_or_else(|error| Answer::Bad(format!("cannot be run: {error}")))
    }

    fn outcome(
        &self,
        limit: Duration,
        program: &Path,
        arguments: &[&str],
    ) -> std::io::Result<Answer> {
        // Files, not pipes: a process that it leaves behind may keep a pipe open for ever.
        let (mut out, mut err) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(&self.vars)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(err.try_clone()?)
            .spawn()?;
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if start.elapsed() > limit {
                // It may have ended by itself just now.
                let _ = child.kill();
                child.wait()?;
                return Ok(Answer::Bad(format!(
                    "no answer within {} s",
                    limit.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        if status.success() {
            return Ok(Answer::Good(text(&mut out)?));
        }
        let errors = text(&mut err)?;
        let line = |start: &str| errors.lines().find(|line| line.starts_with(start));
        let last = errors.lines().rev().find(|line| !line.trim().is_empty());
        let said = line("error").or(last).unwrap_or("it said nothing").trim();
        Ok(Answer::Bad(format!("{status}: {said}")))
    }

    /// The names in a folder, in order; none if it cannot be read.
    pub fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }
}

fn text(file: &mut File) -> std::io::Result<String> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let data = file.metadata();
    data.is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}
