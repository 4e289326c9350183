//! Renders the facts as assertions for compilers that have not seen them: one text for a C++
//! compiler with the real headers, one for a C compiler with the rendered ones, and one for Rust
//! with the raw bindings. A wrong offset anywhere is a compile error that names it.

use std::fmt::{Arguments, Write};

use super::{c_header, sys_names};
use crate::schema::{Field, Function, FunctionForm, Header, Signature, Struct};

/// Assertions in C++17 against the real headers, which the text includes: sizes, alignments,
/// offsets, the headers' own size constants, types of fields and functions, widths and values of
/// enumerations.
pub fn cpp(headers: &[&Header]) -> String {
    let mut text =
        String::from("#include <stddef.h>\n#include <stdint.h>\n#include <type_traits>\n");
    for header in headers {
        line(&mut text, format_args!("#include \"{}\"", header.path));
    }
    for header in headers {
        for item in &header.structs {
            layout(&mut text, "static_assert", item, &item.name);
            for field in &item.fields {
                cpp_field(&mut text, item, field);
            }
            if let (Some(name), Some(value)) = (sys_names::struct_size(item), item.struct_size) {
                check(
                    &mut text,
                    "static_assert",
                    &format!("(size_t)({name}) == {value}"),
                    &name,
                );
            }
        }
        for item in &header.enums {
            let (name, repr) = (&item.name, &item.repr);
            let width = format!("std::is_same<std::underlying_type<{name}>::type, {repr}>::value");
            check(&mut text, "static_assert", &width, name);
            check(
                &mut text,
                "static_assert",
                &format!("sizeof({name}) == {}", item.size),
                name,
            );
            for value in &item.values {
                let test = format!("(long long)({name}::{}) == {}LL", value.name, value.value);
                check(&mut text, "static_assert", &test, &value.name);
            }
        }
        for item in &header.aliases {
            if item.name.contains("::") {
                // A C++ class with one member: only its size is part of the C interface.
                let test = format!("sizeof({}) == sizeof({})", item.name, item.ty);
                check(&mut text, "static_assert", &test, &item.name);
            } else {
                same(&mut text, &item.name, &item.ty, &item.name);
            }
        }
        for item in &header.callbacks {
            same(
                &mut text,
                &item.name,
                &function_type(&item.signature, "(*)"),
                &item.name,
            );
        }
        for item in &header.functions {
            match item.form {
                FunctionForm::Function => {
                    let mut name = item.name.clone();
                    if is_entry_point(item) {
                        name = format!("decltype({name})");
                    }
                    same(
                        &mut text,
                        &name,
                        &function_type(&item.signature, ""),
                        &item.name,
                    );
                }
                FunctionForm::Pointer => {
                    same(
                        &mut text,
                        &item.name,
                        &function_type(&item.signature, "(*)"),
                        &item.name,
                    );
                }
                FunctionForm::Member => {}
            }
        }
    }
    text
}

/// Assertions in C11 against the rendered declarations, which the text includes in full.
pub fn c(headers: &[&Header]) -> String {
    let mut text = c_header::unit(headers.iter().copied());
    text.push_str("#define offsetof(type, field) __builtin_offsetof(type, field)\n");
    for header in headers {
        for item in &header.structs {
            layout(
                &mut text,
                "_Static_assert",
                item,
                sys_names::structure(item),
            );
        }
        for item in &header.enums {
            let test = format!("sizeof({}) == {}", item.name, item.size);
            check(&mut text, "_Static_assert", &test, &item.name);
            for value in &item.values {
                let test = format!("{} == {}", value.name, value.value);
                check(&mut text, "_Static_assert", &test, &value.name);
            }
        }
    }
    text
}

/// Assertions in Rust against the raw bindings: the whole of a test file, without its first line.
pub fn rust(headers: &[&Header]) -> String {
    let mut text = String::from(
        "//! The layout that the facts give, asserted of the raw bindings when this file compiles.\n\
         #![cfg(target_pointer_width = \"64\")]\n\
         #![allow(unused_imports, reason = \"one rule for all modules\")]\n\n\
         macro_rules! same {\n    \
             ($($actual:expr, $expected:expr, $name:expr;)*) => {\n        \
                 $(const _: () = assert!($actual == $expected, $name);)*\n    \
             };\n\
         }\n",
    );
    for header in headers {
        if header.structs.is_empty() && header.enums.is_empty() {
            continue;
        }
        let path = sys_names::module_path(header);
        line(
            &mut text,
            format_args!(
                "\nmod {} {{\n    use std::mem::offset_of;\n\n    use {path}::*;\n",
                header.module
            ),
        );
        line(&mut text, format_args!("    same! {{"));
        for item in &header.structs {
            rust_layout(&mut text, item);
        }
        for item in &header.enums {
            let name = &item.name;
            rust_line(
                &mut text,
                &format!("size_of::<{name}>()"),
                item.size.into(),
                name,
            );
            for value in &item.values {
                let (name, number) = (&value.name, value.value);
                line(
                    &mut text,
                    format_args!("        {name}.0 as i64, {number}, \"{name}\";"),
                );
            }
        }
        text.push_str("    }\n}\n");
    }
    line(
        &mut text,
        format_args!(
            "\n#[test]\nfn the_bindings_have_the_layout_of_the_facts() {{\n    \
             // The assertions above were checked when this file was compiled.\n}}"
        ),
    );
    text
}

fn rust_layout(text: &mut String, item: &Struct) {
    let name = sys_names::structure(item);
    rust_line(text, &format!("size_of::<{name}>()"), item.size, name);
    rust_line(text, &format!("align_of::<{name}>()"), item.align, name);
    let mut unions = 0;
    for field in &item.fields {
        let mut path = sys_names::field(&field.name).into_owned();
        if field.name.is_empty() {
            unions += 1;
            path = sys_names::union_field(unions);
        }
        let label = format!("{name}::{path}");
        rust_line(
            text,
            &format!("offset_of!({name}, {path})"),
            field.offset,
            &label,
        );
        for inner in &field.members {
            let path = format!("{path}.{}", sys_names::field(&inner.name));
            let label = format!("{name}::{path}");
            rust_line(
                text,
                &format!("offset_of!({name}, {path})"),
                inner.offset,
                &label,
            );
        }
    }
    if let (Some(constant), Some(value)) = (sys_names::struct_size(item), item.struct_size) {
        rust_line(text, &constant, value, &constant);
    }
}

fn rust_line(text: &mut String, actual: &str, expected: u64, name: &str) {
    line(
        text,
        format_args!("        {actual}, {expected}, \"{name}\";"),
    );
}

/// Size, alignment and offsets, in words that C and C++ share.
fn layout(text: &mut String, keyword: &str, item: &Struct, name: &str) {
    let align = if keyword == "static_assert" {
        "alignof"
    } else {
        "_Alignof"
    };
    check(
        text,
        keyword,
        &format!("sizeof({name}) == {}", item.size),
        name,
    );
    check(
        text,
        keyword,
        &format!("{align}({name}) == {}", item.align),
        name,
    );
    for field in named(&item.fields) {
        let label = format!("{name}::{}", field.name);
        let member = &field.name;
        check(
            text,
            keyword,
            &format!("offsetof({name}, {member}) == {}", field.offset),
            &label,
        );
        let size = format!("sizeof((({name}*)0)->{member}) == {}", field.size);
        check(text, keyword, &size, &label);
    }
}

/// Fields that have a name, those of anonymous unions included.
fn named(fields: &[Field]) -> impl Iterator<Item = &Field> {
    fields
        .iter()
        .flat_map(|field| std::iter::once(field).chain(&field.members))
        .filter(|field| !field.name.is_empty())
}

fn cpp_field(text: &mut String, item: &Struct, field: &Field) {
    for field in named(std::slice::from_ref(field)) {
        let label = format!("{}::{}", item.name, field.name);
        if field.members.is_empty() {
            let ty = match &field.signature {
                Some(signature) => function_type(signature, "(*)"),
                None => field.ty.clone(),
            };
            same(text, &format!("decltype({label})"), &ty, &label);
        }
    }
}

/// A function that the header declares, not a type of functions: it is in no table, and takes
/// nothing, not even the pointer that every callback has.
fn is_entry_point(item: &Function) -> bool {
    item.table.is_empty() && item.signature.params.is_empty()
}

/// `R (*)(A, B)`, or `R (A, B)` with an empty middle.
fn function_type(signature: &Signature, middle: &str) -> String {
    let params: Vec<&str> = signature
        .params
        .iter()
        .map(|param| param.ty.as_str())
        .collect();
    format!("{} {middle}({})", signature.returns, params.join(", "))
}

fn same(text: &mut String, left: &str, right: &str, label: &str) {
    // The macro hides the commas of function types from nobody: the types are template arguments.
    let test = format!("std::is_same<{left}, {right}>::value");
    check(text, "static_assert", &test, label);
}

fn check(text: &mut String, keyword: &str, test: &str, label: &str) {
    line(text, format_args!("{keyword}({test}, \"{label}\");"));
}

fn line(text: &mut String, arguments: Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{arguments}");
}
