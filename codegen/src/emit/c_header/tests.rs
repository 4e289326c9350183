use super::*;
use crate::schema::{Alias, Callback, EnumValue, Macro, Opaque, Param};

fn field(ty: &str, name: &str) -> Field {
    Field {
        name: name.to_owned(),
        ty: ty.to_owned(),
        ..Field::default()
    }
}

fn signature(returns: &str, params: &[(&str, &str)]) -> Signature {
    Signature {
        returns: returns.to_owned(),
        params: params
            .iter()
            .map(|(ty, name)| Param {
                name: (*name).to_owned(),
                ty: (*ty).to_owned(),
            })
            .collect(),
    }
}

#[test]
fn a_declaration_puts_the_name_where_c_wants_it() {
    assert_eq!(declare("const char*", "message"), "const char* message");
    assert_eq!(declare("int32_t[4]", "bounds"), "int32_t bounds[4]");
    assert_eq!(
        declare("PJRT_Device* const*", "devices"),
        "PJRT_Device* const* devices"
    );
    assert_eq!(
        declare("void (*)(void*)", "deleter"),
        "void (*deleter)(void*)"
    );
    assert_eq!(
        declare("void (*)(void (*)(int), void*)", "outer"),
        "void (*outer)(void (*)(int), void*)"
    );
    assert_eq!(declare("void (**)(void)", "slot"), "void (**slot)(void)");
    assert_eq!(declare("const xla::Id*", "ids"), "const xla_Id* ids");
}

#[test]
fn a_function_without_parameters_says_so() {
    assert_eq!(
        prototype(&signature("void", &[]), "(*serialize)"),
        "void (*serialize)(void)"
    );
}

#[test]
fn parameters_without_a_name_leave_no_space() {
    let signature = signature("int", &[("void*", ""), ("size_t", "n")]);
    assert_eq!(prototype(&signature, "F"), "int F(void*, size_t n)");
}

#[test]
fn types_are_declared_before_they_are_used() {
    let header = Header {
        module: "sample".to_owned(),
        macros: vec![Macro {
            name: "SAMPLE_VERSION".to_owned(),
            value: "2".to_owned(),
            line: 1,
        }],
        opaques: vec![Opaque {
            name: "Thing".to_owned(),
            line: 2,
        }],
        aliases: vec![Alias {
            name: "xla::Id".to_owned(),
            ty: "int32_t".to_owned(),
            line: 3,
        }],
        enums: vec![Enum {
            name: "Kind".to_owned(),
            repr: "int32_t".to_owned(),
            size: 4,
            line: 4,
            values: vec![EnumValue {
                name: "Kind_A".to_owned(),
                value: -1,
                line: 5,
            }],
        }],
        callbacks: vec![Callback {
            name: "OnDone".to_owned(),
            signature: signature("void", &[("Thing*", "thing")]),
            line: 6,
        }],
        structs: vec![Struct {
            name: "Sample".to_owned(),
            tag: "Sample_Tag".to_owned(),
            struct_size: Some(12),
            fields: vec![
                field("OnDone", "on_done"),
                Field {
                    members: vec![field("int", "a"), field("float", "b")],
                    ..field("union", "")
                },
            ],
            ..Struct::default()
        }],
        functions: vec![Function {
            name: "Sample_Run".to_owned(),
            signature: signature("Thing*", &[("Sample*", "args")]),
            line: 9,
            ..Function::default()
        }],
        ..Header::default()
    };
    assert_eq!(
        module(&header),
        "#define SAMPLE_VERSION 2\n\
         #define Sample_Tag_STRUCT_SIZE 12\n\
         typedef enum Kind PJRT_FACTS_WIDTH(int32_t) {\n  Kind_A = -1,\n} Kind;\n\
         typedef struct Thing Thing;\n\
         typedef struct Sample_Tag Sample_Tag;\n\
         typedef struct Sample_Tag Sample;\n\
         typedef int32_t xla_Id;\n\
         typedef void (*OnDone)(Thing* thing);\n\
         typedef Thing* Sample_Run(Sample* args);\n\
         struct Sample_Tag {\n  OnDone on_done;\n  union {\n    int a;\n    float b;\n  };\n};\n"
    );
}

#[test]
fn headers_come_after_those_that_they_use() {
    let header = |module: &str, uses: &[&str]| Header {
        module: module.to_owned(),
        uses: uses.iter().map(|&name| name.to_owned()).collect(),
        ..Header::default()
    };
    let (b, a, c) = (
        header("b", &["a"]),
        header("a", &["c"]),
        header("c", &["b"]),
    );
    let order: Vec<&str> = in_order_of_use(&[&b, &a, &c])
        .iter()
        .map(|header| header.module.as_str())
        .collect();
    assert_eq!(order, ["c", "a", "b"]);
}
