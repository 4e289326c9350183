//! Small made-up headers.

use super::super::*;
use super::one;
use crate::history::Renames;
use crate::schema::{
    self, Enum, EnumValue, Field, Function, Header, Param, Schema, Signature, Struct, StructKind,
};

fn field(name: &str, ty: &str, at: u64) -> Field {
    Field {
        name: name.to_string(),
        ty: ty.to_string(),
        offset: at,
        size: 8,
        ..Field::default()
    }
}

fn structure(name: &str, kind: StructKind, fields: &[(&str, &str)]) -> Struct {
    let fields: Vec<Field> = (0u64..)
        .zip(fields)
        .map(|(i, (n, ty))| field(n, ty, i * 8))
        .collect();
    let size = fields.len() as u64 * 8;
    Struct {
        name: name.to_string(),
        kind,
        size,
        align: 8,
        struct_size: Some(size),
        fields,
        ..Struct::default()
    }
}

/// A main header with a table of these functions, each with the struct of its arguments.
struct Small {
    schema: Schema,
}

impl Small {
    fn new(minor: u32, functions: &[&str]) -> Self {
        let mut slots = vec![("struct_size", "size_t")];
        let types: Vec<String> = functions.iter().map(|f| format!("{f}*")).collect();
        slots.extend(
            functions
                .iter()
                .copied()
                .zip(types.iter().map(String::as_str)),
        );
        let mut header = Header {
            module: "core".to_string(),
            structs: vec![structure("PJRT_Api", StructKind::Api, &slots)],
            ..Header::default()
        };
        header.functions = (1u32..)
            .zip(functions)
            .map(|(index, name)| Function {
                name: (*name).to_string(),
                signature: Signature {
                    returns: "PJRT_Error*".to_string(),
                    params: vec![Param {
                        name: "args".to_string(),
                        ty: format!("{name}_Args*"),
                    }],
                },
                args: Some(format!("{name}_Args")),
                table: "PJRT_Api".to_string(),
                slot: (*name).to_string(),
                index,
                offset: u64::from(index) * 8,
                ..Function::default()
            })
            .collect();
        let schema = Schema {
            minor,
            headers: vec![header],
            ..Schema::default()
        };
        Self { schema }
    }

    fn header(&mut self) -> &mut Header {
        &mut self.schema.headers[0]
    }

    fn args(mut self, of: &str, fields: &[(&str, &str)]) -> Self {
        let name = format!("{of}_Args");
        let all: Vec<_> = [("struct_size", "size_t")]
            .iter()
            .chain(fields)
            .copied()
            .collect();
        self.header()
            .structs
            .push(structure(&name, StructKind::Args, &all));
        self
    }

    fn plain(mut self, name: &str, fields: &[(&str, &str)]) -> Self {
        self.header()
            .structs
            .push(structure(name, StructKind::Value, fields));
        self
    }

    fn values(mut self, values: &[(&str, i64)]) -> Self {
        let value = |(name, value): &(&str, i64)| EnumValue {
            name: (*name).to_string(),
            value: *value,
            line: 1,
        };
        self.header().enums.push(Enum {
            name: "PJRT_E".to_string(),
            repr: "int32_t".to_string(),
            size: 4,
            values: values.iter().map(value).collect(),
            ..Enum::default()
        });
        self
    }
}

fn compared(old: &Small, new: &Small, renames: &str) -> Diff {
    let renames = Renames::parse("renames.toml", renames).expect("valid");
    diff(
        &History::default(),
        &renames,
        &Methods::default(),
        Input::Schema(&old.schema, "old.json"),
        Input::Schema(&new.schema, "new.json"),
    )
}

const A: (&str, &str) = ("a", "int64_t");
const B: (&str, &str) = ("b", "const char*");
const C: (&str, &str) = ("c", "PJRT_S*");

#[test]
fn a_function_at_the_end_is_appended_and_one_inside_breaks() {
    let old = Small::new(1, &["PJRT_F", "PJRT_G"]);
    let diff = compared(&old, &Small::new(2, &["PJRT_F", "PJRT_G", "PJRT_H"]), "");
    assert_eq!(one(&diff, What::Added, "PJRT_H").class, Class::Appended);
    assert_eq!(diff.class(), Some(Class::Appended));
    assert_eq!(diff.semver().level, Level::Minor);
    let diff = compared(&old, &Small::new(2, &["PJRT_F", "PJRT_H", "PJRT_G"]), "");
    assert_eq!(one(&diff, What::Added, "PJRT_H").class, Class::Breaking);
    let moved = one(&diff, What::Moved, "PJRT_G");
    assert_eq!(moved.values, Some(("16".to_string(), "24".to_string())));
    assert_eq!(moved.class, Class::Breaking);
}

#[test]
fn a_field_at_the_end_is_appended_if_the_struct_states_its_size() {
    let old = Small::new(1, &["PJRT_F"])
        .args("PJRT_F", &[A, C])
        .plain("PJRT_S", &[A]);
    let new = Small::new(1, &["PJRT_F"])
        .args("PJRT_F", &[A, C, B])
        .plain("PJRT_S", &[A]);
    let diff = compared(&old, &new, "");
    let field = one(&diff, What::Added, "PJRT_F_Args.b");
    assert_eq!(
        (field.class, field.functions.as_slice()),
        (Class::Appended, &["PJRT_F".to_string()][..])
    );
    let new = Small::new(1, &["PJRT_F"])
        .args("PJRT_F", &[A, C])
        .plain("PJRT_S", &[A, B]);
    let diff = compared(&old, &new, "");
    let field = one(&diff, What::Added, "PJRT_S.b");
    // The arguments lead to it.
    assert_eq!(
        (field.class, field.functions.as_slice()),
        (Class::Breaking, &["PJRT_F".to_string()][..])
    );
}

#[test]
fn other_types_break_and_other_spellings_do_not() {
    let with = |ty| Small::new(1, &["PJRT_F"]).args("PJRT_F", &[("a", ty)]);
    let class = |old, new| {
        let diff = compared(&with(old), &with(new), "");
        let change = one(&diff, What::Changed, "PJRT_F_Args.a");
        (change.class, diff.semver().level)
    };
    assert_eq!(
        class("char*", "const char*"),
        (Class::Compatible, Level::Patch)
    );
    assert_eq!(class("int64_t", "double"), (Class::Breaking, Level::Major));
}

#[test]
fn values_are_classed_by_their_numbers() {
    let old = Small::new(1, &[]).values(&[("X", 0), ("Y", 5)]);
    let class = |values: &[(&str, i64)], what, name| {
        let diff = compared(&old, &Small::new(1, &[]).values(values), "");
        one(&diff, what, name).class
    };
    assert_eq!(
        class(&[("X", 0), ("Y", 5), ("Z", 6)], What::Added, "Z"),
        Class::Appended
    );
    assert_eq!(
        class(&[("X", 0), ("Y", 5), ("Z", 3)], What::Added, "Z"),
        Class::Compatible
    );
    assert_eq!(
        class(&[("X", 0), ("Y", 6), ("Z", 5)], What::Added, "Z"),
        Class::Breaking
    );
    assert_eq!(
        class(&[("X", 0), ("Y", 6), ("Z", 5)], What::Moved, "Y"),
        Class::Breaking
    );
    assert_eq!(class(&[("X", 0)], What::Removed, "Y"), Class::Breaking);
}

#[test]
fn a_constant_that_was_corrected_is_compatible() {
    let mut old = Small::new(1, &["PJRT_F"]);
    old.header().structs[0].struct_size = Some(8);
    let diff = compared(&old, &Small::new(1, &["PJRT_F"]), "");
    let table = one(&diff, What::Resized, "PJRT_Api");
    assert_eq!(
        (table.class, diff.semver().level),
        (Class::Compatible, Level::Patch)
    );
    let values = ("STRUCT_SIZE 8".to_string(), "STRUCT_SIZE 16".to_string());
    assert_eq!(table.values, Some(values));
}

#[test]
fn a_rename_counts_once_if_it_is_confirmed_and_is_two_changes_else() {
    let old = Small::new(1, &["PJRT_F"]).args("PJRT_F", &[A]);
    let new = Small::new(1, &["PJRT_F"]).args("PJRT_F", &[("z", "int64_t")]);
    let rule = "[[rename]]\nwhat = \"field\"\nof = \"PJRT_F_Args\"\nfrom = \"a\"\nto = \"z\"\nwhy = \"w\"\n";
    let diff = compared(&old, &new, rule);
    assert_eq!(diff.changes.len(), 1);
    let renamed = one(&diff, What::Renamed, "PJRT_F_Args.z");
    assert_eq!(renamed.values, Some(("a".to_string(), "z".to_string())));
    assert_eq!(
        (renamed.class, diff.semver().level),
        (Class::Compatible, Level::Major)
    );
    let diff = compared(&old, &new, "");
    assert_eq!(
        one(&diff, What::Removed, "PJRT_F_Args.a").class,
        Class::Breaking
    );
    assert_eq!(
        one(&diff, What::Added, "PJRT_F_Args.z").class,
        Class::Breaking
    );
}

#[test]
fn headers_that_a_schema_lacks_are_told() {
    let old = Small::new(1, &["PJRT_F"]);
    let mut new = Small::new(1, &["PJRT_F"]);
    new.schema.headers.push(Header {
        module: "thing".to_string(),
        structs: vec![structure("PJRT_Thing", StructKind::Value, &[A])],
        ..Header::default()
    });
    let diff = compared(&old, &new, "");
    assert_eq!(one(&diff, What::Added, "PJRT_Thing").module, "thing");
    assert_eq!(diff.notes.len(), 1);
    assert!(
        diff.notes[0].contains("old.json") && diff.notes[0].contains("thing"),
        "{:?}",
        diff.notes
    );
}

#[test]
fn two_layouts_under_one_minor_are_told() {
    let old = Small::new(5, &["PJRT_F"]);
    let diff = compared(&old, &Small::new(5, &["PJRT_F", "PJRT_G"]), "");
    assert!(diff.notes[0].contains("both say 0.5"), "{:?}", diff.notes);
    assert!(
        compared(&old, &Small::new(6, &["PJRT_F", "PJRT_G"]), "")
            .notes
            .is_empty()
    );
}

#[test]
fn another_major_breaks_whatever_it_declares() {
    let old = Small::new(5, &["PJRT_F"]);
    let mut new = Small::new(5, &["PJRT_F"]);
    new.schema.major = 1;
    let diff = compared(&old, &new, "");
    assert_eq!(
        (diff.class(), diff.semver().level),
        (Some(Class::Breaking), Level::Major)
    );
    assert!(text(&diff).contains("PJRT 0.5 (old.json) -> 1.5 (new.json)"));
    assert!(diff.notes[0].contains("another major"), "{:?}", diff.notes);
}

#[test]
fn the_same_headers_do_not_differ() {
    let small = Small::new(1, &["PJRT_F"]).args("PJRT_F", &[A, B]);
    let diff = compared(&small, &small, "");
    assert_eq!((diff.class(), diff.changes.len()), (None, 0));
    assert_eq!(json(&diff)["class"], "none");
    assert!(text(&diff).contains("nothing differs"));
}

#[test]
fn the_markdown_of_a_small_diff() {
    let old = Small::new(7, &["PJRT_F", "PJRT_G"])
        .args("PJRT_F", &[A])
        .args("PJRT_G", &[A, B])
        .values(&[("PJRT_E_X", 0)]);
    let mut new = Small::new(8, &["PJRT_F", "PJRT_G", "PJRT_H"])
        .args("PJRT_F", &[A, B])
        .args("PJRT_G", &[("a", "void*")])
        .args("PJRT_H", &[])
        .values(&[("PJRT_E_X", 0), ("PJRT_E_Y", 1)]);
    new.header().digest = schema::digest(new.header());
    let text = markdown(&compared(&old, &new, ""));
    assert_eq!(text, include_str!("small.md"), "\n{text}");
}
