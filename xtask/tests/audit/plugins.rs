//! Tables and chains: broken ones, the mock of other versions, a real plugin.

use super::{Audited, Scene, audit, command};
use pjrt_codegen::schema::{Schema, digest, load_file, to_text};
use serde_json::json;

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
    found.says("note", "slots-unknown", &["1 slots from (offset 1144)"]);
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
