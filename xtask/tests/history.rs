//! A small repository with a header that changes, breaks and goes back: folded, and shown.
#![cfg(all(feature = "clang", unix))]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const CORE: &str = "xla/pjrt/c/pjrt_c_api.h";
const EXTENSION: &str = "xla/pjrt/c/pjrt_c_api_thing_extension.h";

fn core(minor: u32, fields: &str) -> String {
    format!(
        "#include <stddef.h>\n\
         #define PJRT_API_MAJOR 0\n\
         #define PJRT_API_MINOR {minor}\n\
         typedef enum {{ PJRT_Extension_Type_Thing = 3 }} PJRT_Extension_Type;\n\
         typedef struct PJRT_Extension_Base {{ size_t struct_size; PJRT_Extension_Type type;\n\
           struct PJRT_Extension_Base* next; }} PJRT_Extension_Base;\n\
         typedef struct PJRT_S {{ size_t struct_size; {fields} }} PJRT_S;\n"
    )
}

const THING: &str = "#include \"xla/pjrt/c/pjrt_c_api.h\"\n\
     typedef struct PJRT_Thing_Args { size_t struct_size; } PJRT_Thing_Args;\n\
     typedef void PJRT_Thing_Do(PJRT_Thing_Args* args);\n\
     typedef struct PJRT_Thing_Extension { PJRT_Extension_Base base; PJRT_Thing_Do* thing; }\n\
       PJRT_Thing_Extension;\n";

struct Repository {
    folder: TempDir,
    count: u32,
}

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let new = Self { folder, count: 0 };
        new.git(&["init", "--quiet", "--initial-branch=main"]);
        new
    }

    fn git(&self, args: &[&str]) {
        let day = format!("2024-01-{:02}T00:00:00Z", self.count + 1);
        let status = Command::new("git")
            .arg("-C")
            .arg(self.folder.path())
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(args)
            .env("GIT_AUTHOR_DATE", &day)
            .env("GIT_COMMITTER_DATE", &day)
            .status()
            .expect("git starts");
        assert!(status.success(), "git {args:?}");
    }

    fn commit(&mut self, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = self.folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=change"]);
        self.count += 1;
    }

    /// Builds into the folder `out`, with a target folder of its own for the cache.
    fn build(&self, out: &Path, more: &[&str]) -> Output {
        let renames = out.join("renames.toml");
        std::fs::write(&renames, "").expect("a file");
        xtask(&["history", "build", "--name", "a/b", "--git"])
            .arg(self.folder.path())
            .arg("--renames")
            .arg(&renames)
            .arg("--out")
            .arg(out.join("history.json"))
            .args(more)
            .output()
            .expect("the command starts")
    }
}

fn xtask(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(args);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_small_history_is_folded_reported_and_shown() {
    let mut repository = Repository::new();
    repository.commit(&[(CORE, "#include <stddef.h>\n#include <memory>\n")]);
    repository.commit(&[(CORE, &core(1, "int* a;"))]);
    repository.commit(&[(CORE, &core(2, "int* a; int* b;")), (EXTENSION, THING)]);
    repository.commit(&[(CORE, &core(1, "int* a;"))]);
    repository.commit(&[(EXTENSION, "this is no C\n")]);
    repository.commit(&[(CORE, &core(2, "int* a;")), (EXTENSION, THING)]);
    repository.commit(&[(CORE, &core(3, "int* a; int* b;"))]);

    let out = tempfile::tempdir().expect("a temporary folder");
    let output = repository.build(out.path(), &["--rev", "main"]);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("7 commits (6 of the main header, 1 without a version"),
        "{said}"
    );
    assert!(
        said.contains("not read: ") && said.contains(EXTENSION),
        "{said}"
    );

    let file = out.path().join("history.json");
    let first = std::fs::read(&file).expect("written");
    assert!(repository.build(out.path(), &[]).status.success());
    assert_eq!(
        std::fs::read(&file).expect("written"),
        first,
        "the same bytes"
    );

    let show = |name: &str| {
        let output = xtask(&["history", "show", name, "--json", "--history"])
            .arg(&file)
            .output()
            .expect("the command starts");
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let shown = show("S");
    let b = &shown["fields"][2];
    assert_eq!(
        (&b["name"], &b["since"], &b["safe_since"]),
        (&"b".into(), &2.into(), &3.into())
    );
    assert_eq!(show("thing")["kind"], "extension");
    assert_eq!(show("PJRT_Thing_Do")["since"], 1);

    let output = xtask(&["history", "show", "Nothing", "--history"])
        .arg(&file)
        .output()
        .expect("the command starts");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("`Nothing`"));
}

#[test]
fn a_repository_that_is_none_is_an_error_and_no_file_is_written() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let empty = Repository {
        folder: tempfile::tempdir().expect("a temporary folder"),
        count: 0,
    };
    let output = empty.build(out.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("error[H013]"),
        "{}",
        text(&output.stderr)
    );
    assert!(!out.path().join("history.json").exists());
}

#[test]
fn a_repository_without_the_headers_is_an_error() {
    let mut repository = Repository::new();
    repository.commit(&[("README", "nothing\n")]);
    let out = tempfile::tempdir().expect("a temporary folder");
    let output = repository.build(out.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("error[V008]"),
        "{}",
        text(&output.stderr)
    );
    assert!(!out.path().join("history.json").exists());
}
