//! `cargo xtask diff`: what it prints, its exit status, and whether the methods that it names exist.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

fn root() -> PathBuf {
    xtask::paths::root()
}

fn diff(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("diff")
        .args(args)
        .current_dir(root())
        .output()
        .expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn differences_are_no_failure() {
    let output = diff(&["0.81", "0.114", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let keys = [
        "from", "to", "class", "added", "removed", "renamed", "moved", "resized",
    ];
    for key in keys {
        assert!(value.get(key).is_some(), "{key}");
    }
    let function = |c: &&Value| c["kind"] == "function";
    let added = value["added"].as_array().expect("a list");
    assert_eq!(added.iter().filter(function).count(), 20);
    let same = diff(&["81", "0.81"]);
    assert_eq!(same.status.code(), Some(0));
    assert!(text(&same.stdout).contains("nothing differs"));
    let markdown = diff(&["0.74", "0.75", "--markdown"]);
    assert_eq!(markdown.status.code(), Some(0));
    let shown = text(&markdown.stdout);
    assert!(
        shown.contains("# PJRT 0.74 to 0.75") && shown.contains("`PJRT_ProcessInfo.task_id`"),
        "{shown}"
    );
}

#[test]
fn a_schema_file_is_compared_with_a_minor() {
    let file = xtask::paths::schema();
    let name = file.file_stem().expect("a name").to_string_lossy();
    let minor = name.trim_start_matches("pjrt-");
    let output = diff(&[&file.display().to_string(), minor]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("nothing differs"));
}

#[test]
fn what_cannot_be_compared_has_exit_status_2() {
    let cases: [(&[&str], &str); 8] = [
        (&["0.9999", "0.114"], "there are 0.1 to 0.1"),
        (&["0.56@abcdef", "0.57"], "3a8252260a58 (2024-10-23)"),
        (&["0.81", "1.0"], "no minor version and no file or folder"),
        (&["0.81", "no/such/file"], "no minor version and no file"),
        (
            &["Cargo.toml", "0.81"],
            "Cargo.toml:1:2: error[C002]: no schema",
        ),
        (&["schema/history.json", "0.81"], "error[C002]: no schema"),
        (&["0.81"], "NEW"),
        (&["0.81", "0.114", "--json", "--markdown"], "cannot be used"),
    ];
    for (args, wanted) in cases {
        let output = diff(args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(wanted), "{args:?}: {said}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn two_layouts_of_one_minor_are_told() {
    let output = diff(&["0.56", "0.57"]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    assert!(
        said.contains("note: 0.56 is not one set of declarations")
            && said.contains("the last, 590b36f89d8c, is used"),
        "{said}"
    );
}

/// The ledger finds the methods in the parsed sources; `diff` takes their names from the overlay.
#[test]
fn the_methods_that_are_named_are_those_of_the_sources() {
    use pjrt_codegen::coverage::{Kind, Verdict, ledger};

    let sources = xtask::derive::sources(&root()).expect("sources");
    let model = sources.model().expect("a model");
    let methods = pjrt_codegen::diff::Methods::of(&model);
    let ledger = ledger(&model, &sources.rust, "", "").expect("a ledger");
    let items = ledger.items.iter();
    let items = items.filter(|i| matches!(i.kind, Kind::Function | Kind::Slot));
    let mut wrong = BTreeMap::new();
    let mut checked = 0;
    for item in items {
        let Some(function) = model.function(&item.name) else {
            continue;
        };
        let found = methods.get(&item.name).unwrap_or("nothing");
        let right = match &item.verdict {
            Verdict::HandWritten(path) => found == path,
            Verdict::Generated(_) if model.deals_with_errors(function) => found == "nothing",
            Verdict::Generated(place) => {
                // A method that takes a handle for good has a form without it, which it calls.
                let place = place.trim_end_matches("_taken");
                match place.strip_prefix("Drop of ") {
                    Some(ty) => found.ends_with(&format!("::{ty} as Drop>::drop")),
                    None => found.ends_with(&format!("::{place}")),
                }
            }
            _ => continue,
        };
        checked += 1;
        if !right {
            wrong.insert(&item.name, (found, item.verdict.text()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 200, "{checked}");
}

#[cfg(feature = "clang")]
#[test]
fn a_folder_of_headers_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let core = |minor: u32, fields: &str| {
        format!(
            "#include <stddef.h>\n\
             #define PJRT_API_MAJOR 0\n\
             #define PJRT_API_MINOR {minor}\n\
             typedef enum {{ PJRT_Extension_Type_Thing = 3 }} PJRT_Extension_Type;\n\
             typedef struct PJRT_S {{ size_t struct_size; {fields} }} PJRT_S;\n"
        )
    };
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name).join("xla/pjrt/c/pjrt_c_api.h");
        let parent = path.parent().expect("a parent");
        std::fs::create_dir_all(parent).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        folder.path().join(name).to_string_lossy().into_owned()
    };
    let old = write("old", &core(1, "int* a;"));
    let new = write("new", &core(2, "int* a; int* b;"));
    let output = diff(&[&old, &new, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&value["from"], &value["to"]), (&1.into(), &2.into()));
    assert_eq!(value["added"][0]["name"], "PJRT_S.b");
    assert_eq!(value["class"], "appended");
    let empty = folder.path().join("empty");
    std::fs::create_dir_all(&empty).expect("a folder");
    let output = diff(&[&old, &empty.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}
