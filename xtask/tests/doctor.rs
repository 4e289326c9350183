//! `cargo xtask doctor`: what it says of machines that lack something.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use xtask::doctor::machine::{Answer, Machine};
use xtask::doctor::{self, Row, State, libclang, tools};

/// A machine with the programs that a test makes up, and no others.
struct Scene(tempfile::TempDir);

impl Scene {
    /// One that has all that is needed.
    fn whole() -> Scene {
        let scene = Scene(tempfile::tempdir().unwrap());
        scene.says("rustc", "rustc 1.95.0 (made up)");
        scene.says("python3", "Python 3.12.1");
        for name in ["cargo", "rustfmt", "cargo-clippy", "cc", "c++"] {
            scene.says(name, "version 1");
        }
        scene
    }

    fn bin(&self) -> PathBuf {
        self.0.path().join("bin")
    }

    fn says(&self, name: &str, answer: &str) {
        self.program(name, &format!("echo '{answer}'"));
    }

    fn program(&self, name: &str, script: &str) {
        let file = self.bin().join(name);
        std::fs::create_dir_all(self.bin()).unwrap();
        // Another process writes it: a thread that starts a program meanwhile would hold this one's
        // open file, and a file that is written to cannot be run.
        let script = format!("#!/bin/sh\n{script}\n");
        let mut write = Command::new("/bin/sh");
        write.args([
            "-c",
            "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"",
            "sh",
            &script,
        ]);
        assert!(write.arg(&file).status().unwrap().success());
    }

    fn without(self, name: &str) -> Scene {
        std::fs::remove_file(self.bin().join(name)).unwrap();
        self
    }

    /// The machine, for probes that are called.
    fn machine(&self) -> Machine {
        Machine {
            vars: BTreeMap::from([("PATH".into(), self.bin().into_os_string())]),
            system: self.0.path().join("system"),
            root: self.0.path().to_owned(),
            target: self.0.path().join("target"),
            limit: Duration::from_secs(10),
        }
    }

    /// The command, on this machine.
    fn doctor(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .env_clear()
            .env("PATH", self.bin())
            .env("HOME", self.0.path());
        command.env("CARGO_TARGET_DIR", self.0.path().join("target"));
        command.arg("doctor").args(args).output().unwrap()
    }
}

fn row<'a>(rows: &'a [Row], name: &str) -> &'a Row {
    let found = rows.iter().find(|row| row.name == name);
    found.unwrap_or_else(|| panic!("no row {name} in {rows:?}"))
}

fn rows_of(output: &Output) -> (bool, Vec<Row>) {
    let value: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let rows = value["rows"].as_array().unwrap().iter();
    let rows = rows.map(|row| Row::from_json(row).unwrap()).collect();
    (value["ready"].as_bool().unwrap(), rows)
}

#[test]
fn a_machine_that_has_everything_is_ready() {
    let scene = Scene::whole();
    let output = scene.doctor(&["--without-plugins", "--json"]);
    let (ready, rows) = rows_of(&output);
    assert!(ready, "{rows:?}");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(row(&rows, "rustc").found, "rustc 1.95.0 (made up)");
    // What only some tests want is no reason to fail.
    let redis = row(&rows, "redis-server");
    assert_eq!((redis.state, redis.needed), (State::Missing, false));
    assert_eq!(redis.next.as_deref(), Some("apt-get install redis-server"));
    let store = row(&rows, "Redis store");
    assert_eq!(store.state, State::Skipped);
    assert!(store.found.ends_with("no redis-server"), "{}", store.found);
    let text = scene.doctor(&["--without-plugins"]);
    let text = String::from_utf8(text.stdout).unwrap();
    for row in &rows {
        assert!(text.contains(&row.found), "{} in {text}", row.found);
    }
    assert!(
        text.contains("\nready for `cargo xtask quickstart`"),
        "{text}"
    );
}

#[test]
fn a_machine_without_python_is_told_what_to_install() {
    let scene = Scene::whole().without("python3");
    let output = scene.doctor(&["--without-plugins", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let (ready, rows) = rows_of(&output);
    assert!(!ready);
    let python = row(&rows, "python");
    assert_eq!(python.state, State::Missing);
    assert_eq!(python.found, "python3 and python not found in PATH");
    assert!(
        python
            .next
            .as_deref()
            .unwrap()
            .contains("apt-get install python3")
    );
    let text = scene.doctor(&["--without-plugins"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("not ready for") && text.contains("mend python, pip"),
        "{text}"
    );
}

#[test]
fn a_python_without_pip_is_told_apart_from_none() {
    let scene = Scene::whole();
    scene.program(
        "python3",
        "test \"$2\" != pip || { echo 'No module named pip' >&2; exit 1; }; echo 3.12",
    );
    let rows = doctor::rows(&scene.machine(), false);
    assert_eq!(row(&rows, "python").state, State::Ready);
    let pip = row(&rows, "pip");
    assert_eq!(pip.state, State::Broken);
    assert!(pip.found.ends_with("No module named pip"), "{}", pip.found);
    assert_eq!(row(&rows, "libclang").state, State::Missing);
}

#[test]
fn an_old_compiler_is_told_which_is_needed() {
    let scene = Scene::whole();
    scene.says("rustc", "rustc 1.60.0 (7737e0b5c 2022-04-04)");
    let rust = tools::rust(&scene.machine());
    let rustc = row(&rust, "rustc");
    assert_eq!(rustc.state, State::Broken);
    let needed = concat!(env!("CARGO_PKG_RUST_VERSION"), " or later is needed");
    assert!(rustc.found.ends_with(needed), "{}", rustc.found);
    assert_eq!(rustc.next.as_deref(), Some("rustup update stable"));
}

#[test]
fn libclang_is_found_named_or_fetched() {
    let scene = Scene::whole();
    let mut machine = scene.machine();
    assert_eq!(libclang::row(&machine, true).state, State::Fetched);
    let none = libclang::row(&machine, false);
    assert_eq!(none.state, State::Missing);
    assert!(none.next.unwrap().contains("LIBCLANG_PATH"));
    let folder = machine.system.join("usr/lib/llvm-18/lib");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("libclang-18.so.18.1.3"), "").unwrap();
    let found = libclang::row(&machine, false);
    assert_eq!(found.state, State::Ready);
    assert!(found.found.ends_with(", version 18.1.3"), "{}", found.found);
    machine
        .vars
        .insert("LIBCLANG_PATH".into(), "/nowhere".into());
    let wrong = libclang::row(&machine, true);
    assert_eq!(wrong.state, State::Broken);
    assert!(wrong.found.contains("/nowhere") && wrong.needed);
}

#[test]
fn a_program_that_does_not_answer_is_ended() {
    let scene = Scene::whole();
    // What it leaves behind keeps its output open.
    scene.program("valgrind", "sleep 20 & sleep 20");
    let mut machine = scene.machine();
    machine.vars.insert(
        "PATH".into(),
        format!("{}:/bin:/usr/bin", scene.bin().display()).into(),
    );
    machine.limit = Duration::from_millis(200);
    let start = Instant::now();
    let answer = machine.ask("valgrind", &["--version"]);
    assert!(
        matches!(&answer, Answer::Bad(how) if how.starts_with("no answer")),
        "{answer:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn tests_that_a_variable_leaves_out_are_skipped_for_that() {
    let mut machine = Scene::whole().machine();
    machine
        .vars
        .insert("PJRT_TEST_PLUGINS".into(), "cpu".into());
    let looked: Vec<Row> = ["cpu", "tpu"]
        .map(|name| Row::ready(name, "PJRT 0.81").of("plugins"))
        .into();
    let rows = doctor::suites::rows(&machine, &looked);
    assert_eq!(row(&rows, "CPU plugin").state, State::Ready);
    let tpu = row(&rows, "TPU plugin");
    assert!(
        tpu.found.ends_with("PJRT_TEST_PLUGINS leaves out tpu"),
        "{}",
        tpu.found
    );
}

#[cfg(not(feature = "plugins"))]
#[test]
fn a_pjrt_that_does_not_build_is_a_line_of_the_diagnosis() {
    let scene = Scene::whole();
    scene.program(
        "cargo",
        "test \"$1\" = --version || { echo 'error[E0425]: made up' >&2; exit 101; }",
    );
    let (ready, rows) = rows_of(&scene.doctor(&["--json"]));
    let pjrt = row(&rows, "pjrt");
    assert!(!ready && pjrt.state == State::Broken);
    assert!(
        pjrt.found.ends_with("error[E0425]: made up"),
        "{}",
        pjrt.found
    );
    assert_eq!(pjrt.next.as_deref(), Some("cargo build --package xla-pjrt"));
}

#[cfg(feature = "plugins")]
#[test]
fn a_plugin_that_ends_the_process_is_a_line_of_the_diagnosis() {
    let scene = Scene::whole();
    let (source, library) = (
        scene.0.path().join("ends.c"),
        scene.0.path().join("ends.so"),
    );
    std::fs::write(
        &source,
        "__attribute__((constructor)) void f(void) { *(volatile int *)0 = 1; }\n",
    )
    .unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source)
        .status();
    if !compiled.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no C compiler");
        return;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.env(
        "PJRT_NAMES_AND_LIBRARY_PATHS",
        format!("cpu:{}", library.display()),
    );
    command.env("PJRT_CACHE_DIR", scene.0.path());
    let output = command.args(["doctor", "--plugin-rows"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Row> = text
        .lines()
        .filter_map(|line| Row::from_json(&serde_json::from_str(line).ok()?))
        .collect();
    let cpu = row(&rows, "cpu");
    assert_eq!((cpu.state, cpu.needed), (State::Broken, true));
    assert!(cpu.found.contains("signal: 11"), "{}", cpu.found);
    assert_eq!(row(&rows, "tpu").state, State::Fetched);
}
