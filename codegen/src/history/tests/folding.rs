//! Small made-up histories.

use super::super::{Folded, Presence, Renames, Snapshot, Text, fold, load, to_text};
use crate::diag::Diagnostics;
use crate::schema::{Enum, EnumValue, Field, Header, Macro, Struct, digest};

/// A main header with one struct and one enumeration.
pub(super) fn header(minor: u32, fields: &[(&str, &str)], values: &[&str]) -> Header {
    let mut offset = 0;
    let fields: Vec<Field> = fields
        .iter()
        .map(|(name, ty)| {
            offset += 8;
            Field {
                name: (*name).to_string(),
                ty: (*ty).to_string(),
                offset: offset - 8,
                size: 8,
                ..Field::default()
            }
        })
        .collect();
    let number = |(value, name): (usize, &&str)| EnumValue {
        name: (*name).to_string(),
        value: i64::try_from(value).expect("small"),
        line: 1,
    };
    let version = |name: &str, value: u32| Macro {
        name: name.to_string(),
        value: value.to_string(),
        line: 1,
    };
    let mut header = Header {
        module: "core".to_string(),
        macros: vec![
            version("PJRT_API_MAJOR", 0),
            version("PJRT_API_MINOR", minor),
        ],
        structs: vec![Struct {
            name: "PJRT_S".to_string(),
            tag: "PJRT_S".to_string(),
            size: offset,
            align: 8,
            struct_size: Some(offset),
            fields,
            ..Struct::default()
        }],
        enums: vec![Enum {
            name: "PJRT_E".to_string(),
            repr: "uint32_t".to_string(),
            size: 4,
            values: values.iter().enumerate().map(number).collect(),
            ..Enum::default()
        }],
        ..Header::default()
    };
    header.digest = digest(&header);
    header
}

pub(super) type Facts = Result<Header, String>;

pub(super) fn folded(commits: &[Vec<(&str, Facts)>], renames: &str) -> Result<Folded, Diagnostics> {
    let keys: Vec<Vec<String>> = commits
        .iter()
        .enumerate()
        .map(|(i, headers)| (0..headers.len()).map(|j| format!("{i}/{j}")).collect())
        .collect();
    let snapshots: Vec<Snapshot<'_>> = commits
        .iter()
        .zip(&keys)
        .enumerate()
        .map(|(index, (headers, keys))| Snapshot {
            commit: format!("{index:040}"),
            date: "2024-01-01".to_string(),
            main: true,
            headers: headers
                .iter()
                .zip(keys)
                .map(|((module, facts), key)| Text {
                    path: format!("{module}.h"),
                    module: (*module).to_string(),
                    key,
                    facts: facts.as_ref().map_err(String::as_str),
                })
                .collect(),
        })
        .collect();
    let renames = Renames::parse("renames.toml", renames)?;
    let folded = fold("owner/name", &snapshots, &renames)?;
    let text = to_text(&folded.history);
    assert_eq!(load("made-up", &text).expect("readable"), folded.history);
    Ok(folded)
}

pub(super) fn core(header: Header) -> Vec<(&'static str, Facts)> {
    vec![("core", Ok(header))]
}

fn minors(folded: &Folded, field: &str) -> (u32, Option<u32>, Option<u32>, Option<u32>) {
    let item = folded.history.structure("PJRT_S").expect("the struct");
    let fields = folded.history.field_minors(item);
    let found = fields.into_iter().find(|(name, _)| *name == field);
    let (_, m) = found.expect("the field");
    (m.since, m.safe_since, m.layout_since, m.removed)
}

pub(super) const A: (&str, &str) = ("a", "size_t");
pub(super) const B: (&str, &str) = ("b", "char*");
pub(super) const C: (&str, &str) = ("c", "void*");

#[test]
fn a_reverted_minor_delays_what_is_safe() {
    let commits = [
        core(header(1, &[A], &[])),
        core(header(2, &[A, B], &[])),
        core(header(1, &[A], &[])),
        core(header(2, &[A], &[])),
        core(header(3, &[A, B], &[])),
    ];
    let folded = folded(&commits, "").expect("folded");
    assert_eq!(minors(&folded, "a"), (1, Some(1), Some(1), None));
    assert_eq!(minors(&folded, "b"), (2, Some(3), Some(3), None));
    assert_eq!(folded.history.shared().len(), 1);
}

#[test]
fn a_field_that_moved_has_its_layout_later() {
    let commits = [
        core(header(1, &[A, B], &[])),
        core(header(2, &[A, C, B], &[])),
    ];
    let folded = folded(&commits, "").expect("folded");
    assert_eq!(minors(&folded, "b"), (1, Some(1), Some(2), None));
    let breaks = folded.history.breaks();
    assert_eq!(breaks.len(), 1);
    assert_eq!((breaks[0].state, breaks[0].what.as_str()), (1, "1 moved"));
}

#[test]
fn constness_and_void_are_no_change_of_layout() {
    let commits = [
        core(header(1, &[("p", "void*")], &[])),
        core(header(2, &[("p", "const char*")], &[])),
    ];
    let folded = folded(&commits, "").expect("folded");
    assert_eq!(minors(&folded, "p"), (1, Some(1), Some(1), None));
}

#[test]
fn a_removed_field_says_when() {
    let commits = [
        core(header(1, &[A, B], &[])),
        core(header(2, &[A], &[])),
        core(header(3, &[A, C], &[])),
    ];
    let folded = folded(&commits, "").expect("folded");
    assert_eq!(minors(&folded, "b"), (1, Some(1), Some(1), Some(2)));
}

pub(super) const RENAME: &str =
    "[[rename]]\nwhat = \"field\"\nof = \"PJRT_S\"\nfrom = \"b\"\nto = \"c\"\nwhy = \"test\"\n";

#[test]
fn an_unconfirmed_rename_is_proposed_and_stays_two_items() {
    let commits = [core(header(1, &[A, B], &[])), core(header(2, &[A, C], &[]))];
    let folded = folded(&commits, "").expect("folded");
    assert_eq!(minors(&folded, "b").3, Some(2));
    assert_eq!(minors(&folded, "c"), (2, Some(2), Some(2), None));
    assert_eq!(folded.candidates.len(), 1);
    assert!(
        folded.candidates[0].contains("PJRT_S.b -> c"),
        "{:?}",
        folded.candidates
    );
}

#[test]
fn a_confirmed_rename_is_one_item() {
    let commits = [core(header(1, &[A, B], &[])), core(header(2, &[A, C], &[]))];
    let folded = folded(&commits, RENAME).expect("folded");
    assert_eq!(minors(&folded, "c"), (1, Some(1), Some(1), None));
    assert!(folded.candidates.is_empty());
    assert_eq!(
        folded.history.renamed[0].at,
        [(1, vec!["PJRT_S".to_string()])]
    );
}

#[test]
fn a_rename_of_what_moved_is_refused() {
    let commits = [core(header(1, &[A, B], &[])), core(header(2, &[C, A], &[]))];
    let errors = folded(&commits, RENAME).expect_err("moved").to_string();
    assert!(
        errors.contains("V002") && errors.contains("stands elsewhere"),
        "{errors}"
    );
}

#[test]
fn a_rename_that_never_was_is_refused() {
    let commits = [core(header(1, &[A], &[])), core(header(2, &[A], &[]))];
    let errors = folded(&commits, RENAME).expect_err("unused").to_string();
    assert!(
        errors.contains("V003") && errors.contains("renames.toml:1"),
        "{errors}"
    );
}

#[test]
fn a_header_without_a_version_is_left_out_and_counted() {
    let mut early = header(1, &[A], &[]);
    early.macros.clear();
    let commits = [core(early), core(header(1, &[A, B], &[]))];
    let folded = folded(&commits, "").expect("folded");
    let source = &folded.history.source;
    assert_eq!((source.commits, source.unversioned), (2, 1));
    assert_eq!(folded.history.states.len(), 1);
}

#[test]
fn a_header_that_does_not_parse_is_listed_and_nothing_is_guessed() {
    let extension = || {
        let mut header = header(0, &[A], &[]);
        header.module = "example".to_string();
        header.structs[0].name = "PJRT_X".to_string();
        header.enums.clear();
        header.macros.clear();
        header
    };
    let commits = [
        vec![
            ("core", Ok(header(1, &[A], &[]))),
            ("example", Ok(extension())),
        ],
        vec![
            ("core", Ok(header(2, &[A], &[]))),
            ("example", Err("7:1: no".to_string())),
        ],
        vec![
            ("core", Ok(header(3, &[A], &[]))),
            ("example", Ok(extension())),
        ],
        vec![
            ("core", Err("9:9: no".to_string())),
            ("example", Ok(extension())),
        ],
    ];
    let folded = folded(&commits, "").expect("folded");
    let history = &folded.history;
    let problems: Vec<&str> = history
        .problems
        .iter()
        .map(|p| p.message.as_str())
        .collect();
    assert_eq!(problems, ["7:1: no", "9:9: no"]);
    let module = history.module("example").expect("the module");
    assert_eq!(module.at(1), Some(&Presence::Unknown));
    // In 0.2 it may or may not have been there.
    let item = history.structure("PJRT_X").expect("the struct");
    let minors = history.struct_minors(item).expect("minors");
    assert_eq!((minors.since, minors.safe_since), (1, Some(3)));
}

#[test]
fn a_value_that_was_renumbered_has_its_layout_later() {
    let commits = [
        core(header(1, &[A], &["X", "Y"])),
        core(header(2, &[A], &["X", "Z", "Y"])),
    ];
    let folded = folded(&commits, "").expect("folded");
    let item = folded
        .history
        .enumeration("PJRT_E")
        .expect("the enumeration");
    let values = folded.history.value_minors(item);
    let (_, y) = values
        .into_iter()
        .find(|(name, _)| *name == "Y")
        .expect("Y");
    assert_eq!((y.since, y.layout_since), (1, Some(2)));
    assert_eq!(folded.history.breaks()[0].what, "Y is 2");
}
