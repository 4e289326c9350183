//! The known cases of the real history.

use std::sync::OnceLock;

use super::super::*;
use super::one;
use crate::history::{Renames, read};

const TEXT: &str = include_str!("../../../../schema/history.json");
const MODEL: &str = include_str!("../../../../pjrt/model.json");
const RENAMES: &str = include_str!("../../../../schema/overlay/renames.toml");

fn history() -> &'static History {
    static HISTORY: OnceLock<History> = OnceLock::new();
    HISTORY.get_or_init(|| read("history.json", TEXT).expect("the checked-in history is valid"))
}

fn methods() -> &'static Methods {
    static METHODS: OnceLock<Methods> = OnceLock::new();
    METHODS
        .get_or_init(|| Methods::of(&crate::model::from_json(MODEL).expect("the model is valid")))
}

fn state(text: &str) -> usize {
    let Wanted::Minor { minor, commit } = Wanted::parse(text) else {
        panic!("{text} is no minor");
    };
    let found = find(history(), minor, commit.as_deref());
    found.expect("a commit of the history").state
}

fn compared(old: &str, new: &str) -> Diff {
    let [old, new] = [old, new].map(|text| Input::State(state(text)));
    diff(history(), &Renames::default(), methods(), old, new)
}

fn value(change: &Change) -> (&str, &str) {
    let (before, after) = change.values.as_ref().expect("values");
    (before, after)
}

#[test]
fn the_functions_after_0_81_are_appended_to_the_table() {
    let diff = compared("0.81", "0.114");
    let added: Vec<&Change> = diff
        .of(What::Added)
        .filter(|c| c.kind == Kind::Function)
        .collect();
    assert_eq!(added.len(), 20);
    assert!(added.iter().all(|c| c.class == Class::Appended));
    assert!(
        added
            .iter()
            .all(|c| c.since.is_some_and(|since| since > 81))
    );
    assert!(added.iter().all(|c| c.methods.len() == 1), "{added:?}");
    let load = one(&diff, What::Added, "PJRT_Client_Load");
    assert_eq!(
        (load.since, load.methods.as_slice()),
        (Some(95), &["pjrt::Client::load".to_string()][..])
    );
    let table = one(&diff, What::Resized, "PJRT_Api");
    assert_eq!(
        (value(table), table.class),
        (("984", "1144"), Class::Appended)
    );
    // The main table lost nothing and kept its order.
    for what in [What::Removed, What::Moved] {
        assert!(diff.of(what).all(|c| c.kind != Kind::Function));
    }
}

#[test]
fn fields_at_the_end_of_arguments_are_appended() {
    let diff = compared("0.81", "0.114");
    let field = one(
        &diff,
        What::Added,
        "PJRT_Executable_GetCompiledMemoryStats_Args.total_size_in_bytes",
    );
    assert_eq!((field.class, field.since), (Class::Appended, Some(90)));
    assert_eq!(field.methods, ["pjrt::Executable::compiled_memory_stats"]);
    let options = one(&diff, What::Resized, "PJRT_ExecuteOptions");
    assert_eq!(options.class, Class::Appended);
    assert!(
        options
            .functions
            .contains(&"PJRT_LoadedExecutable_Execute".to_string())
    );
}

#[test]
fn process_info_in_0_75_is_breaking() {
    let diff = compared("0.74", "0.75");
    let size = one(&diff, What::Added, "PJRT_ProcessInfo.struct_size");
    assert_eq!((size.class, size.since), (Class::Breaking, Some(75)));
    let id = one(&diff, What::Moved, "PJRT_ProcessInfo.task_id");
    assert_eq!(
        (id.class, value(id), id.since),
        (Class::Breaking, ("0", "8"), Some(73))
    );
    assert_eq!(id.functions, ["PJRT_Client_UpdateGlobalProcessInfo"]);
    assert_eq!(
        one(&diff, What::Resized, "PJRT_ProcessInfo").class,
        Class::Breaking
    );
    assert_eq!(diff.class(), Some(Class::Breaking));
    // A caller of `pjrt` sees errors from plugins of the other layout, and nothing else.
    assert_eq!(diff.semver().level, Level::Minor);
}

#[test]
fn the_second_table_of_0_56_moved_old_functions() {
    let diff = compared("0.56@3a8252260a58", "0.56@590b36f8");
    let moved = diff.of(What::Moved).filter(|c| c.kind == Kind::Function);
    let moved: Vec<&Change> = moved.collect();
    assert_eq!(moved.len(), 31);
    assert!(moved.iter().all(|c| c.class == Class::Breaking));
}

#[test]
fn a_confirmed_rename_is_one_item() {
    let diff = compared("0.81", "0.114");
    let renamed = one(&diff, What::Renamed, "XLA_FFI_Error_GetDetails");
    assert_eq!(
        value(renamed),
        ("XLA_FFI_Error_GetMessage", "XLA_FFI_Error_GetDetails")
    );
    let names = |what| {
        diff.of(what)
            .any(|c| c.name.contains("XLA_FFI_Error_Get") && c.kind == Kind::Slot)
    };
    assert!(!names(What::Added) && !names(What::Removed));
    // The other way round it is renamed back.
    let back = compared("0.114", "0.81");
    let renamed = one(&back, What::Renamed, "XLA_FFI_Error_GetDetails");
    assert_eq!(
        value(renamed),
        ("XLA_FFI_Error_GetDetails", "XLA_FFI_Error_GetMessage")
    );
    let early = compared("0.40", "0.42");
    let start = one(
        &early,
        What::Renamed,
        "PJRT_Error_Message_Args.extension_start",
    );
    assert_eq!(value(start), ("priv", "extension_start"));
    let chain = one(&early, What::Renamed, "PJRT_Extension_Type");
    assert_eq!(value(chain), ("PJRT_Structure_Type", "PJRT_Extension_Type"));
}

#[test]
fn a_deleted_header_breaks_plugins_and_not_the_crate() {
    let diff = compared("0.81", "0.114");
    let gone = one(&diff, What::Removed, "PJRT_HostAllocator_Allocate");
    assert_eq!((gone.class, gone.header_gone), (Class::Breaking, true));
    assert!(!diff.semver().because.contains(&gone.name));
    assert!(
        diff.semver()
            .because
            .contains(&"PJRT_Triton_Compile_Args.out_cluster_dim_x".to_string())
    );
}

#[test]
fn a_commit_and_the_schema_of_its_headers_are_the_same() {
    let schema = crate::schema::load("schema", crate::schema::tests::checked_in()).expect("valid");
    let renames = Renames::parse("renames.toml", RENAMES).expect("valid");
    let of_schema = Input::Schema(&schema, "schema");
    let of_commit = Input::State(state(&format!("0.{}", schema.minor)));
    for (old, new) in [(of_schema, of_commit), (of_commit, of_schema)] {
        let diff = diff(history(), &renames, methods(), old, new);
        assert!(diff.changes.is_empty(), "{}", text(&diff));
        assert_eq!(diff.semver().level, Level::Patch);
    }
    // An old commit against the schema says what it says against the newest commit.
    let changes = |new| {
        diff(
            history(),
            &renames,
            methods(),
            Input::State(state("81")),
            new,
        )
        .changes
    };
    assert_eq!(changes(of_schema), changes(of_commit));
}

#[test]
fn an_unknown_minor_says_which_there_are() {
    let fault = |text: &str| {
        let Wanted::Minor { minor, commit } = Wanted::parse(text) else {
            panic!("{text} is no minor");
        };
        let fault = find(history(), minor, commit.as_deref()).expect_err("unknown");
        fault.to_string()
    };
    let newest = history().minors().into_iter().max().expect("minors");
    let unknown = format!("0.{}", newest + 1);
    let text = fault(&unknown);
    let known = format!("0.1 to 0.{newest}");
    assert!(
        text.contains(&format!("no commit has the version {unknown}")) && text.contains(&known),
        "{text}"
    );
    for unknown in ["0.56@ffff", "56@"] {
        let text = fault(unknown);
        assert!(
            text.contains("3a8252260a58 (2024-10-23), 590b36f89d8c"),
            "{text}"
        );
    }
}

#[test]
fn a_minor_of_two_layouts_is_reported_and_never_guessed() {
    let found = |minor| find(history(), minor, None).expect("known");
    let note = found(56).note.expect("two tables");
    assert!(
        note.contains("3a8252260a58") && note.contains("590b36f89d8c") && note.contains("core"),
        "{note}"
    );
    assert!(note.contains("the last, 590b36f89d8c, is used"), "{note}");
    let chosen = find(history(), 56, Some("3a8252260a58")).expect("known");
    assert!(chosen.note.is_none() && chosen.state < found(56).state);
    assert_eq!(found(44).note, None);
}

#[test]
fn what_is_not_written_like_a_minor_is_a_path() {
    let minor = |minor, commit: Option<&str>| Wanted::Minor {
        minor,
        commit: commit.map(str::to_string),
    };
    assert_eq!(Wanted::parse("0.81"), minor(81, None));
    assert_eq!(Wanted::parse("81"), minor(81, None));
    assert_eq!(Wanted::parse("0.56@590b"), minor(56, Some("590b")));
    for path in ["1.2", "./81", "0.81.json", "+81", "0.", "", "99999999999"] {
        assert_eq!(Wanted::parse(path), Wanted::Path(path.into()), "{path}");
    }
}

#[test]
fn the_json_has_its_keys() {
    let value = json(&compared("0.81", "0.114"));
    assert_eq!(
        (value["from"].as_u64(), value["to"].as_u64()),
        (Some(81), Some(114))
    );
    assert_eq!(value["class"], "breaking");
    for list in ["added", "removed", "renamed", "moved", "resized", "changed"] {
        let list = value[list].as_array().expect("a list");
        assert!(!list.is_empty());
        for change in list {
            assert!(
                change["kind"].is_string() && change["name"].is_string(),
                "{change}"
            );
            let since = &change["since"];
            assert!(
                since.is_u64() || since.is_null() && change["kind"] == "type",
                "{change}"
            );
            assert!(
                ["compatible", "appended", "breaking"]
                    .contains(&change["class"].as_str().unwrap_or(""))
            );
        }
    }
    assert_eq!(value["semver"]["level"], "major");
}
