//! The facts about the bell's header, as the extractor makes them.

use pjrt_codegen::schema::{self, Schema, Source};
use pjrt_codegen::vendor::{Revisions, revisions};
use std::path::{Path, PathBuf};
use xtask::headers::HeaderSet;
use xtask::headers::set::MAIN;

const HEADER: &str = include_str!("bell_extension.h");
const PRELUDE: &str = include_str!("../../fixtures/prelude.h");

/// What the bell's header uses of the main one.
const REST: &str = "
typedef struct PJRT_Buffer PJRT_Buffer;
typedef struct PJRT_Client PJRT_Client;
typedef struct PJRT_Device PJRT_Device;
typedef struct PJRT_Api {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
} PJRT_Api;
";

/// The facts of a revision.
fn extract(revision: u32) -> Schema {
    xtask::libclang::ensure(&xtask::paths::target()).unwrap();
    let place = tempfile::tempdir().unwrap();
    let number = "PJRT_Extension_Type_Bell = 2000,\n} PJRT_Extension_Type;";
    let main = PRELUDE.replace("} PJRT_Extension_Type;", number) + REST;
    let header = format!("#define BELL_REVISION {revision}\n{HEADER}");
    for (path, text) in [
        (MAIN, main),
        ("xla/pjrt/c/pjrt_c_api_bell_extension.h", header),
    ] {
        let path = place.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let mut set = HeaderSet::open(place.path()).unwrap();
    set.source = Source {
        kind: "directory".to_owned(),
        ..Source::default()
    };
    let mut facts = xtask::clang::extract(&set, &[]).unwrap_or_else(|faults| panic!("{faults}"));
    facts.headers.retain(|header| header.module == "bell");
    let header = facts.headers.first_mut().expect("the bell's header");
    header.path = "bell_extension.h".to_owned();
    facts
}

#[test]
fn the_facts_are_those_of_the_header() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/extension_server");
    let history = Revisions(vec![extract(1)]);
    let mut wrong = Vec::new();
    for (name, text) in [
        ("bell.json", schema::to_text(&extract(2))),
        ("bell.history.json", revisions::write(&history)),
    ] {
        let there = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        let made: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if there != text {
            std::fs::write(&made, text).unwrap();
            wrong.push(made);
        }
    }
    assert!(wrong.is_empty(), "not of the header; copy {wrong:?}");
}
