//! Headers that are added to a history without their commits.

use super::super::{Folded, History, Renames, append, load, to_text};
use super::folding::{A, B, C, RENAME, core, folded, header};
use crate::diag::Diagnostics;
use crate::schema::{Header, Schema};

fn schema(minor: u32, mut header: Header) -> Schema {
    header.path = "core.h".to_string();
    Schema {
        major: 0,
        minor,
        headers: vec![header],
    }
}

fn appended(
    history: &History,
    old: (u32, Header),
    new: (u32, Header),
    renames: &str,
) -> Result<Folded, Diagnostics> {
    let renames = Renames::parse("renames.toml", renames).expect("valid");
    let (old, new) = (schema(old.0, old.1), schema(new.0, new.1));
    append(history, &old, &new, &"2".repeat(12), "2024-01-01", &renames)
}

/// All but what counts commits, and the name of the last one.
fn versions(history: &History) -> String {
    let mut history = history.clone();
    history.source = Default::default();
    if let Some(last) = history.states.last_mut() {
        last.commit = String::new();
    }
    to_text(&history)
}

#[test]
fn appending_gives_what_folding_all_gives() {
    let first = || header(1, &[A], &["X", "Y"]);
    let second = || header(2, &[A, B], &["X", "Y"]);
    let third = || header(3, &[A, B, C], &["X", "Z", "Y"]);
    let all = folded(&[core(first()), core(second()), core(third())], "").expect("folded");
    let two = folded(&[core(first()), core(second())], "").expect("folded");
    let made = appended(&two.history, (2, second()), (3, third()), "").expect("appended");
    assert_eq!(versions(&made.history), versions(&all.history));
    assert_ne!(versions(&made.history), versions(&two.history));
    let text = to_text(&made.history);
    assert_eq!(load("history", &text).expect("it is read"), made.history);
}

#[test]
fn headers_that_are_there_change_nothing() {
    let last = || header(1, &[A], &["X"]);
    let one = folded(&[core(last())], "").expect("folded");
    let made = appended(&one.history, (1, last()), (1, last()), "").expect("appended");
    assert_eq!(made.history, one.history);
    // The same minor with other declarations is a state of its own.
    let other = header(1, &[A, B], &["X"]);
    let made = appended(&one.history, (1, last()), (1, other), "").expect("appended");
    assert_eq!(made.history.states.len(), 2);
}

#[test]
fn confirmed_renames_stay_and_new_ones_need_the_whole_history() {
    let commits = [core(header(1, &[A, B], &[])), core(header(2, &[A, C], &[]))];
    let known = folded(&commits, RENAME).expect("folded").history;
    let second = || (2, header(2, &[A, C], &[]));
    let third = || (3, header(3, &[A, C], &["X"]));
    let made = appended(&known, second(), third(), RENAME).expect("appended");
    assert_eq!(made.history.renamed, known.renamed);
    let errors = appended(&known, second(), third(), "").expect_err("other renames");
    assert!(errors.to_string().contains("V010"), "{errors}");
}

#[test]
fn an_older_minor_is_refused() {
    let known = folded(&[core(header(5, &[A], &[]))], "").expect("folded");
    let five = (5, header(5, &[A], &[]));
    let errors = appended(&known.history, five, (4, header(4, &[A, B], &[])), "");
    assert!(errors.expect_err("older").to_string().contains("V009"));
}

#[test]
fn a_name_that_looks_renamed_is_told() {
    let known = folded(&[core(header(1, &[A, B], &[]))], "").expect("folded");
    let (old, new) = (header(1, &[A, B], &[]), header(2, &[A, C], &[]));
    let made = appended(&known.history, (1, old), (2, new), "").expect("appended");
    assert_eq!(made.candidates.len(), 1, "{:?}", made.candidates);
}
