//! How the names of the C headers read in the raw bindings. They are kept whole; the few
//! changes that Rust forces are here, in one place.

use std::borrow::Cow;

use crate::schema::{Header, Struct};

/// Words that cannot name a field as they are: the raw bindings append an underscore.
const RESERVED: &[&str] = &[
    "Self", "abstract", "alignof", "as", "async", "await", "become", "bool", "box", "break",
    "const", "continue", "crate", "do", "dyn", "else", "enum", "extern", "f32", "f64", "false",
    "final", "fn", "for", "gen", "i128", "i16", "i32", "i64", "i8", "if", "impl", "in", "isize",
    "let", "loop", "macro", "match", "mod", "move", "mut", "offsetof", "override", "priv", "proc",
    "pub", "pure", "ref", "return", "self", "sizeof", "static", "str", "struct", "super", "trait",
    "true", "try", "type", "typeof", "u128", "u16", "u32", "u64", "u8", "unsafe", "unsized", "use",
    "usize", "virtual", "where", "while", "yield",
];

/// Rust name of a field or parameter: `type` becomes `type_`, `str` becomes `str_`.
pub fn field(name: &str) -> Cow<'_, str> {
    if RESERVED.binary_search(&name).is_ok() {
        Cow::Owned(format!("{name}_"))
    } else {
        Cow::Borrowed(name)
    }
}

/// Rust name of a type: `xla::GlobalDeviceId` becomes `xla_GlobalDeviceId`.
pub fn ty(name: &str) -> Cow<'_, str> {
    if name.contains("::") {
        Cow::Owned(name.replace("::", "_"))
    } else {
        Cow::Borrowed(name)
    }
}

/// Rust name of a struct: its tag. Where the typedef has another name, the bindings have both.
pub fn structure(item: &Struct) -> &str {
    if item.tag.is_empty() {
        &item.name
    } else {
        &item.tag
    }
}

/// Name of the constant with the header's own size of a struct, if the header has one.
pub fn struct_size(item: &Struct) -> Option<String> {
    item.struct_size
        .map(|_| format!("{}_STRUCT_SIZE", structure(item)))
}

/// Name of the field that stands for the `ordinal`th anonymous union of a struct, from 1.
pub fn union_field(ordinal: usize) -> String {
    format!("__bindgen_anon_{ordinal}")
}

/// Name of the type of the `ordinal`th anonymous union of a struct, from 1.
pub fn union_type(item: &Struct, ordinal: usize) -> String {
    format!("{}__bindgen_ty_{ordinal}", structure(item))
}

/// Path of a header's module inside the raw bindings: the root for the main header.
pub fn module_path(header: &Header) -> String {
    if header.module == "core" {
        "pjrt_sys".to_owned()
    } else {
        format!("pjrt_sys::{}", header.module)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserved_words_are_sorted() {
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn reserved_words_get_an_underscore_and_others_stay() {
        assert_eq!(field("type"), "type_");
        assert_eq!(field("str"), "str_");
        assert_eq!(field("struct_size"), "struct_size");
    }

    #[test]
    fn namespaces_are_flattened() {
        assert_eq!(ty("xla::GlobalDeviceId"), "xla_GlobalDeviceId");
    }
}
