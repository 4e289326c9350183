//! Files that no loader takes.

use super::{Audited, Scene, audit, command};

#[test]
fn what_is_no_library_is_told_by_what_it_is() {
    let scene = Scene::new();
    audit(&scene.path("none.so")).says("fatal", "file-missing", &["none.so", "there is nothing"]);
    audit(scene.0.path()).says("fatal", "file-directory", &["give the library in it"]);
    for (name, bytes, what) in [
        ("a.so", &b"#!/bin/sh\n"[..], "a script"),
        ("b.so", b"just words\n", "a text file"),
        ("c.so", b"", "an empty file"),
        ("d.so", b"PK\x03\x04rest", "a zip archive"),
        ("e.so", b"!<arch>\n", "a static library"),
        ("f.so", b"MZ\x90\0", "a library for Windows"),
        ("g.so", b"\xcf\xfa\xed\xfe\x0c", "a library for macOS"),
        ("h.so", b"\x01\x02\x03", "another format"),
    ] {
        let path = scene.write(name, bytes);
        let audited = audit(&path);
        audited.says("fatal", "file-kind", &[what]);
        assert_eq!(audited.status, Some(3));
    }
}

#[test]
fn a_name_that_is_not_installed_is_told_with_the_command_that_installs_it() {
    audit("acme".as_ref()).says("fatal", "plugin-not-found", &["plugin install acme"]);
}

/// The first bytes of a library.
fn header(class: u8, order: u8, kind: u8, machine: u16) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', class, order, 1];
    bytes.resize(64, 0);
    let machine = match order {
        2 => machine.to_be_bytes(),
        _ => machine.to_le_bytes(),
    };
    bytes[18..20].copy_from_slice(&machine);
    bytes[if order == 2 { 17 } else { 16 }] = kind;
    bytes
}

/// This machine, as ELF numbers it.
const OWN: u16 = if cfg!(target_arch = "aarch64") {
    183
} else {
    62
};

#[test]
#[cfg(target_os = "linux")]
fn a_library_for_another_machine_is_told_by_its_header() {
    let scene = Scene::new();
    let own = std::env::consts::ARCH;
    let other = if OWN == 62 { 183 } else { 62 };
    for (bytes, code, words) in [
        (header(1, 1, 3, 3), "elf-32-bit", ["32-bit x86", own]),
        (header(1, 1, 3, 40), "elf-32-bit", ["32-bit ARM", own]),
        (header(2, 2, 3, 21), "elf-machine", ["64-bit PowerPC", own]),
        (header(2, 1, 3, other), "elf-machine", ["one for", own]),
        (
            header(2, 1, 1, OWN),
            "elf-kind",
            ["an object file", "-shared"],
        ),
        (header(2, 1, 2, OWN), "elf-kind", ["a program", "-shared"]),
        (
            header(2, 1, 3, OWN)[..20].to_vec(),
            "elf-truncated",
            ["which", "again"],
        ),
        (
            header(2, 1, 3, OWN)[..10].to_vec(),
            "elf-truncated",
            ["first header", "again"],
        ),
    ] {
        let path = scene.write("header.so", &bytes);
        audit(&path).says("fatal", code, &words);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_library_that_was_cut_off_is_told_before_it_is_loaded() {
    let scene = Scene::new();
    let whole = std::fs::read(scene.plugin("")).unwrap();
    for length in [whole.len() - 1, whole.len() / 2, 4096, 100] {
        let path = scene.write("cut.so", &whole[..length]);
        audit(&path).says("fatal", "elf-truncated", &["copy or download it again"]);
    }
}

#[test]
fn a_library_without_the_entry_is_no_plugin() {
    let scene = Scene::new();
    let path = scene.library("plugin.so", "int other(void) { return 1; }", &[]);
    audit(&path).says("fatal", "no-entry", &["GetPjrtApi", "export it"]);
}

#[test]
#[cfg(target_os = "linux")]
fn the_library_that_is_missing_is_named_with_who_needs_it() {
    let scene = Scene::new();
    let folder = scene.0.path().display().to_string();
    let paths = [format!("-L{folder}"), format!("-Wl,-rpath,{folder}")];
    let [here, run] = paths.each_ref().map(String::as_str);
    let deep = scene.library("libdeep.so", "int deep(void) { return 1; }", &[]);
    let between = "int deep(void); int between(void) { return deep(); }";
    scene.library("libbetween.so", between, &[here, run, "-ldeep"]);
    let code = "int between(void); void *GetPjrtApi(void) { between(); return 0; }";
    let path = scene.library("plugin.so", code, &[here, run, "-lbetween"]);
    std::fs::remove_file(deep).unwrap();
    let found = audit(&path);
    found.says(
        "fatal",
        "dependency-missing",
        &["libdeep.so", "(libbetween.so", "LD_LIBRARY_PATH"],
    );
    std::fs::remove_file(scene.path("libbetween.so")).unwrap();
    let found = audit(&path);
    found.says(
        "fatal",
        "dependency-missing",
        &["libbetween.so", "names it as needed"],
    );
    assert_eq!(found.report["needed"][0], "libbetween.so");
}

#[test]
#[cfg(target_os = "linux")]
fn a_symbol_that_nobody_has_is_named() {
    let scene = Scene::new();
    let code = "extern int nowhere; void *GetPjrtApi(void) { return &nowhere; }";
    let path = scene.library("plugin.so", code, &[]);
    audit(&path).says("fatal", "load-symbol", &["nowhere"]);
}

#[test]
fn wrong_usage_is_another_status_than_a_broken_plugin() {
    for arguments in [&["--timeout", "0"][..], &["--timeout", "x"], &["--bogus"]] {
        let run = command("a.so".as_ref(), arguments).output().unwrap();
        assert_eq!(run.status.code(), Some(2), "{arguments:?}");
    }
    let scene = Scene::new();
    let schema = scene.write("schema.json", b"{}");
    let schema = schema.display().to_string();
    let run = command(&scene.plugin(""), &["--schema", &schema])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(2), "a file that the audit needs");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("schema.json"), "{said}");
}

#[test]
fn a_whole_plugin_has_notes_alone() {
    let scene = Scene::new();
    let found: Audited = audit(&scene.plugin(""));
    assert_eq!(found.status, Some(0), "{:#}", found.report["findings"]);
    let report = &found.report;
    assert_eq!(report["api"], serde_json::json!({"major": 0, "minor": 114}));
    assert_eq!(
        (&report["struct_size"], &report["expected_struct_size"]),
        (&1144.into(), &1144.into())
    );
    assert_eq!(report["functions"].as_array().unwrap().len(), 138);
    let node = &report["extensions"][0];
    assert_eq!(
        (&node["type"], &node["name"], &node["expected"]),
        (&4.into(), &"Layouts".into(), &80.into())
    );
}
