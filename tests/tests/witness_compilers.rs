//! Compilers as witnesses: the facts, stated as assertions, must hold for a C++ compiler that
//! reads the real headers, for a C compiler that reads the declarations rendered from the facts,
//! and for rustc with the raw bindings.

mod witness;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use pjrt_codegen::emit::witness as render;
use pjrt_codegen::schema::{Header, Schema};
use witness::older::OLDER;
use witness::{compiler, facts, headers, refused, repository, skip};

/// Makes the facts wrong: a size and an offset of `PJRT_Client_Create_Args`.
fn perturb(facts: &mut [Schema]) -> [&'static str; 2] {
    let item = facts
        .iter_mut()
        .flat_map(|schema| &mut schema.headers)
        .flat_map(|header| &mut header.structs)
        .find(|item| item.name == "PJRT_Client_Create_Args")
        .expect("the struct is in the facts");
    item.size += 8;
    let field = item
        .fields
        .iter_mut()
        .find(|field| field.name == "client")
        .expect("the field is in the facts");
    field.offset += 8;
    ["PJRT_Client_Create_Args", "PJRT_Client_Create_Args::client"]
}

fn set<'a>(labels: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    labels.into_iter().map(str::to_owned).collect()
}

/// Sets of headers that `cargo xtask headers` fetched, and the one that `PJRT_HEADERS` names.
fn header_sets() -> Vec<PathBuf> {
    let mut sets: Vec<PathBuf> = std::env::var_os("PJRT_HEADERS")
        .map(PathBuf::from)
        .into_iter()
        .collect();
    if let Ok(entries) = xtask::paths::target().join("headers").read_dir() {
        sets.extend(entries.flatten().map(|entry| entry.path()));
    }
    sets.retain(|set| set.join("xla/pjrt/c/pjrt_c_api.h").is_file());
    sets.sort();
    sets
}

fn minor(set: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(set.join("xla/pjrt/c/pjrt_c_api.h")).ok()?;
    let rest = text.split("#define PJRT_API_MINOR ").nth(1)?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Whether a header of the set is what the facts are about: the same file, or, in a set that is
/// known to be older, one that gives itself the same version.
fn comparable(set: &Path, header: &Header, older: bool) -> bool {
    let path = set.join(&header.path);
    let Ok(text) = std::fs::read_to_string(&path) else {
        return false;
    };
    let mut versions = header
        .macros
        .iter()
        .filter(|item| item.name.ends_with("_API_MINOR"));
    let same =
        versions.all(|item| text.contains(&format!("#define {} {}\n", item.name, item.value)));
    let comparable = if older {
        same
    } else {
        sha256(&path).as_ref() == Some(&header.sha256)
    };
    if !comparable {
        eprintln!("{} is another version in {}", header.path, set.display());
    }
    comparable
}

fn sha256(path: &Path) -> Option<String> {
    Some(pjrt_codegen::schema::sha256(&std::fs::read(path).ok()?))
}

/// Runs the C++ compiler over the assertions, with XLA's C++ headers replaced by two typedefs.
fn refused_by_cpp(compiler: &str, set: &Path, headers: &[&Header]) -> BTreeSet<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let standins = folder.path().join("standins/xla/pjrt");
    std::fs::create_dir_all(&standins).expect("a temporary folder");
    let client = "#pragma once\n#include <stdint.h>\nnamespace xla {\n\
        typedef int32_t GlobalDeviceId;\ntypedef int64_t CrossHostTransferKey;\n\
        struct PjRtCrossHostRecvNotifier;\nstruct PjRtBuffer { struct RemoteSendCallback; };\n}\n";
    std::fs::write(standins.join("pjrt_client.h"), client).expect("a temporary file");
    std::fs::write(standins.join("pjrt_common.h"), "").expect("a temporary file");
    refused(
        Command::new(compiler)
            .args([
                "-std=c++17",
                "-fsyntax-only",
                "-w",
                "-x",
                "c++",
                "-I",
                "standins",
                "-I",
            ])
            .arg(set.canonicalize().expect("the folder of headers")),
        folder.path(),
        "facts.cpp",
        &render::cpp(headers),
    )
}

#[test]
fn the_real_headers_agree_with_the_facts() {
    let Some(compiler) = compiler("CXX", &["c++", "g++", "clang++"]) else {
        return skip("the_real_headers_agree_with_the_facts", "no C++ compiler");
    };
    let mut facts = facts();
    let mut heard = 0;
    for folder in header_sets() {
        let Some(schema) = facts
            .iter()
            .find(|schema| minor(&folder) == Some(schema.minor))
        else {
            continue;
        };
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let older = OLDER.iter().find(|(set, _)| name.starts_with(set));
        let headers: Vec<&Header> = schema
            .headers
            .iter()
            .filter(|header| comparable(&folder, header, older.is_some()))
            .collect();
        if headers.is_empty() {
            continue;
        }
        heard += 1;
        eprintln!(
            "{name}: {} of {} headers",
            headers.len(),
            schema.headers.len()
        );
        let expected = older.map_or(&[] as &[&str], |(_, labels)| labels);
        let labels = refused_by_cpp(&compiler, &folder, &headers);
        assert_eq!(
            labels,
            set(expected.iter().copied()),
            "differences of {name}"
        );
    }
    if heard == 0 {
        return skip(
            "the_real_headers_agree_with_the_facts",
            "no headers of that minor in target/headers; `cargo xtask headers` fetches them",
        );
    }

    // The same compiler must refuse facts that are wrong.
    let wrong = perturb(&mut facts);
    let core: Vec<&Header> = headers(&facts).into_iter().take(1).collect();
    let folder = header_sets()
        .into_iter()
        .find(|set| minor(set) == Some(facts[0].minor));
    let labels = refused_by_cpp(&compiler, &folder.expect("heard above"), &core);
    assert!(labels.is_superset(&set(wrong)), "{labels:?}");
}

#[test]
fn a_c_compiler_agrees_about_the_rendered_declarations() {
    let Some(compiler) = compiler("CC", &["cc", "gcc", "clang"]) else {
        return skip(
            "a_c_compiler_agrees_about_the_rendered_declarations",
            "no C compiler",
        );
    };
    let mut facts = facts();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |facts: &[Schema]| {
        refused(
            Command::new(&compiler).args([
                "-std=c11",
                "-fsyntax-only",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-x",
                "c",
            ]),
            folder.path(),
            "facts.c",
            &render::c(&headers(facts)),
        )
    };
    assert_eq!(run(&facts), BTreeSet::new());
    let wrong = perturb(&mut facts);
    assert_eq!(run(&facts), set(wrong));
}

#[test]
fn rustc_agrees_about_the_raw_bindings() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = Command::new(&rustc)
        .args([
            "--edition=2024",
            "--crate-type=rlib",
            "--crate-name=pjrt_sys",
            "--emit=metadata",
            "-Awarnings",
        ])
        .arg("--out-dir")
        .arg(folder.path())
        .arg(repository().join("pjrt-sys/src/lib.rs"))
        .status()
        .expect("rustc runs");
    assert!(library.success(), "pjrt-sys compiles");
    let run = |facts: &[Schema]| {
        let source = folder.path().join("layout.rs");
        std::fs::write(&source, render::rust(&headers(facts))).expect("a temporary file");
        let output = Command::new(&rustc)
            .args(["--edition=2024", "--test", "--emit=metadata", "-Awarnings"])
            .arg("--extern=pjrt_sys=libpjrt_sys.rmeta")
            .arg(&source)
            .current_dir(folder.path())
            .output()
            .expect("rustc runs");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let mut facts = facts();
    let (agrees, errors) = run(&facts);
    assert!(agrees, "{errors}");
    let wrong = perturb(&mut facts);
    let (agrees, errors) = run(&facts);
    assert!(!agrees, "expected rustc to refuse wrong facts");
    for label in wrong {
        assert!(errors.contains(label), "{label} in {errors}");
    }
}

#[test]
fn the_checked_in_layout_test_is_that_of_the_facts() {
    let path = repository().join("pjrt-sys/tests/layout.rs");
    let text = std::fs::read_to_string(&path).expect("the file is checked in");
    let (_, body) = text.split_once('\n').expect("a first line");
    let facts = facts();
    assert!(
        body == render::rust(&headers(&facts)),
        "pjrt-sys/tests/layout.rs is stale: run `cargo xtask codegen`"
    );
}
