//! Obtaining headers when something is missing or wrong: one clear error, no partial folder.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn headers(target: &Path, python: Option<&Path>, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .arg("headers")
        .args(args)
        .env("CARGO_TARGET_DIR", target);
    if let Some(python) = python {
        command.env("PJRT_PYTHON", python);
    }
    command.output().expect("the command starts")
}

/// Expects exit status 1 and an empty target folder; gives what was said.
fn refused(python: Option<&Path>, args: &[&str]) -> String {
    let target = folder();
    let output = headers(target.path(), python, args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let sets = target.path().join("headers");
    let left = std::fs::read_dir(sets)
        .map(|list| list.count())
        .unwrap_or(0);
    assert_eq!(left, 0, "a folder was left behind: {said}");
    said
}

/// A program in place of Python.
fn script(folder: &TempDir, text: &str) -> std::path::PathBuf {
    let path = folder.path().join("python");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
    path
}

#[test]
fn without_python_the_way_out_is_named() {
    let said = refused(Some(Path::new("/nowhere/python3")), &[]);
    assert!(
        said.contains("pypjrt 0.1.1: error[H011]: cannot run Python"),
        "{said}"
    );
    assert!(said.contains("PJRT_PYTHON"), "{said}");
}

#[test]
fn the_last_words_of_pip_are_shown() {
    let here = folder();
    let python = script(&here, "echo 'no route to host' >&2; exit 1");
    let said = refused(Some(&python), &[]);
    assert!(said.contains("pip failed:\n    no route to host"), "{said}");
}

#[test]
fn an_archive_with_another_hash_is_refused() {
    let here = folder();
    // The folder follows `--dest`.
    let python = script(
        &here,
        "while [ \"$1\" != --dest ]; do shift; done; echo other > \"$2/pypjrt-0.1.1.tar.gz\"",
    );
    let said = refused(Some(&python), &[]);
    assert!(said.contains("expected e85e8fd3"), "{said}");
    assert!(said.contains("got 7e4fa2eb"), "{said}");
}

#[test]
fn an_unknown_package_lists_the_known_ones() {
    let said = refused(None, &["--package", "numpy"]);
    assert!(
        said.contains("there are pypjrt, xla-cpu-pjrt, tensorflow-cpu"),
        "{said}"
    );
}

#[test]
fn a_folder_without_the_main_header_is_refused() {
    let here = folder();
    let said = refused(None, &["--from", &here.path().to_string_lossy()]);
    assert!(
        said.contains("`xla/pjrt/c/pjrt_c_api.h` is not in it"),
        "{said}"
    );
}

#[test]
fn a_folder_that_is_no_repository_is_refused() {
    let here = folder();
    let place = here.path().to_string_lossy();
    let said = refused(None, &["--git", &place, "--rev", "main"]);
    assert!(said.contains("error[H013]"), "{said}");
}

#[test]
fn two_sources_at_once_are_wrong_usage() {
    let target = folder();
    let output = headers(target.path(), None, &["--package", "pypjrt", "--from", "x"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_folder_is_taken_over_twice() {
    let (here, target) = (folder(), folder());
    let header = here.path().join("xla/pjrt/c/pjrt_c_api.h");
    std::fs::create_dir_all(header.parent().expect("a parent")).expect("folders");
    std::fs::write(&header, "// one\n").expect("a header");
    for text in ["// one\n", "// two\n"] {
        std::fs::write(&header, text).expect("a header");
        let output = headers(
            target.path(),
            None,
            &["--from", &here.path().to_string_lossy()],
        );
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let root = String::from_utf8_lossy(&output.stdout).trim().to_string();
        let copy = Path::new(&root).join("xla/pjrt/c/pjrt_c_api.h");
        assert_eq!(std::fs::read_to_string(copy).expect("the copy"), text);
    }
}
