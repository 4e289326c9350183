//! Guards that are turned off while the exam runs: one build has them all.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pjrt_codegen::diag::Diagnostic;

use super::rows::{Kind, ROWS, Row};
use super::{built, failed, with_flags};

/// Characters of what a test says that are shown.
const LONGEST: usize = 90;

/// How a guard was missed, or why nobody missed it.
pub type Verdict = Result<String, String>;

/// Builds the exam with switches, and gives its program.
pub fn build() -> Result<PathBuf, Diagnostic> {
    let flags = ["--cfg", "pjrt_mutants"].map(str::to_owned);
    let what = [
        "test",
        "--package",
        "pjrt-tests",
        "--test",
        "safety_exam",
        "--no-run",
    ];
    let files = built(&what, "safety_exam", Some(with_flags("switches", &flags)?))?;
    let exam = files.into_iter().last();
    exam.ok_or_else(|| failed("cargo does not say which program the exam is"))
}

fn exam(program: &Path) -> Command {
    let mut command = Command::new(program);
    // As cargo runs it.
    command
        .current_dir(crate::paths::root().join("tests"))
        .env_remove("PJRT_MUTANT")
        .stdin(Stdio::null());
    command
}

/// Fails unless the exam has a test for each row and no other.
pub fn lists_every_row(program: &Path) -> Result<(), Diagnostic> {
    let listed = exam(program).arg("--list").output();
    let listed = listed.map_err(|error| failed(format!("cannot run the exam: {error}")))?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut tests: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .collect();
    tests.sort_unstable();
    let mut rows: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
    rows.sort_unstable();
    if tests == rows {
        return Ok(());
    }
    Err(failed(format!(
        "the exam must have the tests {rows:?} and has {tests:?}"
    )))
}

/// Fails unless the tests pass with all guards.
pub fn passes(program: &Path, rows: &[&Row]) -> Result<(), Diagnostic> {
    let names = rows.iter().filter(|row| matches!(row.kind, Kind::Run));
    let names: Vec<&str> = names.map(|row| row.name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let ran = exam(program).arg("--exact").args(&names).output();
    let ran = ran.map_err(|error| failed(format!("cannot run the exam: {error}")))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    Err(failed(format!("the exam fails with all guards on: {said}")))
}

/// Runs the test of a row without its guard.
pub fn caught(program: &Path, row: &Row, limit: Duration) -> Result<Verdict, Diagnostic> {
    let failed = |error: std::io::Error| failed(format!("cannot run the exam: {error}"));
    let started = exam(program)
        .args(["--exact", row.name, "--nocapture"])
        .env("PJRT_MUTANT", row.name)
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut test = started.map_err(failed)?;
    // Read while the test runs, or it would wait for a reader.
    let said = test.stderr.take().map(|mut from| {
        std::thread::spawn(move || {
            let mut said = Vec::new();
            // What was said before an error is what there is to show.
            let _ = from.read_to_end(&mut said);
            said
        })
    });
    let deadline = Instant::now() + limit;
    let ended = loop {
        match test.try_wait().map_err(failed)? {
            Some(status) => break Some(status),
            None if Instant::now() > deadline => {
                // It may end by itself meanwhile.
                let _ = test.kill();
                test.wait().map_err(failed)?;
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let said = said.and_then(|reader| reader.join().ok());
    let said = String::from_utf8_lossy(&said.unwrap_or_default()).into_owned();
    Ok(match ended {
        None => Ok(format!("its test does not end in {limit:?}")),
        Some(status) if status.success() => Err("its test passes without it".to_owned()),
        Some(status) if status.code().is_none() => Ok(format!("its test crashes: {status}")),
        Some(_) => Ok(format!("its test fails: {}", first_panic(&said))),
    })
}

/// Where a program panicked first, and what it said there.
fn first_panic(said: &str) -> String {
    let mut lines = said.lines();
    let found = lines.find_map(|line| line.split_once(" panicked at "));
    let place = found.map_or("nobody knows where", |(_, place)| place);
    let place = place.rsplit_once('/').map_or(place, |(_, file)| file);
    let what = lines.next().unwrap_or_default().chars().take(LONGEST);
    format!("{place} {}", what.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_panic_is_told() {
        let said = "noise\nthread 'a' (7) panicked at tests/tests/a/b.rs:1:2:\nno 5\nthread 'a' panicked at c.rs:3:4:\nlater";
        assert_eq!(first_panic(said), "b.rs:1:2: no 5");
        assert_eq!(first_panic(""), "nobody knows where ");
    }
}
