//! What the documents say is there: files behind links, headings, included files, folders, commands.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders of the repository that a path in a document may begin with.
const TOP: [&str; 9] = [
    ".ci",
    "codegen",
    "docs",
    "pjrt",
    "pjrt-macros",
    "pjrt-sys",
    "schema",
    "tests",
    "xtask",
];

/// Pages about repositories of other people, whose paths are not here.
const OF_OTHERS: [&str; 1] = ["docs/src/vendor.md"];

fn root() -> PathBuf {
    xtask::paths::root()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The files of a folder whose names end so, by their paths in the repository.
fn files(folder: &str, end: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    let mut files: Vec<String> = names
        .filter(|name| name.ends_with(end))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    files.sort();
    files
}

/// Documents for people: path and text.
fn documents() -> Vec<(String, String)> {
    let mut paths = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    paths.extend(files("docs/src", ".md"));
    let texts = paths.into_iter().map(|path| {
        let text = read(&path);
        (path, text)
    });
    texts.collect()
}

/// A text without its blocks of code.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// What stands between two marks, each time.
fn between<'t>(text: &'t str, open: &str, close: char) -> Vec<&'t str> {
    let parts = text.split(open).skip(1);
    parts
        .filter_map(|part| part.split_once(close))
        .map(|(inside, _)| inside)
        .collect()
}

/// The names that headings are linked by.
fn anchors(text: &str) -> BTreeSet<String> {
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter_map(|c| match c {
                ' ' => Some('-'),
                '-' | '_' => Some(c),
                c => c.is_alphanumeric().then_some(c),
            });
            kept.collect()
        })
        .collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let mut broken = Vec::new();
    for (path, text) in documents() {
        let folder = root().join(Path::new(&path).parent().unwrap());
        for link in between(&prose(&text), "](", ')') {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                root().join(&path)
            } else {
                folder.join(file)
            };
            if !target.exists() {
                broken.push(format!("{path}: {link}"));
            } else if !anchor.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap_or_default();
                if !anchors(&text).contains(anchor) {
                    broken.push(format!("{path}: {link} (no such heading)"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn no_page_links_to_markdown_outside_the_book() {
    // mdBook takes it for a page and makes the link end in `.html`.
    let mut broken = Vec::new();
    for page in files("docs/src", ".md") {
        for link in between(&prose(&read(&page)), "](", ')') {
            let file = link.split('#').next().unwrap_or(link);
            if file.starts_with("..") && file.ends_with(".md") {
                broken.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "name the file instead: {broken:#?}");
}

#[test]
fn every_included_file_and_part_is_there() {
    let mut broken = Vec::new();
    for (path, text) in documents() {
        for include in between(&text, "{{#include ", '}') {
            let (file, part) = include.split_once(':').unwrap_or((include, ""));
            let file = root().join(Path::new(&path).parent().unwrap()).join(file);
            match std::fs::read_to_string(&file) {
                Ok(text) if part.is_empty() || text.contains(&format!("ANCHOR: {part}\n")) => {}
                _ => broken.push(format!("{path}: {include}")),
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_books_contents_are_its_pages() {
    let summary = read("docs/src/SUMMARY.md");
    let listed: BTreeSet<String> = between(&summary, "](", ')')
        .iter()
        .map(|page| format!("docs/src/{page}"))
        .collect();
    let mut pages: BTreeSet<String> = files("docs/src", ".md").into_iter().collect();
    pages.remove("docs/src/SUMMARY.md");
    assert_eq!(listed, pages);
}

/// Whether a word stands for something that a reader puts in its place.
fn is_placeholder(word: &str) -> bool {
    let shouts = word.chars().any(|c| c.is_ascii_uppercase()) && !word.starts_with("README");
    shouts || word.contains(['*', '<', '{', '$'])
}

#[test]
fn every_path_that_is_named_is_there() {
    let mut broken = Vec::new();
    for (path, text) in documents() {
        if OF_OTHERS.contains(&path.as_str()) {
            continue;
        }
        for span in prose(&text).split('`').skip(1).step_by(2) {
            let Some((top, rest)) = span.split_once('/') else {
                continue;
            };
            if !TOP.contains(&top) || span.contains([' ', ':']) {
                continue;
            }
            // As far as the path is told.
            let mut target = root().join(top);
            for part in rest.split('/').take_while(|part| !is_placeholder(part)) {
                target.push(part);
            }
            if !target.exists() {
                broken.push(format!("{path}: {span}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_architecture_names_every_folder() {
    let text = read("docs/src/architecture.md");
    let mut missing = Vec::new();
    for above in ["codegen/src", "xtask/src", "pjrt/src", "schema", "tests"] {
        for entry in std::fs::read_dir(root().join(above)).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            let row = format!("| `{above}/{name}/` |");
            if entry.path().is_dir() && !text.contains(&row) {
                missing.push(row);
            }
        }
    }
    assert!(
        missing.is_empty(),
        "docs/src/architecture.md lacks {missing:#?}"
    );
}

/// What a command of `cargo xtask` says of itself.
fn help(command: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = program.args(command).arg("--help").output().unwrap();
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands that a help lists.
fn commands(help: &str) -> Vec<&str> {
    let list = help.split_once("Commands:\n").map_or("", |(_, rest)| rest);
    let list = list.split("\n\n").next().unwrap_or_default();
    let lines = list.lines().filter_map(|line| line.strip_prefix("  "));
    lines
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split(' ').next())
        .collect()
}

/// What a line has after each time that it says this, up to where the command ends.
fn calls<'t>(text: &'t str, command: &str) -> Vec<Vec<&'t str>> {
    let lines = text.lines().flat_map(|line| line.split(command).skip(1));
    lines
        .map(|rest| {
            let end = rest.find(['`', '#', '|']).unwrap_or(rest.len());
            let words = rest[..end].split_whitespace();
            words
                .map(|word| word.trim_matches(['[', ']', '\'', '"', '(', ')', ',', ';', ':', '.']))
                .filter(|word| !word.is_empty())
                .collect()
        })
        .collect()
}

#[test]
fn every_command_that_is_named_is_in_the_help() {
    let mut broken = Vec::new();
    let top = help(&[]);
    for (path, text) in documents() {
        for words in calls(&text, "cargo xtask ") {
            let Some(first) = words.first().filter(|word| !is_placeholder(word)) else {
                continue;
            };
            if !commands(&top).contains(first) {
                broken.push(format!("{path}: cargo xtask {}", words.join(" ")));
                continue;
            }
            // These ask a binary that has the library.
            let asks_another = matches!(*first, "plugin" | "quickstart");
            if *first == "help" || (asks_another && !cfg!(feature = "plugins")) {
                continue;
            }
            let mut command = vec![*first];
            let mut known = help(&command);
            if let Some(second) = words.get(1).filter(|word| !word.starts_with("--")) {
                let below = commands(&known);
                if !below.is_empty() {
                    if !below.contains(second) {
                        broken.push(format!("{path}: cargo xtask {}", words.join(" ")));
                        continue;
                    }
                    command.push(second);
                    known = help(&command);
                }
            }
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                let flag = flag.split('=').next().unwrap_or(flag);
                let is_known = known
                    .split_whitespace()
                    .any(|word| word.trim_end_matches(',') == flag);
                if !is_known {
                    broken.push(format!("{path}: cargo xtask {} {flag}", command.join(" ")));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_test_and_example_that_is_named_is_there() {
    let mut broken = Vec::new();
    let is_there = |places: &[&str], name: &str| {
        places
            .iter()
            .any(|place| root().join(place).join(format!("{name}.rs")).exists())
    };
    for (path, text) in documents() {
        if OF_OTHERS.contains(&path.as_str()) {
            continue;
        }
        for (flag, places) in [
            ("--test ", &["tests/tests", "xtask/tests"][..]),
            ("--example ", &["pjrt/examples"][..]),
        ] {
            for words in calls(&text, flag) {
                let Some(name) = words.first().filter(|word| !is_placeholder(word)) else {
                    continue;
                };
                if !is_there(places, name) {
                    broken.push(format!("{path}: {flag}{name}"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_code_in_the_readme_is_that_of_the_example() {
    let plain = |text: &str| -> String {
        let text: String = text.split_whitespace().collect();
        text.replace(",)", ")")
    };
    let readme = read("README.md");
    let (_, code) = readme.split_once("```rust\n").unwrap();
    let (code, _) = code.split_once("```").unwrap();
    let example = plain(&read("pjrt/examples/quickstart.rs"));
    for line in code.lines() {
        assert!(example.contains(&plain(line)), "{line}");
    }
}
