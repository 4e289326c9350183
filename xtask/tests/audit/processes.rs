//! Plugins that end, stop or leave their process.

use super::{Audited, PLUGIN, Scene, audit, command};
use std::path::Path;
use std::time::{Duration, Instant};

/// Whether a process is there; one that waits to be reaped is.
fn is_there(pid: &str) -> bool {
    Path::new("/proc").join(pid.trim()).exists()
}

#[test]
fn a_crash_is_a_finding_that_says_in_which_step() {
    let scene = Scene::new();
    let start = "__attribute__((constructor)) static void start(void)";
    for (code, words) in [
        (
            format!("{start} {{ *(volatile int *)0 = 1; }}"),
            ["constructors", "SIGSEGV"],
        ),
        (
            format!("#include <stdlib.h>\n{start} {{ abort(); }}"),
            ["constructors", "SIGABRT"],
        ),
        (
            "#include <stdlib.h>\nvoid *GetPjrtApi(void) { abort(); }".to_owned(),
            ["GetPjrtApi", "SIGABRT"],
        ),
    ] {
        let found = audit(&scene.library("plugin.so", &code, &[]));
        found.says("fatal", "crashed", &words);
        assert_eq!(found.status, Some(3));
    }
}

#[test]
fn a_plugin_that_ends_the_process_is_told_so() {
    let scene = Scene::new();
    let code = "#include <unistd.h>\n__attribute__((constructor)) static void start(void) { \
                write(2, \"no licence\\n\", 11); _exit(0); }";
    let found = audit(&scene.library("plugin.so", code, &[]));
    found.says(
        "fatal",
        "exited",
        &["constructors", "status 0", "no licence"],
    );
}

#[test]
fn a_plugin_that_never_returns_is_killed_at_the_limit() {
    let scene = Scene::new();
    let pid = scene.path("pid").display().to_string();
    let note = format!(
        "#include <stdio.h>\n#include <unistd.h>\nstatic void note(void) {{ FILE *f = fopen(\"{pid}\", \
         \"w\"); fprintf(f, \"%d\", getpid()); fclose(f); }}\n"
    );
    for (code, step) in [
        (
            "__attribute__((constructor)) static void start(void) { note(); for (;;) pause(); }",
            "constructors",
        ),
        (
            "void *GetPjrtApi(void) { note(); for (volatile int i = 0;; i++) {} }",
            "GetPjrtApi",
        ),
    ] {
        let path = scene.library("plugin.so", &format!("{note}{code}"), &[]);
        let begun = Instant::now();
        let found = Audited::of(command(&path, &["--timeout", "0.7"]));
        assert!(begun.elapsed() < Duration::from_secs(15));
        found.says("fatal", "timed-out", &[step, "0.7 s", "--timeout"]);
        assert!(!is_there(&std::fs::read_to_string(&pid).unwrap()));
    }
}

#[test]
fn processes_that_a_plugin_started_are_ended_with_it() {
    let scene = Scene::new();
    let pids = scene.path("pids").display().to_string();
    let fork = format!(
        "FILE *f = fopen(\"{pids}\", \"w\"); for (int i = 0; i < 2; i++) {{ pid_t child = fork(); if \
         (child == 0) {{ if (i) setsid(); for (;;) pause(); }} fprintf(f, \"%d\\n\", child); }} \
         fclose(f);"
    );
    for (end, code, grade) in [
        ("", "processes-left", "note"),
        ("for (;;) pause();", "timed-out", "fatal"),
    ] {
        let edit = format!("static void edit(void) {{ {fork} {end} }}");
        let code_text = format!("#include <stdio.h>\n{PLUGIN}{edit}");
        let path = scene.library("plugin.so", &code_text, &[]);
        let found = Audited::of(command(&path, &["--timeout", "2"]));
        found.says(grade, code, &[]);
        let text = std::fs::read_to_string(&pids).unwrap();
        assert_eq!(text.lines().count(), 2);
        for pid in text.lines() {
            assert!(!is_there(pid), "{pid} of {text} is left over");
        }
    }
}

#[test]
fn what_was_found_before_a_crash_is_kept() {
    let scene = Scene::new();
    let code = format!(
        "{PLUGIN}static void *die(void *args) {{ abort(); }}\n\
         static void edit(void) {{ words[8] = (size_t)die; }}"
    );
    let found = audit(&scene.library("plugin.so", &code, &[]));
    found.says("fatal", "crashed", &["PJRT_Plugin_Initialize", "SIGABRT"]);
    assert_eq!(found.report["api"]["minor"], 114);
    assert_eq!(found.report["extensions"][0]["name"], "Layouts");
}

#[test]
fn attributes_are_read_without_a_start_that_kills() {
    let scene = Scene::new();
    let code = format!(
        "{PLUGIN}static void *die(void *args) {{ abort(); }}\n\
         static struct {{ size_t size; void *ext; const char *name; size_t length; int type; int64_t \
         value; size_t count; }} one = {{56, 0, \"answer\", 6, 1, 42, 1}};\n\
         static void *some(size_t *args) {{ args[2] = (size_t)&one; args[3] = 1; return 0; }}\n\
         static void edit(void) {{ words[8] = (size_t)die; words[9] = (size_t)some; }}"
    );
    let found = audit(&scene.library("plugin.so", &code, &[]));
    found.says("fatal", "crashed", &["PJRT_Plugin_Initialize"]);
    assert_eq!(found.report["attributes"]["answer"], 42);
}

#[test]
fn a_crash_at_the_end_of_the_process_is_no_more_than_wrong() {
    let scene = Scene::new();
    let code = format!(
        "{PLUGIN}static void edit(void) {{}}\n\
         __attribute__((destructor)) static void end(void) {{ abort(); }}"
    );
    let found = audit(&scene.library("plugin.so", &code, &[]));
    found.says("wrong", "crashed", &["the end of the process"]);
    assert_eq!(found.status, Some(1));
}
