//! Tests in a process of their own, where a crash, a panic of the library on any thread, and a call
//! that never ends are failures with a name.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// Says to a process that it is the one that may end.
const APART: &str = "PJRT_SKEW_APART";
/// How long one thing may take: far longer than any does.
const PATIENCE: Duration = Duration::from_secs(60);

/// What goes on.
static NOW: Mutex<BTreeMap<String, ThreadId>> = Mutex::new(BTreeMap::new());
/// Panics that were not a test's own.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a test in a process of its own, which is given an argument and gives what there is to
/// complain of.
pub fn run(test: &str, argument: &str, work: impl FnOnce(&str) -> Vec<String>) {
    if let Ok(given) = std::env::var(APART) {
        listen();
        let mut complaints = work(&given);
        complaints.append(&mut lock(&PANICS));
        eprintln!("{}", complaints.join("\n"));
        assert!(complaints.is_empty());
        return;
    }
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(APART, argument)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    let told: Vec<&str> = said.lines().collect();
    let last = &told[told.len().saturating_sub(60)..];
    assert!(run.status.success(), "{}: {}", run.status, last.join("\n"));
    let out = String::from_utf8_lossy(&run.stdout);
    assert!(out.contains("1 passed"), "{test} did not run: {out}");
}

/// Does something on a thread of its own, and gives what came of it: none if it never ends. It is
/// told before, so that the last words of a process that crashes name it.
pub fn within<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    eprintln!("{what}");
    let (sender, receiver) = channel();
    let worker = thread::spawn(move || {
        let _ = sender.send(work());
    });
    lock(&NOW).insert(what.to_owned(), worker.thread().id());
    let came = receiver.recv_timeout(PATIENCE).ok();
    lock(&NOW).remove(what);
    came
}

/// Keeps panics that are not in a test's file: a scenario may panic, for an answer that it did not
/// expect; the library never does, on no thread.
fn listen() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let file = panic.location().map_or("", |place| place.file());
        // Files are named from the workspace's folder, and the mock's are among the tests'.
        if file.starts_with("tests/") {
            return;
        }
        let now = lock(&NOW);
        let this = thread::current().id();
        let mine = now.iter().find(|(_, thread)| **thread == this);
        // On a thread of the library's or the plugin's it is of one of those that go on.
        let names: Vec<&String> = match mine {
            Some((what, _)) => vec![what],
            None => now.keys().collect(),
        };
        lock(&PANICS).push(format!("{names:?}: {panic}"));
        drop(now);
        report(panic);
    }));
}
