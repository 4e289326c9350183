//! Fetching packages through the user's own pip.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::Wheel;
use super::error::{InstallError, PipFailure, at};

/// How many of the last lines of pip's output an error shows.
const LINES: usize = 12;

/// The Python whose pip is used.
pub(super) struct Python {
    /// Those still to be tried, the best first; once one has started, that one alone.
    candidates: Vec<OsString>,
}

impl Python {
    /// The given executable alone, or the usual ones.
    pub(super) fn new(given: Option<OsString>) -> Self {
        let candidates = match given {
            Some(given) => vec![given],
            None => vec!["python3".into(), "python".into()],
        };
        Self { candidates }
    }

    /// Fetches one package into `folder`, which is created, and gives the file's path.
    pub(super) fn download(
        &mut self,
        wheel: &Wheel,
        folder: &Path,
    ) -> Result<PathBuf, InstallError> {
        at("create", folder, std::fs::create_dir_all(folder))?;
        let arguments = arguments(wheel, folder);
        let (python, output) = self.run(&arguments)?;
        if !output.status.success() {
            let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.push('\n');
            text.push_str(&String::from_utf8_lossy(&output.stderr));
            return Err(InstallError::Pip {
                python,
                requirement: requirement(wheel),
                failure: PipFailure::of(&text),
                output: last_lines(&text),
            });
        }
        let file = folder.join(&wheel.file);
        if file.is_file() {
            return Ok(file);
        }
        let entries = at("read", folder, std::fs::read_dir(folder))?;
        let got = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned());
        Err(InstallError::WrongFile {
            expected: wheel.file.clone(),
            got: got.collect(),
        })
    }

    /// Runs the first candidate that starts.
    fn run(&mut self, arguments: &[OsString]) -> Result<(String, Output), InstallError> {
        let mut tried = Vec::new();
        for candidate in &self.candidates {
            let shown = candidate.to_string_lossy().into_owned();
            match start(candidate, arguments) {
                Ok(output) => {
                    let candidate = candidate.clone();
                    self.candidates = vec![candidate];
                    return Ok((shown, output));
                }
                Err(error) => tried.push((shown, error)),
            }
        }
        Err(InstallError::NoPython { tried })
    }
}

fn start(python: &OsStr, arguments: &[OsString]) -> io::Result<Output> {
    Command::new(python)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
}

fn requirement(wheel: &Wheel) -> String {
    format!("{}=={}", wheel.package, wheel.version)
}

/// The command line. The tags are those of the pinned file, so that the version of the Python that
/// happens to run makes no difference.
fn arguments(wheel: &Wheel, folder: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = [
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "--no-color",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--progress-bar=off",
        "--implementation=cp",
    ]
    .map(OsString::from)
    .to_vec();
    arguments.push(format!("--python-version={}", wheel.python).into());
    if let Some(abi) = wheel.abi_tag() {
        arguments.push(format!("--abi={abi}").into());
    }
    for tag in wheel.platform_tags() {
        arguments.push(format!("--platform={tag}").into());
    }
    arguments.push("--dest".into());
    arguments.push(folder.into());
    arguments.push(requirement(wheel).into());
    arguments
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let from = lines.len().saturating_sub(LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tags_of_the_pinned_file_are_asked_for() {
        let tpu = super::super::known()
            .iter()
            .find(|plugin| plugin.name == "tpu");
        let wheel = &tpu
            .and_then(|tpu| tpu.wheels_for("x86_64-linux"))
            .expect("packages")[0];
        let line: Vec<_> = arguments(wheel, Path::new("/d"))
            .into_iter()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        let line = line.join(" ");
        let end = "--python-version=3.11 --abi=cp311 --platform=manylinux_2_31_x86_64 --dest /d \
                   libtpu==0.0.52";
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    fn without_python_every_try_is_told() {
        let mut python = Python::new(None);
        python.candidates = vec!["/nowhere/python3".into(), "/nowhere/python".into()];
        let error = python.run(&[]).expect_err("there is none");
        let text = error.to_string();
        assert!(
            text.contains("/nowhere/python3: ") && text.contains("/nowhere/python: "),
            "{text}"
        );
        assert!(text.contains("PJRT_PYTHON"), "{text}");
    }

    #[test]
    fn the_last_lines_are_kept() {
        let text: String = (0..40).map(|n| format!("line {n}\n\n")).collect();
        let last = last_lines(&text);
        assert_eq!(last.lines().count(), LINES);
        assert!(last.ends_with("line 39"));
    }
}
