//! The writer and the loader against each other, and against files that somebody has touched.

use super::*;

/// The text of the checked-in facts: `schema/` has one file of them.
pub(crate) fn checked_in() -> &'static str {
    static TEXT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    TEXT.get_or_init(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema");
        let entries = std::fs::read_dir(folder).expect("the folder").flatten();
        let named = |path: &std::path::PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("pjrt-")
        };
        let mut files = entries.map(|entry| entry.path()).filter(named);
        let file = files.next().expect("the facts");
        assert_eq!(files.next(), None, "two files of facts");
        std::fs::read_to_string(file).expect("it is read")
    })
}

const EXTRA: &str = include_str!("../../../schema/extra/host_allocator.json");

/// A small schema with one of everything.
fn small() -> Schema {
    let field = |name: &str, ty: &str, offset, size| Field {
        name: name.to_string(),
        ty: ty.to_string(),
        offset,
        size,
        line: 7,
        ..Field::default()
    };
    let mut union = field("", "union", 8, 8);
    union.members = vec![field("a", "int64_t", 8, 8), field("b", "bool", 8, 1)];
    union.tag = "kind".to_string();
    let mut kind = field("kind", "Kind", 0, 4);
    kind.dir = Some(Direction::InOut);
    kind.optional = true;
    let mut deleter = field("deleter", "void (*)(void*)", 16, 8);
    deleter.signature = Some(Signature {
        returns: "void".to_string(),
        params: vec![Param {
            name: String::new(),
            ty: "void*".to_string(),
        }],
    });
    let args = Struct {
        name: "F_Args".to_string(),
        tag: String::new(),
        kind: StructKind::Args,
        size: 24,
        align: 8,
        struct_size: Some(24),
        line: 6,
        fields: vec![kind, union, deleter],
    };
    let mut slot = field("f", "F*", 24, 8);
    slot.slot = Some(Slot::Function);
    let table = Struct {
        name: "Table".to_string(),
        tag: "Table".to_string(),
        kind: StructKind::Api,
        size: 32,
        align: 8,
        line: 20,
        fields: vec![field("struct_size", "size_t", 0, 8), slot],
        ..Struct::default()
    };
    let mut header = Header {
        module: "core".to_string(),
        path: "a/b.h".to_string(),
        sha256: "0".repeat(64),
        source: Source {
            kind: "directory".to_string(),
            ..Source::default()
        },
        macros: vec![Macro {
            name: "M".to_string(),
            value: "\"a\\b\"".to_string(),
            line: 1,
        }],
        opaques: vec![Opaque {
            name: "Thing".to_string(),
            line: 2,
        }],
        aliases: vec![Alias {
            name: "xla::Id".to_string(),
            ty: "int32_t".to_string(),
            line: 0,
        }],
        enums: vec![Enum {
            name: "Kind".to_string(),
            repr: "uint32_t".to_string(),
            size: 4,
            line: 3,
            values: vec![EnumValue {
                name: "Kind_a".to_string(),
                value: 0,
                line: 4,
            }],
        }],
        structs: vec![args, table],
        functions: vec![Function {
            name: "F".to_string(),
            signature: Signature {
                returns: "Thing*".to_string(),
                params: vec![Param {
                    name: "args".to_string(),
                    ty: "F_Args*".to_string(),
                }],
            },
            args: Some("F_Args".to_string()),
            table: "Table".to_string(),
            slot: "f".to_string(),
            index: 1,
            offset: 24,
            line: 15,
            ..Function::default()
        }],
        ..Header::default()
    };
    header.digest = hash(&header);
    Schema {
        major: 0,
        minor: 9,
        headers: vec![header],
    }
}

#[cfg(feature = "tools")]
fn hash(header: &Header) -> String {
    digest(header)
}

#[cfg(not(feature = "tools"))]
fn hash(_: &Header) -> String {
    "0".repeat(64)
}

/// The line that holds `needle`, from 1.
fn line_of(text: &str, needle: &str) -> u32 {
    let before = text.split(needle).next().unwrap_or("");
    u32::try_from(before.matches('\n').count() + 1).expect("a short file")
}

fn refused(text: &str) -> Vec<crate::diag::Diagnostic> {
    load("s.json", text).expect_err("it must be refused").0
}

#[test]
fn what_is_written_is_read() {
    let schema = small();
    assert_eq!(load("s.json", &to_text(&schema)), Ok(schema));
}

#[test]
fn the_checked_in_files_are_canonical() {
    for text in [checked_in(), EXTRA] {
        let schema = load("s.json", text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(to_text(&schema), text);
    }
}

#[test]
fn a_compact_value_keeps_all_but_lines_and_provenance() {
    let full = load("s.json", checked_in()).unwrap_or_else(|e| panic!("{e}"));
    let value = to_value(&full, Detail::Compact);
    let compact = from_value("m", &value, Detail::Compact).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(to_value(&compact, Detail::Compact), value);
    for (a, b) in full.headers.iter().zip(&compact.headers) {
        assert_eq!(normalised(a), normalised(b), "{}", a.module);
    }
    assert!(value.to_string().len() < 350 * 1024);
}

#[test]
fn a_truncated_file_is_refused_where_it_ends() {
    let text = to_text(&small());
    let cut = text.split("\"structs\"").next().unwrap_or("");
    let errors = refused(cut);
    assert_eq!(errors.len(), 1);
    assert_eq!(
        (errors[0].code, errors[0].line),
        ("S001", line_of(&text, "\"structs\""))
    );
}

#[test]
fn an_edited_offset_is_refused_at_its_line() {
    let text = to_text(&small());
    let edited = text.replace("\"offset\": 16", "\"offset\": 12");
    let errors = refused(&edited);
    assert_eq!(
        (errors[0].code, errors[0].line),
        ("S003", line_of(&edited, "\"offset\": 12"))
    );
    assert!(
        errors[0].to_string().contains("expected at least 16"),
        "{}",
        errors[0]
    );
}

#[cfg(feature = "tools")]
#[test]
fn an_edit_that_contradicts_nothing_still_breaks_the_digest() {
    let text = to_text(&small()).replace("Kind_a", "Kind_b");
    let errors = refused(&text);
    assert_eq!(errors.len(), 1);
    assert_eq!(
        (errors[0].code, errors[0].line),
        ("S005", line_of(&text, "\"digest\""))
    );
}

#[test]
fn an_unknown_key_is_refused_at_its_line() {
    let text = to_text(&small()).replace("\"returns\": \"Thing*\"", "\"result\": \"Thing*\"");
    let errors = refused(&text);
    let line = line_of(&text, "\"result\"");
    assert!(errors.iter().all(|e| e.code == "S002" && e.line == line));
    let shown: Vec<_> = errors.iter().map(|e| e.message.as_str()).collect();
    assert!(
        shown.iter().any(|m| m.contains("unknown key `result`")),
        "{shown:?}"
    );
    assert!(
        shown.iter().any(|m| m.contains("`returns` is missing")),
        "{shown:?}"
    );
}

#[test]
fn all_wrong_types_are_told_at_once() {
    let text = to_text(&small())
        .replace("\"align\": 8", "\"align\": \"8\"")
        .replace("\"minor\": 9", "\"minor\": -9");
    let errors = refused(&text);
    assert_eq!(errors.len(), 3);
    assert!(
        errors[0]
            .message
            .contains("minor: expected an integer in range, found -9")
    );
}

#[test]
fn another_layout_of_the_same_values_is_refused() {
    let text = to_text(&small()).replace("\"major\": 0", "\"major\":  0");
    let errors = refused(&text);
    assert_eq!((errors[0].code, errors[0].line), ("S004", 3));
    assert!(
        errors[0].message.contains("expected `\"major\": 0,`"),
        "{}",
        errors[0]
    );
}

#[test]
fn a_name_that_is_declared_nowhere_is_refused() {
    let mut schema = small();
    schema.headers[0].structs[1].fields[1].ty = "G*".to_string();
    schema.headers[0].digest = hash(&schema.headers[0]);
    let errors = refused(&to_text(&schema));
    assert!(
        errors[0].message.contains("`G` is declared nowhere"),
        "{}",
        errors[0]
    );
}

#[test]
fn a_slot_at_another_offset_is_refused() {
    let mut schema = small();
    schema.headers[0].functions[0].offset = 16;
    schema.headers[0].digest = hash(&schema.headers[0]);
    let errors = refused(&to_text(&schema));
    assert!(
        errors[0]
            .message
            .contains("no function slot `f` at offset 16"),
        "{}",
        errors[0]
    );
}

#[test]
fn the_main_header_has_the_known_counts() {
    let schema = load("s.json", checked_in()).unwrap_or_else(|e| panic!("{e}"));
    let counts = Stats::of(&schema.headers[0]).rows().map(|(_, count)| count);
    let known = [138, 164, 1046, 143, 7, 92, 20, 11, 25, 16, 0];
    if schema.minor == 114 {
        assert_eq!(counts, known);
    } else {
        // Headers grow.
        let grown = counts
            .iter()
            .zip(known)
            .take(5)
            .all(|(now, then)| *now >= then);
        assert!(grown, "{counts:?}");
    }
}

#[test]
fn every_function_of_the_main_header_takes_its_own_struct() {
    let schema = load("s.json", checked_in()).unwrap_or_else(|e| panic!("{e}"));
    for function in &schema.headers[0].functions {
        let args = format!("{}_Args", function.name);
        assert_eq!(function.args.as_deref(), Some(args.as_str()));
        assert_eq!(function.slot, function.name);
    }
}

#[test]
fn marks_do_not_change_the_digest_and_types_do() {
    let mut header = small().headers.remove(0);
    let before = normalised(&header);
    header.structs[0].fields[0].dir = None;
    header.structs[0].line = 99;
    assert_eq!(normalised(&header), before);
    header.structs[0].fields[1].members[1].ty = "char".to_string();
    assert_ne!(normalised(&header), before);
}
