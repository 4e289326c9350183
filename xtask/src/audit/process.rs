//! What came of the child: how it ended, and what the loader said.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::fact::{Heard, Order};
use super::file::Library;
use super::finding::{Finding, names};
use super::step::Step;
use super::watch::{Ended, How, signal, watch};

/// What libtpu wants before it starts, on a machine without a TPU.
const VARIABLES: [(&str, &str); 3] = [
    ("TPU_SKIP_MDS_QUERY", "1"),
    ("ALLOW_MULTIPLE_LIBTPU_LOAD", "1"),
    ("TPU_LOG_DIR", "disabled"),
];

/// Runs a child and gives what it told.
///
/// # Errors
///
/// It cannot be started.
pub fn run(program: &Path, order: &Order, limit: Duration) -> std::io::Result<(Heard, Ended)> {
    let facts = tempfile::NamedTempFile::new()?;
    let order = Order {
        out: facts.path().to_owned(),
        ..order.clone()
    };
    let mut command = Command::new(program);
    command.args(["audit", "--child"]).arg(order.to_text());
    for (name, value) in VARIABLES {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    // The name of the file is this audit's alone.
    let mark = facts.path().display().to_string();
    let ended = watch(command, limit, &mark)?;
    let text = std::fs::read(facts.path())?;
    Ok((Heard::read(&String::from_utf8_lossy(&text)), ended))
}

/// Judges how it ended.
pub fn judge(heard: &Heard, ended: &Ended, limit: Duration, found: &mut Vec<Finding>) {
    if ended.left > 0 && ended.how != How::TimedOut {
        let text = format!(
            "the plugin left {} processes behind; they were ended: end them with the plugin",
            ended.left
        );
        found.push(Finding::note("processes-left", text));
    }
    let step = heard.step.unwrap_or(Step::Load);
    let done = heard.ended && step == Step::Exit;
    let said = match ended.said.as_str() {
        "" => String::new(),
        said => format!(" (it said last: {said})"),
    };
    let (code, got) = match ended.how {
        How::Exited(0) if done => return,
        How::TimedOut => (
            "timed-out",
            format!("nothing within {} s", limit.as_secs_f64()),
        ),
        How::Signal(number) => ("crashed", format!("a crash by {}", signal(number))),
        How::Exited(status) => ("exited", format!("an exit with status {status}")),
    };
    let next = match ended.how {
        How::TimedOut => {
            "see what it waits for in a debugger, or give it longer with `--timeout SECONDS`"
        }
        _ => {
            "run it under a debugger: nothing can use a plugin in the same process before it is mended"
        }
    };
    let text = format!(
        "{}: expected it to return, got {got}{said}; {next}",
        step.what()
    );
    // Everything was done by then.
    found.push(match step {
        Step::Exit => Finding::wrong(code, text),
        _ => Finding::fatal(code, text),
    });
}

/// Judges what the loader refused.
pub fn loader(path: &Path, file: &Library, heard: &Heard, found: &mut Vec<Finding>) {
    let shown = path.display();
    if let Some(said) = &heard.no_entry {
        let text = format!(
            "expected the function GetPjrtApi in {shown}, got none ({said}); give the library that \
             has it, or export it with C linkage and default visibility"
        );
        found.push(Finding::fatal("no-entry", text));
    }
    let Some(said) = &heard.load_error else {
        return;
    };
    if let Some(name) = missing(said).filter(|name| Path::new(name) != path) {
        let whose = if file.needed.iter().any(|needed| needed == name) {
            format!("{shown} names it as needed")
        } else {
            let all = names(&file.needed);
            format!("a library that {shown} needs ({all}) needs it")
        };
        let text = format!(
            "expected the library {name}, and it is not found: {whose}; install the package that has \
             it, or add its directory to LD_LIBRARY_PATH"
        );
        found.push(Finding::fatal("dependency-missing", text));
        return;
    }
    let (code, next) = if said.contains("undefined symbol") {
        (
            "load-symbol",
            "link the plugin with the library that has it",
        )
    } else if said.contains("version `") && said.contains("not found") {
        (
            "load-version",
            "get a plugin built for this system, or use a newer system",
        )
    } else {
        ("load-failed", "see what the loader says with LD_DEBUG=all")
    };
    let text = format!("expected {shown} to load, and the loader says: {said}; {next}");
    found.push(Finding::fatal(code, text));
}

/// The library that a message of the loader is about, if it was not found.
fn missing(said: &str) -> Option<&str> {
    let glibc = said.split_once(": cannot open shared object file: No such file");
    let musl = said.strip_prefix("Error loading shared library ");
    match (glibc, musl) {
        (Some((name, _)), _) => Some(name),
        (_, Some(rest)) => rest.split_once(": No such file").map(|(name, _)| name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_library_is_told() {
        let glibc = "libx.so.1: cannot open shared object file: No such file or directory";
        assert_eq!(missing(glibc), Some("libx.so.1"));
        let musl =
            "Error loading shared library libx.so.1: No such file or directory (needed by p.so)";
        assert_eq!(missing(musl), Some("libx.so.1"));
        assert_eq!(missing("p.so: undefined symbol: f"), None);
    }
}
