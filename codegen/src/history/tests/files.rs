//! Files that are refused.

use super::super::{Renames, What, load, to_text};
use super::{FILE, TEXT, history};

#[test]
fn the_file_is_what_the_writer_writes() {
    assert_eq!(to_text(history()), TEXT);
    assert!(TEXT.len() < 1_000_000);
}

#[test]
fn a_number_that_the_versions_do_not_give_is_refused() {
    let name = "\"name\": \"PJRT_ProcessInfo\"";
    let edited = TEXT.replacen("\"since\": 73", "\"since\": 72", 1);
    assert_ne!(edited, TEXT);
    let errors = load(FILE, &edited).expect_err("edited");
    let error = errors.iter().next().expect("one");
    assert_eq!(error.code, "V006");
    assert!(
        error.line > 0 && error.help.contains("history build"),
        "{error}"
    );
    assert!(TEXT.contains(name));
}

#[test]
fn what_is_no_history_is_refused() {
    let code = |text: &str| {
        let errors = load(FILE, text).expect_err("refused");
        errors.iter().next().expect("one").code
    };
    assert_eq!(code("{"), "V004");
    assert_eq!(code("{}"), "V005");
    assert_eq!(
        code(&TEXT.replacen("\"format\": 1", "\"format\": 2", 1)),
        "V005"
    );
    // A state that is not there.
    let cut = TEXT.replacen("\"versions\": [\n[", "\"versions\": [\n[9999", 1);
    assert_eq!(code(&cut), "V005");
}

#[test]
fn a_rename_needs_its_keys() {
    let errors = |text: &str| {
        let errors = Renames::parse("renames.toml", text).expect_err("refused");
        errors.to_string()
    };
    let text = errors("[[rename]]\nwhat = \"type\"\nfrom = \"A\"\nto = \"B\"\n");
    assert!(
        text.contains("renames.toml:1") && text.contains("`why` is missing"),
        "{text}"
    );
    let text = errors("[[rename]]\nwhat = \"thing\"\n");
    assert!(
        text.contains("expected one of field, value, type"),
        "{text}"
    );
    let text =
        errors("[[rename]]\nwhat = \"field\"\nfrom = \"a\"\nto = \"b\"\nwhy = \"c\"\nx = 1\n");
    assert!(
        text.contains("unknown key `x`") && text.contains("`of` is missing"),
        "{text}"
    );
    let text = errors("[[names]]\n");
    assert!(text.contains("unknown key `names`"), "{text}");
}

#[test]
fn a_rename_may_be_of_many_structs() {
    let text = "[[rename]]\nwhat = \"field\"\nof = \"PJRT_*\"\nfrom = \"priv\"\nto = \"start\"\nwhy = \"w\"\n";
    let renames = Renames::parse("renames.toml", text).expect("valid");
    let found = renames.field("PJRT_A_Args", "priv").expect("matches");
    assert_eq!((found.what, found.to.as_str()), (What::Field, "start"));
    assert_eq!(renames.field("PLUGIN_A_Args", "priv"), None);
}
