//! Tables and chains: broken ones, the mock of other versions, a real plugin.

use super::{Audited, Scene, audit, command};
use pjrt_codegen::schema::{Schema, digest, load_file, to_text};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

#[test]
fn a_table_that_is_none_is_fatal() {
    let scene = Scene::new();
    for (result, code, word) in [
        ("0", "table-null", "got null"),
        ("(void *)12345", "table-pointer", "multiple of 8"),
        ("(void *)0x1000", "table-pointer", "without memory"),
    ] {
        let code_text = format!("void *GetPjrtApi(void) {{ return {result}; }}");
        let found = audit(&scene.library("plugin.so", &code_text, &[]));
        found.says("fatal", code, &[word]);
    }
}

#[test]
fn a_size_that_no_table_has_is_fatal() {
    let scene = Scene::new();
    for size in ["8", "39", "(size_t)1 << 40", "(size_t)-1"] {
        let found = audit(&scene.plugin(&format!("words[0] = {size};")));
        found.says("fatal", "table-size", &["PJRT_Api_STRUCT_SIZE"]);
    }
}

#[test]
fn a_size_beyond_the_memory_is_fatal_and_what_is_there_is_read() {
    let scene = Scene::new();
    let found = audit(&scene.plugin("words[0] = 1 << 20;"));
    found.says("fatal", "table-short", &["1048576"]);
    found.says(
        "wrong",
        "size-unexpected",
        &["expected 1144", "got 1048576"],
    );
    assert_eq!(found.report["functions"][0]["status"], "present");
}

#[test]
fn a_size_that_its_version_did_not_have_is_wrong() {
    let scene = Scene::new();
    let found = audit(&scene.plugin("words[0] = 1152; words[143] = words[5];"));
    found.says(
        "wrong",
        "size-unexpected",
        &["expected 1144 for 0.114", "got 1152"],
    );
    found.says("note", "slots-unknown", &["1 slots from offset 1144"]);
    assert_eq!(found.status, Some(1));
    let last = found.report["functions"]
        .as_array()
        .unwrap()
        .last()
        .unwrap();
    assert_eq!(last, &json!({"name": "(offset 1144)", "status": "unknown"}));
}

#[test]
fn other_versions_are_refused_or_unknown() {
    let scene = Scene::new();
    let set = |major: i32, minor: i32| {
        format!("int32_t version[2] = {{{major}, {minor}}}; memcpy(&words[4], version, 8);")
    };
    audit(&scene.plugin(&set(1, 2))).says("fatal", "version-major", &["1.2"]);
    audit(&scene.plugin(&set(0, 39))).says("fatal", "version-old", &["0.40", "0.39"]);
    audit(&scene.plugin(&set(0, -1))).says("fatal", "version-old", &["0.-1"]);
    let found = audit(&scene.plugin(&set(0, 2000)));
    found.says("note", "version-newer", &["0.2000", "cargo xtask bump"]);
    assert_eq!(found.report["expected_struct_size"], json!(null));
    let found = audit(&scene.plugin("words[2] = 16;"));
    found.says("wrong", "version-size", &["expected 24", "got 16"]);
}

#[test]
fn slots_without_code_are_named() {
    let scene = Scene::new();
    let found = audit(&scene.plugin("words[5] = 0; words[15] = (size_t)words; words[16] = 64;"));
    found.says(
        "wrong",
        "slot-null",
        &["1 (PJRT_Error_Destroy)", "UNIMPLEMENTED"],
    );
    found.says("wrong", "slot-broken", &["in 2 ("]);
    let served = found.report["frameworks"].as_array().unwrap().iter();
    assert!(served.clone().count() > 10);
    for of in served {
        assert_eq!(of["serves"], false, "{of}");
        assert!(
            of["problem"]
                .as_str()
                .unwrap()
                .contains("PJRT_Error_Destroy"),
            "{of}"
        );
    }
}

#[test]
fn a_chain_that_does_not_end_well_is_wrong() {
    let scene = Scene::new();
    for (edit, code, word) in [
        ("node[2] = (size_t)node;", "chain-cycle", "came before"),
        ("node[2] = 4096;", "chain-pointer", "without memory"),
        (
            "node[2] = (size_t)node + 1;",
            "chain-pointer",
            "multiple of 8",
        ),
        ("node[0] = 16;", "chain-short-node", "24 bytes"),
    ] {
        let found = audit(&scene.plugin(edit));
        found.says("wrong", code, &[word]);
        assert_eq!(found.report["chain_read"], false);
        assert_eq!(found.report["extensions"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn nodes_are_held_against_their_header() {
    let scene = Scene::new();
    let found = audit(&scene.plugin("node[0] = 72; node[4] = 0;"));
    found.says(
        "wrong",
        "extension-size",
        &["Layouts", "expected 80", "got 72"],
    );
    found.says(
        "note",
        "extension-null",
        &["PJRT_Layouts_MemoryLayout_Serialize"],
    );
    let found = audit(
        &scene.plugin("static size_t twin[10]; memcpy(twin, node, 80); node[2] = (size_t)twin;"),
    );
    found.says("wrong", "extension-twice", &["type 4"]);
    let found = audit(&scene.plugin("node[1] = 4321; node[0] = 32;"));
    found.says(
        "note",
        "extension-unknown",
        &["type 4321", "32 bytes", "--schema"],
    );
}

#[test]
fn attributes_that_point_nowhere_are_wrong() {
    let scene = Scene::new();
    for (values, word) in [
        ("args[2] = 4096; args[3] = 2;", "no address"),
        ("args[2] = 0; args[3] = 2;", "no address"),
        ("args[2] = 4096; args[3] = -1;", "it says that there are"),
        (
            "args[2] = (size_t)zero; args[3] = 1; zero[3] = 9;",
            "no readable name",
        ),
        (
            "args[2] = (size_t)zero; args[3] = 1; ((int *)zero)[8] = 77;",
            "unknown type 77",
        ),
    ] {
        let code = format!(
            "{}static size_t zero[64];\nstatic void *some(size_t *args) {{ {values} return 0; }}\n\
             static void edit(void) {{ words[9] = (size_t)some; }}",
            super::PLUGIN
        );
        let found = audit(&scene.library("plugin.so", &code, &[]));
        found.says("wrong", "attribute-broken", &[word]);
    }
}

#[test]
fn a_vendors_schema_names_its_extension() {
    let scene = Scene::new();
    let facts = xtask::paths::schema();
    let mut headers = load_file(&facts).unwrap().headers;
    headers.retain(|header| ["core", "layouts"].contains(&header.module.as_str()));
    for header in &mut headers {
        if let Some(extension) = &mut header.extension {
            (extension.number, extension.name) = (4321, "Acme".to_owned());
        }
        header.digest = digest(header);
    }
    let schema = Schema {
        major: 0,
        minor: 114,
        headers,
    };
    let path = scene.write("acme.json", to_text(&schema).as_bytes());
    let path = path.display().to_string();
    let plugin = scene.plugin("node[1] = 4321; node[0] = 72; node[4] = 0;");
    let found = Audited::of(command(&plugin, &["--schema", &path]));
    found.says(
        "wrong",
        "extension-size",
        &["Acme", "expected 80", "got 72"],
    );
    let node = &found.report["extensions"][0];
    assert_eq!(node["name"], "Acme");
    assert_eq!(
        node["null_slots"],
        json!(["PJRT_Layouts_MemoryLayout_Serialize"])
    );
}

/// The mock plugin as a library, made beside this program.
fn mock() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let folder = program.ancestors().nth(2).unwrap();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "-q", "--offline", "-p", "pjrt-mock-file"]);
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    build.args(["--profile", profile]);
    assert!(build.status().unwrap().success());
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    folder.join(format!("{prefix}pjrt_mock_file{suffix}"))
}

fn mocked(variables: &[(&str, &str)], arguments: &[&str]) -> Audited {
    let mut command = command(&mock(), arguments);
    command.envs(variables.iter().copied());
    Audited::of(command)
}

#[test]
fn the_mock_of_every_age_is_what_its_headers_say() {
    for (minor, size, functions) in [
        ("40", 808, 97),
        ("54", 808, 100),
        ("81", 984, 118),
        ("114", 1144, 138),
    ] {
        let found = mocked(&[("PJRT_MOCK_MINOR", minor)], &[]);
        assert_eq!(
            found.status,
            Some(0),
            "{minor}: {:#}",
            found.report["findings"]
        );
        assert_eq!(found.report["struct_size"], size, "{minor}");
        let all = found.report["functions"].as_array().unwrap().iter();
        let present = all.filter(|of| of["status"] == "present").count();
        assert_eq!(present, functions, "{minor}");
        if size == 808 {
            found.says("note", "size-stale", &["808"]);
        }
        assert_eq!(
            found.found("chain-unreadable").len(),
            usize::from(minor == "40")
        );
    }
    // One of the tables of 0.56 is like no other; all of it is read, and none of it called.
    let found = mocked(&[("PJRT_MOCK_MINOR", "56")], &[]);
    found.says("fatal", "layout-moved", &["0.56 with 816 bytes"]);
    found.says("note", "version-shared", &["808 and 816"]);
    let all = found.report["functions"].as_array().unwrap().iter();
    assert_eq!(all.filter(|of| of["status"] == "present").count(), 101);
    // Its newest table is in no header here.
    let found = mocked(&[("PJRT_MOCK_FUTURE", "3")], &[]);
    found.says("note", "version-newer", &["0.117"]);
}

#[test]
fn the_mocks_faults_are_found() {
    let found = mocked(&[("PJRT_MOCK_FAULTS", "PJRT_Client_Create: missing")], &[]);
    found.says("wrong", "slot-null", &["PJRT_Client_Create"]);
    let missing = found.report["missing_safe_api"].as_array().unwrap();
    let lacks = |m: &Value| m["function"] == "PJRT_Client_Create" && m["reason"] == "null";
    assert!(missing.iter().any(lacks), "{missing:#?}");
    let found = mocked(
        &[(
            "PJRT_MOCK_FAULTS",
            "PJRT_Plugin_Initialize: error 9 no devices today",
        )],
        &[],
    );
    found.says(
        "wrong",
        "initialize-failed",
        &["code 9", "no devices today"],
    );
    let found = mocked(
        &[("PJRT_MOCK_FAULTS", "PJRT_Plugin_Attributes: error 13 lost")],
        &[],
    );
    found.says("wrong", "attributes-failed", &["code 13", "lost"]);
    let served = found.report["frameworks"].as_array().unwrap();
    let problem = &served[0]["problem"];
    assert_eq!(problem, "its PJRT_Plugin_Attributes fails");
    let fault = "PJRT_Plugin_Attributes: null attributes";
    let found = mocked(&[("PJRT_MOCK_FAULTS", fault)], &[]);
    found.says("wrong", "attribute-broken", &["at no address"]);
    // It refuses to be what it cannot read.
    let found = mocked(&[("PJRT_MOCK_FAULTS", "no fault")], &[]);
    found.says("fatal", "table-null", &[]);
}

#[test]
fn the_cpu_plugin_has_notes_alone() {
    let library = xtask::plugin_cmd::installed("cpu").unwrap();
    let found = audit(&library);
    assert_eq!(found.status, Some(0), "{:#}", found.report["findings"]);
    let report = &found.report;
    assert_eq!(report["api"], json!({"major": 0, "minor": 81}));
    assert_eq!(
        (&report["struct_size"], &report["expected_struct_size"]),
        (&json!(984), &json!(984))
    );
    found.says("note", "slots-absent", &["20 functions of 0."]);
    assert_eq!(
        report["stablehlo"],
        json!({"minimum": "0.9.0", "current": "1.13.3"})
    );
    assert_eq!(report["attributes"]["xla_version"], 2);
    let missing = report["missing_safe_api"].as_array().unwrap();
    assert!(
        missing
            .iter()
            .any(|m| m["function"] == "PJRT_Client_Load" && m["reason"] == "came with 0.95")
    );
    let served = report["frameworks"].as_array().unwrap();
    assert!(served.iter().all(|of| of["serves"] == true));
}

#[test]
fn the_text_says_what_the_json_says() {
    let library = xtask::plugin_cmd::installed("cpu").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let run = command.arg("audit").arg(library).output().unwrap();
    let text = String::from_utf8_lossy(&run.stdout);
    for line in [
        "API         0.81",
        "table       984 bytes, 984 expected",
        "functions   118 present, 20 absent",
        "StableHLO   0.9.0 to 1.13.3",
        "taken by    JAX: 0.4.30 (with ENABLE_PJRT_COMPATIBILITY=1), 0.4.38",
        "  note  slots-absent",
    ] {
        assert!(text.contains(line), "`{line}` in {text}");
    }
}
