//! What people are told about faults in an overlay: every diagnostic, with its place.

#[path = "fixtures/folder.rs"]
#[allow(dead_code, reason = "the other test uses the rest of it")]
mod folder;

use pjrt_codegen::derived;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_faulty_overlay_is_refused_with_what_its_snapshot_says() {
    xtask::libclang::ensure(&xtask::paths::target()).unwrap();
    let mut faults = Vec::new();
    for fixture in folder::all(&folder::root().join("errors")) {
        let facts = fixture.facts();
        let text = match derived::files(&fixture.sources(&facts, true)) {
            Err(errors) => errors.to_string(),
            Ok(_) => {
                faults.push(format!("{}: it is accepted", fixture.name));
                continue;
            }
        };
        if !folder::same(&fixture.folder, "expected", &text) {
            faults.push(format!("{}: the diagnostics differ", fixture.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The codes of the overlay in a text, each between the given marks.
fn codes(text: &str, before: &str, after: &str) -> BTreeSet<String> {
    let marks = text.match_indices(before);
    let found = marks.filter_map(|(at, mark)| Some(text[at + mark.len()..].split_once(after)?.0));
    let code = |c: &&str| c.len() == 4 && c.starts_with('O');
    found.filter(code).map(str::to_owned).collect()
}

/// The codes in every file of a folder and below.
fn codes_below(folder: &Path, end: &str, before: &str, after: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(codes_below(&path, end, before, after));
        } else if path.to_str().is_some_and(|path| path.ends_with(end)) {
            found.extend(codes(
                &std::fs::read_to_string(path).unwrap(),
                before,
                after,
            ));
        }
    }
    found
}

#[test]
fn every_code_of_the_overlay_is_shown_by_a_faulty_overlay() {
    let codegen = Path::new(env!("CARGO_MANIFEST_DIR")).join("../codegen/src");
    let raised = codes_below(&codegen, ".rs", "\"", "\"");
    let shown = codes_below(&folder::root().join("errors"), ".snap", "error[", "]");
    assert!(raised.len() > 30, "{raised:?}");
    let missing: Vec<&String> = raised.difference(&shown).collect();
    assert!(missing.is_empty(), "no fixture for {missing:?}");
}
