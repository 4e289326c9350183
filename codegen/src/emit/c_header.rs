//! Renders facts as plain C declarations: C11, no comment, no include, no C++.
//!
//! The raw bindings are made from this text. A compiler works out the layout of the rendered
//! declarations anew, so that its offsets are a second opinion on those in the facts.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::sys_names;
use crate::schema::{Enum, Field, Function, FunctionForm, Header, Signature, Struct};

/// What every rendered header needs first: fixed-width integers, `size_t` and `bool` out of the
/// compiler's own knowledge, and a way to say the width of an enumeration.
pub const PRELUDE: &str = "\
#ifndef PJRT_FACTS_PRELUDE
#define PJRT_FACTS_PRELUDE
typedef __SIZE_TYPE__ size_t;
typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __INTPTR_TYPE__ intptr_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __UINTPTR_TYPE__ uintptr_t;
#ifndef __cplusplus
#define bool _Bool
#endif
#if defined(__clang__) || defined(__cplusplus)
#define PJRT_FACTS_WIDTH(type) : type
#else
#define PJRT_FACTS_WIDTH(type)
#endif
#endif
";

/// Renders all headers as one C source, each after those that it uses.
pub fn unit<'a>(headers: impl IntoIterator<Item = &'a Header>) -> String {
    let headers: Vec<&Header> = headers.into_iter().collect();
    let mut text = PRELUDE.to_owned();
    for header in in_order_of_use(&headers) {
        text.push_str(&module(header));
    }
    text
}

/// Orders headers so that each comes after those that it uses.
pub fn in_order_of_use<'a>(headers: &[&'a Header]) -> Vec<&'a Header> {
    fn visit<'a>(
        header: &'a Header,
        all: &[&'a Header],
        seen: &mut BTreeSet<&'a str>,
        out: &mut Vec<&'a Header>,
    ) {
        if !seen.insert(&header.module) {
            return;
        }
        for used in &header.uses {
            for other in all.iter().filter(|other| other.module == *used) {
                visit(other, all, seen, out);
            }
        }
        out.push(header);
    }
    let mut seen = BTreeSet::new();
    let mut out = Vec::with_capacity(headers.len());
    for header in headers {
        visit(header, headers, &mut seen, &mut out);
    }
    out
}

/// Renders the declarations of one header. [`PRELUDE`] and the headers that it uses come before.
pub fn module(header: &Header) -> String {
    let mut text = String::new();
    for item in &header.macros {
        line(
            &mut text,
            format_args!("#define {} {}", item.name, item.value),
        );
    }
    for item in &header.structs {
        if let (Some(name), Some(value)) = (sys_names::struct_size(item), item.struct_size) {
            line(&mut text, format_args!("#define {name} {value}"));
        }
    }
    for item in &header.enums {
        enumeration(&mut text, item);
    }
    for item in &header.opaques {
        forward(&mut text, &item.name, &item.name);
    }
    for item in &header.structs {
        let tag = sys_names::structure(item);
        forward(&mut text, tag, tag);
        if tag != item.name {
            forward(&mut text, tag, &item.name);
        }
    }
    typedefs(&mut text, header);
    for item in &header.structs {
        structure(&mut text, item);
    }
    text
}

/// Declares `name` with type `ty`: `int32_t[4]` and `x` give `int32_t x[4]`.
pub fn declare(ty: &str, name: &str) -> String {
    let ty = sys_names::ty(ty);
    if let Some(at) = pointer_to_function(&ty) {
        let (before, after) = ty.split_at(at);
        return format!("{before}{name}{after}");
    }
    match ty.split_once('[') {
        Some((base, length)) => format!("{} {name}[{length}", base.trim_end()),
        None => format!("{ty} {name}"),
    }
}

/// Finds where the name goes in a type such as `void (*)(void*)`: after the star.
fn pointer_to_function(ty: &str) -> Option<usize> {
    let open = ty.find("(*")?;
    let stars = open + 1;
    let rest = ty.get(stars..)?;
    let length = rest.find(|c: char| c != '*')?;
    rest.get(length..)?
        .starts_with(')')
        .then_some(stars + length)
}

/// Renders typedefs of callbacks, functions and other types in the order of their lines, for one
/// may name another.
fn typedefs(text: &mut String, header: &Header) {
    let mut all: Vec<(u32, String)> = Vec::new();
    for item in &header.aliases {
        all.push((item.line, declare(&item.ty, &sys_names::ty(&item.name))));
    }
    for item in &header.callbacks {
        let name = format!("(*{})", item.name);
        all.push((item.line, prototype(&item.signature, &name)));
    }
    let mut seen = BTreeSet::new();
    for item in &header.functions {
        // Several slots may share one function type.
        if let Some(name) = function_declarator(item)
            && seen.insert(&item.name)
        {
            all.push((item.line, prototype(&item.signature, &name)));
        }
    }
    all.sort_by_key(|(at, _)| *at);
    for (_, declaration) in all {
        line(text, format_args!("typedef {declaration};"));
    }
}

/// The name of a function type inside its typedef; none for an inline member, which has no typedef.
fn function_declarator(item: &Function) -> Option<String> {
    match item.form {
        FunctionForm::Function => Some(item.name.clone()),
        FunctionForm::Pointer => Some(format!("(*{})", item.name)),
        FunctionForm::Member => None,
    }
}

/// `R name(A, B)`.
fn prototype(signature: &Signature, name: &str) -> String {
    let params = if signature.params.is_empty() {
        "void".to_owned()
    } else {
        let params: Vec<String> = signature
            .params
            .iter()
            .map(|param| declare(&param.ty, &param.name).trim_end().to_owned())
            .collect();
        params.join(", ")
    };
    declare(&signature.returns, &format!("{name}({params})"))
}

fn forward(text: &mut String, tag: &str, name: &str) {
    line(text, format_args!("typedef struct {tag} {name};"));
}

fn enumeration(text: &mut String, item: &Enum) {
    // Compilers that know no width of enumerations take four bytes, unless told to take as few
    // as will do.
    let packed = if item.size < 4 {
        "__attribute__((packed)) "
    } else {
        ""
    };
    line(
        text,
        format_args!(
            "typedef enum {packed}{name} PJRT_FACTS_WIDTH({repr}) {{",
            name = item.name,
            repr = item.repr,
        ),
    );
    for value in &item.values {
        line(text, format_args!("  {} = {},", value.name, value.value));
    }
    line(text, format_args!("}} {};", item.name));
}

fn structure(text: &mut String, item: &Struct) {
    line(
        text,
        format_args!("struct {} {{", sys_names::structure(item)),
    );
    for field in &item.fields {
        member(text, field, "  ");
    }
    line(text, format_args!("}};"));
}

fn member(text: &mut String, field: &Field, indent: &str) {
    if field.members.is_empty() {
        let declaration = match &field.signature {
            Some(signature) if pointer_to_function(&field.ty).is_some() => {
                prototype(signature, &format!("(*{})", field.name))
            }
            _ => declare(&field.ty, &field.name),
        };
        line(text, format_args!("{indent}{declaration};"));
        return;
    }
    line(text, format_args!("{indent}union {{"));
    for inner in &field.members {
        member(text, inner, &format!("{indent}  "));
    }
    let space = if field.name.is_empty() { "" } else { " " };
    line(text, format_args!("{indent}}}{space}{};", field.name));
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{arguments}");
}

#[cfg(test)]
mod tests;
