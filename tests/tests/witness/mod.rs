//! What the witnesses share: the facts, the compilers, and which lines these refuse.

pub mod older;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use pjrt_codegen::schema::{Header, Schema, load_file};

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The checked-in facts, those of deleted headers last.
pub fn facts() -> Vec<Schema> {
    let mut files = json_files(&repository().join("schema"), "pjrt-");
    files.extend(json_files(&repository().join("schema/extra"), ""));
    let facts: Vec<Schema> = files
        .iter()
        .map(|file| load_file(file).unwrap_or_else(|errors| panic!("{errors}")))
        .collect();
    assert!(!facts.is_empty(), "expected facts in schema/, found none");
    facts
}

fn json_files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(prefix) && name.ends_with(".json")
        })
        .collect();
    files.sort();
    files
}

/// All headers, each module once.
pub fn headers(facts: &[Schema]) -> Vec<&Header> {
    let mut modules = BTreeSet::new();
    facts
        .iter()
        .flat_map(|schema| &schema.headers)
        .filter(|header| modules.insert(&header.module))
        .collect()
}

/// A witness that cannot be heard: a note on a developer's machine, a failure in CI.
pub fn skip(witness: &str, why: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "{witness}: {why}; CI must provide it"
    );
    eprintln!("skipped {witness}: {why}");
}

/// The first of these compilers that runs.
pub fn compiler(variable: &str, names: &[&str]) -> Option<String> {
    let chosen = std::env::var(variable).ok();
    chosen
        .into_iter()
        .chain(names.iter().map(|name| (*name).to_owned()))
        .find(|name| {
            Command::new(name)
                .arg("--version")
                .output()
                .is_ok_and(|output| output.status.success())
        })
}

/// Compiles `source` for its errors alone and returns the labels of the lines that have one: the
/// last string of the line, or the line itself.
pub fn refused(command: &mut Command, folder: &Path, file: &str, source: &str) -> BTreeSet<String> {
    std::fs::write(folder.join(file), source).expect("a temporary file");
    let output = command
        .current_dir(folder)
        .arg(file)
        .output()
        .expect("the compiler runs");
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = source.lines().collect();
    let prefix = format!("{file}:");
    let mut labels = BTreeSet::new();
    for error in text.lines().filter(|line| line.contains("error:")) {
        let number = error
            .strip_prefix(&prefix)
            .and_then(|rest| rest.split(':').next())
            .and_then(|number| number.parse::<usize>().ok());
        let line = number.and_then(|number| lines.get(number.wrapping_sub(1)));
        labels.insert(match line {
            Some(line) => label(line).to_owned(),
            None => error.to_owned(),
        });
    }
    assert_eq!(
        output.status.success(),
        labels.is_empty(),
        "expected an error on a line of {file} exactly when the compiler fails, got:\n{text}"
    );
    labels
}

fn label(line: &str) -> &str {
    line.rsplit('"').nth(1).unwrap_or(line)
}
