//! Headers that are not what they should be: every error is told, and nothing is half done.
#![cfg(feature = "clang")]

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const CORE: &str = "xla/pjrt/c/pjrt_c_api.h";

const GOOD: &str = r#"
#include <stddef.h>
#define PJRT_API_MAJOR 0
#define PJRT_API_MINOR 7
typedef enum { PJRT_Extension_Type_Some_Thing = 3 } PJRT_Extension_Type;
typedef struct PJRT_Extension_Base {
  size_t struct_size;
  PJRT_Extension_Type type;
  struct PJRT_Extension_Base* next;
} PJRT_Extension_Base;
"#;

/// A folder with these files.
fn set(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, bytes) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    }
    folder
}

fn extract(headers: &Path, out: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["schema", "extract", "--headers"])
        .arg(headers)
        .arg("--out")
        .arg(out)
        .output()
        .expect("the command starts")
}

/// Extracts, expects exit status 1 and no file, and gives what was said.
fn refused(headers: &Path) -> String {
    let out = tempfile::tempdir().expect("a temporary folder");
    let file = out.path().join("out.json");
    let output = extract(headers, &file);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let left = std::fs::read_dir(out.path()).expect("readable").count();
    assert_eq!(left, 0, "a file was left behind");
    said
}

#[test]
fn a_small_set_is_read() {
    let extension = br#"
#include "xla/pjrt/c/pjrt_c_api.h"
#define PJRT_API_SOME_THING_EXTENSION_VERSION 2
struct PJRT_Do_Args {
  size_t struct_size;
  bool done;  // out
};
typedef void PJRT_Do(PJRT_Do_Args* args);
typedef struct PJRT_SomeThing_Extension {
  PJRT_Extension_Base base;
  PJRT_Do* go;
} PJRT_SomeThing_Extension;
"#;
    let path = "xla/pjrt/c/pjrt_c_api_some_thing_extension.h";
    let folder = set(&[(CORE, GOOD.as_bytes()), (path, extension)]);
    let out = folder.path().join("out.json");
    let output = extract(folder.path(), &out);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let schema = pjrt_codegen::schema::load_file(&out).expect("a good schema");
    let header = &schema.headers[1];
    let extension = header.extension.as_ref().expect("an extension");
    assert_eq!(
        (header.module.as_str(), extension.number),
        ("some_thing", 3)
    );
    assert_eq!(
        (extension.version, header.functions[0].offset),
        (Some(2), 24)
    );
    assert_eq!(
        header.structs[0].fields[1].dir,
        Some(pjrt_codegen::schema::Direction::Out)
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let said = refused(Path::new("/nowhere/at/all"));
    assert!(said.contains("/nowhere/at/all: error[H007]"), "{said}");
    assert!(said.contains("the folder does not exist"), "{said}");
}

#[test]
fn a_folder_without_the_main_header_is_no_set() {
    let folder = set(&[("readme.txt", b"hello")]);
    let said = refused(folder.path());
    assert!(
        said.contains("`xla/pjrt/c/pjrt_c_api.h` is not in it"),
        "{said}"
    );
}

#[test]
fn a_header_of_something_else_states_no_version() {
    let folder = set(&[(CORE, b"typedef struct Other { int x; } Other;\n")]);
    let said = refused(folder.path());
    assert!(
        said.contains("error[H007]: the main header states no version"),
        "{said}"
    );
}

#[test]
fn syntax_errors_of_several_headers_are_told_together() {
    let one = "xla/pjrt/c/pjrt_c_api_one_extension.h";
    let two = "xla/pjrt/extensions/two/two_extension.h";
    let folder = set(&[
        (CORE, GOOD.as_bytes()),
        (one, b"struct A {\n  size_tt x;\n};\n"),
        (two, b"\n\nstruct B { int x }\n"),
    ]);
    let said = refused(folder.path());
    assert!(said.contains(&format!("{one}:2:3: error[H001]")), "{said}");
    assert!(said.contains(&format!("{two}:3:")), "{said}");
}

#[test]
fn what_cannot_be_read_is_told_for_each_file() {
    let one = "xla/pjrt/c/pjrt_c_api_one_extension.h";
    let two = "xla/pjrt/c/pjrt_c_api_two_extension.h";
    let folder = set(&[
        (CORE, GOOD.as_bytes()),
        (one, b"// \xff"),
        (two, b"// \xfe"),
    ]);
    let said = refused(folder.path());
    assert!(said.contains(one) && said.contains(two), "{said}");
    assert_eq!(said.matches("error[H003]").count(), 2, "{said}");
}

#[test]
fn a_table_without_an_extension_type_is_an_error() {
    let extension = br#"
#include "xla/pjrt/c/pjrt_c_api.h"
typedef struct PJRT_Other_Extension {
  PJRT_Extension_Base base;
} PJRT_Other_Extension;
"#;
    let path = "xla/pjrt/c/pjrt_c_api_other_extension.h";
    let folder = set(&[(CORE, GOOD.as_bytes()), (path, extension)]);
    let said = refused(folder.path());
    assert!(said.contains(&format!("{path}: error[H004]")), "{said}");
}

#[test]
fn a_file_changed_since_it_was_obtained_is_refused() {
    let folder = set(&[
        (CORE, GOOD.as_bytes()),
        (
            "SOURCE.json",
            br#"{"source": {"kind": "package", "name": "p", "revision": "1"},
                "files": [{"path": "xla/pjrt/c/pjrt_c_api.h", "sha256": "00"}]}"#,
        ),
    ]);
    let said = refused(folder.path());
    assert!(
        said.contains("error[H009]: not the file that was obtained"),
        "{said}"
    );
}
