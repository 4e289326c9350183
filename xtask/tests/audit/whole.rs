//! Whole plugins: the mock of every age and with faults, and the CPU plugin.

use super::{Audited, audit, command};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

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

#[test]
fn the_safe_library_sees_the_same_and_reports_what_is_listed_as_missing() {
    let library = xtask::plugin_cmd::installed("cpu").unwrap();
    let report = audit(&library).report;
    let plugin = pjrt::Plugin::load(&library).unwrap();
    let seen = plugin.extensions();
    let seen: Vec<Value> = seen
        .iter()
        .map(|node| json!([node.kind.as_raw().0, node.size]))
        .collect();
    let told = report["extensions"].as_array().unwrap().iter();
    let told: Vec<Value> = told.map(|n| json!([n["type"], n["struct_size"]])).collect();
    assert_eq!(seen, told);
    let range = plugin.stablehlo_versions().unwrap().unwrap();
    assert_eq!(report["stablehlo"]["current"], range.current.to_string());
    let missing = report["missing_safe_api"].as_array().unwrap();
    let lists = |method: &str| missing.iter().any(|m| m["method"] == method);
    let client = plugin.create_client(&pjrt::ClientOptions::new()).unwrap();
    assert!(!lists("pjrt::Client::platform_version"));
    client.platform_version().unwrap();
    let topology = client.topology_description().unwrap();
    assert!(lists("pjrt::TopologyDescription::fingerprint"));
    let error = topology.fingerprint().unwrap_err();
    assert!(
        matches!(error, pjrt::Error::Unimplemented { .. }),
        "{error}"
    );
}
