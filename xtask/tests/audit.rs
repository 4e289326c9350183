//! `cargo xtask audit`: files that are no plugins, plugins that break, the mock, a real plugin.
#![cfg(unix)]

#[path = "audit/files.rs"]
mod files;
#[path = "audit/plugins.rs"]
mod plugins;
#[path = "audit/processes.rs"]
mod processes;
#[path = "audit/whole.rs"]
mod whole;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The page that says what each code means.
const PAGE: &str = include_str!("../../docs/src/audit.md");

/// A folder for what a test makes.
struct Scene(tempfile::TempDir);

/// The table that most of the tests' plugins give: whole, of 0.114, one extension. `edit` runs before
/// it is given.
const PLUGIN: &str = r#"
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/types.h>
static size_t words[200];
static size_t node[10] = {80, 4, 0};
static void *fine(void *args) { return NULL; }
static void edit(void);
void *GetPjrtApi(void) {
  for (int i = 5; i < 143; i++) words[i] = (size_t)fine;
  for (int i = 3; i < 10; i++) node[i] = (size_t)fine;
  words[0] = 1144; words[1] = (size_t)node; words[2] = 24;
  int32_t version[2] = {0, 114};
  memcpy(&words[4], version, 8);
  edit();
  return words;
}
"#;

impl Scene {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// A shared library of C code.
    fn library(&self, name: &str, code: &str, arguments: &[&str]) -> PathBuf {
        let (source, out) = (self.write("code.c", code.as_bytes()), self.path(name));
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-w", "-o"]).arg(&out);
        let made = compiler.arg(source).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{said}");
        out
    }

    /// A plugin whose table is edited.
    fn plugin(&self, edit: &str) -> PathBuf {
        let code = format!("{PLUGIN}\nstatic void edit(void) {{ {edit} }}\n");
        self.library("plugin.so", &code, &[])
    }
}

/// What an audit came to.
struct Audited {
    status: Option<i32>,
    report: Value,
}

impl Audited {
    fn of(mut command: Command) -> Self {
        let run = command.output().unwrap();
        let out = String::from_utf8_lossy(&run.stdout);
        let said = String::from_utf8_lossy(&run.stderr);
        let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{said}"));
        for finding in report["findings"].as_array().unwrap() {
            let row = format!("| `{}` |", finding["code"].as_str().unwrap());
            assert!(PAGE.contains(&row), "{row} is not in docs/src/audit.md");
        }
        Self {
            status: run.status.code(),
            report,
        }
    }

    /// The findings of a code, as `grade: text`.
    fn found(&self, code: &str) -> Vec<String> {
        let all = self.report["findings"].as_array().unwrap().iter();
        let text = |key: &str, of: &Value| of[key].as_str().unwrap().to_owned();
        all.filter(|finding| finding["code"] == code)
            .map(|finding| format!("{}: {}", text("grade", finding), text("text", finding)))
            .collect()
    }

    /// Sees that there is one finding of the code, of a grade, which says all of these.
    #[track_caller]
    fn says(&self, grade: &str, code: &str, words: &[&str]) -> &Self {
        let found = self.found(code);
        let all = &self.report["findings"];
        assert_eq!(found.len(), 1, "{code}: {all:#}");
        for word in [grade].iter().chain(words) {
            assert!(found[0].contains(word), "`{word}` in {}", found[0]);
        }
        assert!(!found[0].contains('\n'));
        let status = match grade {
            "fatal" => 3,
            "wrong" => 1,
            _ => 0,
        };
        assert!(self.status >= Some(status), "{:?}", self.status);
        self
    }
}

fn command(plugin: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(["audit", "--json"])
        .arg(plugin)
        .args(arguments);
    command
}

fn audit(plugin: &Path) -> Audited {
    Audited::of(command(plugin, &["--timeout", "20"]))
}
