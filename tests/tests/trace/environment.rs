//! Traces that the environment asks for: each in a process of its own, started from this program.

use super::lines::{self, Line};
use pjrt::plugin::LoadError;
use pjrt::{ClientOptions, Error, OwnEvent, Plugin};
use std::path::Path;
use std::process::Command;

/// What the process is to do.
const TASK: &str = "PJRT_TEST_TRACE_TASK";

/// Runs a task in a process that traces to a file; gives whether it ended well.
fn run(task: &str, file: &Path, begin: bool) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "environment::task", "--include-ignored"])
        .env(TASK, task)
        .env("PJRT_TRACE", file)
        .env_remove("PJRT_TRACE_BEGIN");
    if begin {
        command.env("PJRT_TRACE_BEGIN", "1");
    }
    let output = command.output().unwrap();
    output.status.success()
}

#[test]
#[ignore = "run by the other tests, as a process"]
fn task() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let mock = pjrt_mock::Mock::builder().build();
    // SAFETY: the mock's table lives as long as the process and is what a plugin's is.
    let plugin = unsafe { Plugin::from_api(mock.api()) };
    match task.as_str() {
        "work" => drop(
            plugin
                .unwrap()
                .create_client(&ClientOptions::new())
                .unwrap(),
        ),
        "crash" => {
            let event = OwnEvent::create(&plugin.unwrap()).unwrap();
            let watched = event.event();
            event.set(Ok(())).unwrap();
            // It runs at once, inside of the call.
            watched.on_ready(|_| std::process::abort()).unwrap();
        }
        "refused" => {
            let error = plugin.unwrap_err();
            let Error::Load(LoadError::Trace { variable, path, .. }) = &error else {
                panic!("{error:?}");
            };
            assert_eq!(*variable, "PJRT_TRACE");
            assert_eq!(path, Path::new(&std::env::var_os("PJRT_TRACE").unwrap()));
            assert!(error.to_string().contains("PJRT_TRACE"), "{error}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_variable_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.txt");
    assert!(run("work", &file, false));
    let first = Line::read_all(&std::fs::read_to_string(&file).unwrap());
    assert_eq!(first[0].function, "PJRT_Plugin_Initialize");
    lines::one(&first, "PJRT_Client_Destroy");
    // Another process appends.
    assert!(run("work", &file, false));
    let both = Line::read_all(&std::fs::read_to_string(&file).unwrap());
    assert_eq!(both.len(), 2 * first.len());
}

#[test]
fn a_crash_leaves_all_lines_and_the_call_in_which_it_happened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.txt");
    assert!(!run("crash", &file, true));
    let all = Line::read_all(&std::fs::read_to_string(&file).unwrap());
    let last = all.last().unwrap();
    assert!(
        last.begins && last.function == "PJRT_Event_OnReady",
        "{last:?}"
    );
    let calls = all.iter().filter(|line| !line.begins).count();
    assert_eq!(all.len(), 2 * calls + 1);
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_of_loading() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run("refused", folder.path(), false));
    assert!(run(
        "refused",
        &folder.path().join("none").join("trace.txt"),
        false
    ));
}
