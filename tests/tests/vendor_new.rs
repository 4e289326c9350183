//! A vendor's header becomes a crate by one command: what is inferred, what is refused, and that
//! nothing is written where something is at fault.

use std::path::{Path, PathBuf};
use xtask::vendor::{new, update};
use xtask::vendor_cmd::Reading;

/// The example vendor's files.
fn acme(file: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vendor-acme");
    folder.join(file)
}

fn reading(header: PathBuf) -> Reading {
    Reading {
        header,
        include: Vec::new(),
        number: None,
        name: None,
        module: None,
        table: None,
    }
}

/// A folder with a header of this text.
fn header(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fast.h");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// A header of one function, with more in front of it.
fn with(more: &str) -> String {
    format!("#include \"xla/pjrt/c/pjrt_c_api.h\"\n{more}\n{TABLE}")
}

const NUMBER: &str = "#define PJRT_Extension_Type_Fast 1001";
const TABLE: &str = "struct Fast_Go_Args {
  size_t struct_size;
  PJRT_Device* device;
  int64_t far;  // out
};
typedef PJRT_Error* Fast_Go(Fast_Go_Args* args);
typedef struct PJRT_Fast_Extension {
  PJRT_Extension_Base base;
  Fast_Go* go;
} PJRT_Fast_Extension;
";

/// What `vendor new` says of a header that it refuses; nothing may be there then.
fn refused(text: &str, change: impl FnOnce(&mut Reading)) -> String {
    let (folder, path) = header(text);
    let out = folder.path().join("out");
    let mut reading = reading(path);
    change(&mut reading);
    let error = new::new(&reading, &out).unwrap_err().to_string();
    assert!(!out.exists(), "something was written: {error}");
    error.replace(&folder.path().display().to_string(), "DIR")
}

/// What became of a header that is taken: facts and judgements.
fn taken(text: &str, change: impl FnOnce(&mut Reading)) -> (String, String) {
    let (folder, path) = header(text);
    let out = folder.path().join("out");
    let mut reading = reading(path);
    change(&mut reading);
    if let Err(error) = new::new(&reading, &out) {
        panic!("{error}");
    }
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let module = reading.module.as_deref().unwrap_or("fast");
    (
        read(&format!("{module}.json")),
        read(&format!("{module}.toml")),
    )
}

#[track_caller]
fn says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "no `{part}` in: {error}");
    }
}

#[test]
fn what_is_inferred_of_the_example_is_this() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("acme");
    new::new(&reading(acme("acme_pjrt_extension.h")), &out).unwrap();
    let text = std::fs::read_to_string(out.join("acme.toml")).unwrap();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!("vendor_acme_inferred", text);
    });
    assert!(new::new(&reading(acme("acme_pjrt_extension.h")), &out).is_err());
}

#[test]
fn the_facts_of_the_example_are_those_checked_in() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("acme");
    new::new(&reading(acme("acme_pjrt_extension_r1.h")), &out).unwrap();
    let unchanged = |name: &str| std::fs::read_to_string(out.join(name)).ok();
    let files = ["acme.json", "acme.toml", "acme.history.json"];
    let first = files.map(unchanged);
    assert!(first[2].is_none(), "no older revisions yet");
    update::update(&reading(acme("acme_pjrt_extension_r1.h")), &out).unwrap();
    assert_eq!(
        first,
        files.map(unchanged),
        "the same header changes nothing"
    );

    update::update(&reading(acme("acme_pjrt_extension.h")), &out).unwrap();
    let second = files.map(unchanged);
    update::update(&reading(acme("acme_pjrt_extension.h")), &out).unwrap();
    assert_eq!(
        second,
        files.map(unchanged),
        "a second time changes nothing"
    );
    for (file, text) in [("acme.json", &second[0]), ("acme.history.json", &second[2])] {
        let here = std::fs::read_to_string(acme("acme").join(file)).unwrap();
        assert_eq!(text.as_deref(), Some(here.as_str()), "{file}");
    }
    let judged = second[1].as_deref().unwrap();
    assert!(judged.starts_with(first[1].as_deref().unwrap().trim_end()));
    says(judged, &["# [function.Acme_Device_Meter]"]);
    let source = std::fs::read_to_string(out.join("src/lib.rs")).unwrap();
    says(&source, &["history = \"acme.history.json\""]);

    // What the example's plugin poses as an older one with.
    for (file, text) in [("acme.json", &first[0]), ("acme.toml", &first[1])] {
        let here = std::fs::read_to_string(acme("plugin/src/first").join(file)).unwrap();
        assert_eq!(text.as_deref(), Some(here.as_str()), "{file}");
    }
}

#[test]
fn a_judgement_that_is_stale_stops_an_update() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("acme");
    new::new(&reading(acme("acme_pjrt_extension.h")), &out).unwrap();
    let before = std::fs::read_to_string(out.join("acme.json")).unwrap();
    // The older header has no meters, which a judgement is about.
    let error = update::update(&reading(acme("acme_pjrt_extension_r1.h")), &out).unwrap_err();
    says(
        &error.to_string(),
        &["acme.toml:", "Acme_Meter_FunctionTable"],
    );
    let after = std::fs::read_to_string(out.join("acme.json")).unwrap();
    assert_eq!(before, after);
    assert!(!out.join("acme.history.json").exists());
}

#[test]
fn numbers_stand_in_macros_enumerators_and_constants() {
    for number in [
        NUMBER,
        "#define FAST_PJRT_EXTENSION_TYPE 1001",
        "#define FAST_EXTENSION_TYPE ((PJRT_Extension_Type)1001)",
        "#define FAST_EXTENSION_TYPE 0x3E9u",
        "enum { PJRT_Extension_Type_Fast = 1001 };",
        "static const int32_t PJRT_Extension_Type_Fast = 1001;",
        "constexpr uint32_t kFastExtensionType = 1001;",
    ] {
        let (facts, judged) = taken(&with(number), |_| {});
        assert!(facts.contains("\"number\": 1001"), "{number}: {facts}");
        assert!(judged.contains("[function.Fast_Go]"), "{judged}");
    }
    let error = refused(&with(""), |_| {});
    says(&error, &["PJRT_Extension_Type_Fast 1000", "--number N"]);
    let (facts, _) = taken(&with(""), |r| r.number = Some(1001));
    says(&facts, &["\"number\": 1001"]);
    let two = format!("{NUMBER}\n#define FAST_EXTENSION_TYPE 1002");
    says(
        &refused(&with(&two), |_| {}),
        &["found `PJRT_Extension_Type_Fast`, `FAST_EXTENSION_TYPE`"],
    );
    let negative = NUMBER.replace("1001", "-1");
    says(
        &refused(&with(&negative), |_| {}),
        &["`PJRT_Extension_Type_Fast` is -1"],
    );
}

#[test]
fn what_is_upstreams_is_refused() {
    let number = NUMBER.replace("1001", "3");
    let error = refused(&with(&number), |_| {});
    says(
        &error,
        &["number 3 is PJRT's `PJRT_Extension_Type_", "--number N"],
    );
    for (declared, name) in [
        (
            "typedef struct PJRT_Layouts_Extension { int32_t a; } PJRT_Layouts_Extension;",
            "PJRT_Layouts_Extension",
        ),
        (
            "typedef enum { A } PJRT_Callback_Type;",
            "PJRT_Callback_Type",
        ),
    ] {
        let error = refused(&with(&format!("{NUMBER}\n{declared}")), |_| {});
        says(&error, &[name, "declared by upstream", "rename it"]);
    }
    let error = refused(&with(NUMBER), |r| r.module = Some("layouts".into()));
    says(
        &error,
        &["the module `layouts` is upstream's", "--module NAME"],
    );
    // An object type that is only named is upstream's, not a second one.
    let named = format!("{NUMBER}\ntypedef struct PJRT_RawBuffer PJRT_RawBuffer;");
    let (facts, _) = taken(&with(&named), |_| {});
    assert!(!facts.contains("\"opaques\""), "{facts}");
}

#[test]
fn tables_are_found_or_asked_for() {
    let none =
        format!("#include \"xla/pjrt/c/pjrt_c_api.h\"\n{NUMBER}\nstruct A {{ int32_t b; }};\n");
    says(
        &refused(&none, |_| {}),
        &["found none", "`PJRT_Extension_Base base;`"],
    );

    let more = format!(
        "{NUMBER}\ntypedef struct PJRT_Slow_Extension {{ PJRT_Extension_Base base; }} PJRT_Slow_Extension;"
    );
    let error = refused(&with(&more), |_| {});
    says(
        &error,
        &[
            "`PJRT_Slow_Extension`, `PJRT_Fast_Extension`",
            "--table NAME",
        ],
    );
    let (facts, _) = taken(&with(&more), |r| {
        r.table = Some("PJRT_Fast_Extension".into())
    });
    says(&facts, &["\"table\": \"PJRT_Fast_Extension\""]);
    let error = refused(&with(&more), |r| r.table = Some("Fast".into()));
    says(&error, &["`Fast` is no table"]);

    // A table without the base, as headers before 0.68 had it; its name is asked of it too.
    let old = TABLE.replace(
        "  PJRT_Extension_Base base;\n",
        "  size_t struct_size;\n  PJRT_Extension_Type type;\n  PJRT_Extension_Base* next;\n",
    );
    let old = old.replace("PJRT_Fast_Extension", "FastExtension");
    let text = format!("#include \"pjrt_c_api.h\"\n{NUMBER}\n{old}");
    let (facts, _) = taken(&text, |_| {});
    says(
        &facts,
        &["\"module\": \"fast\"", "\"table\": \"FastExtension\""],
    );
    let (facts, _) = taken(&with(NUMBER), |r| {
        r.name = Some("Quick".into());
        r.module = Some("quick".into());
    });
    says(&facts, &["\"name\": \"Quick\"", "\"module\": \"quick\""]);
    let error = refused(&with(NUMBER), |r| r.module = Some("Not-one".into()));
    says(
        &error,
        &["`Not-one` is no name for a Rust module", "snake case"],
    );
}

#[test]
fn headers_that_do_not_parse_say_where() {
    let error = refused(&with("PJRT_Nothing* nothing(void);"), |_| {});
    says(
        &error,
        &["DIR/fast.h:2:", "unknown type name 'PJRT_Nothing'"],
    );
    let error = refused(&with("#include \"fast/types.h\""), |_| {});
    says(
        &error,
        &[
            "DIR/fast.h:2:",
            "'fast/types.h' file not found",
            "--include DIR",
        ],
    );
    let error = refused(&with("struct A { struct { int b; } c; };"), |_| {});
    says(&error, &["DIR/fast.h:2", "a struct within a struct"]);
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.h");
    let error = new::new(&reading(missing), &folder.path().join("out")).unwrap_err();
    says(&error.to_string(), &["no such file", "--header FILE"]);
    let error = refused(&with(NUMBER), |r| r.include = vec!["not/there".into()]);
    says(&error, &["not/there", "no such folder"]);
}

#[test]
fn headers_of_the_vendors_own_belong_to_the_module() {
    let (folder, path) = header(&with(&format!("#include \"types/unit.h\"\n{NUMBER}")));
    let beside = folder.path().join("include");
    std::fs::create_dir_all(beside.join("types")).unwrap();
    let unit = "#pragma once\n#include <stdint.h>\ntypedef enum { Fast_Unit_A = 1, Fast_Unit_B = 9 } Fast_Unit;\nusing Fast_Number = int64_t;\nstatic inline int fast_twice(int a) { return 2 * a; }\n";
    std::fs::write(beside.join("types/unit.h"), unit).unwrap();
    let mut reading = reading(path);
    reading.include = vec![beside];
    let out = folder.path().join("out");
    new::new(&reading, &out).unwrap();
    let facts = std::fs::read_to_string(out.join("fast.json")).unwrap();
    says(
        &facts,
        &["\"Fast_Unit_B\"", "\"Fast_Number\"", "\"uses\": [\"core\"]"],
    );
    assert!(!facts.contains("fast_twice"), "{facts}");
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let (folder, path) = header(&with(NUMBER));
    let error = new::new(&reading(path.clone()), folder.path()).unwrap_err();
    says(
        &error.to_string(),
        &["expected an empty folder", "vendor update"],
    );
    let error = new::new(&reading(path.clone()), &path).unwrap_err();
    says(&error.to_string(), &["expected a folder, found a file"]);
    let error = update::update(&reading(path), folder.path()).unwrap_err();
    says(&error.to_string(), &["found none", "vendor new"]);
}

/// Builds a crate, with the versions that are pinned for the example.
fn builds(folder: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let made = std::process::Command::new(cargo)
        .args(["build", "--quiet", "--all-targets", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        // As `vendor_acme.rs` builds, so that what both need is built once.
        .env("CARGO_TARGET_DIR", xtask::paths::target().join("vendor"))
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success() && said.is_empty(), "{said}");
}

#[test]
fn crates_build_before_and_after_the_holes_are_filled() {
    assert_eq!(xtask::vendor::check::check(&acme("acme")), Ok(true));
    builds(&acme("acme"));
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("holes");
    // Another name, for cargo takes two packages of one name in one target folder for the same.
    let mut reading = reading(acme("acme_pjrt_extension.h"));
    reading.module = Some("holes".into());
    new::new(&reading, &out).unwrap();
    assert_eq!(xtask::vendor::check::check(&out), Ok(false));
    std::fs::copy(acme("Cargo.lock"), out.join("Cargo.lock")).unwrap();
    builds(&out);
}
