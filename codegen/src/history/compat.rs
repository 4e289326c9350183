//! Whether two declarations are one to a compiler's caller.

use super::types::{FieldBody, Signature, StructBody};

/// Whether values of two types are passed and read alike: `const` does not matter, `void*` stands
/// for any pointer to data. Types of other names are other types: a rename is a judgement.
pub fn same_type(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (a, b) = (plain(a), plain(b));
    a == b || (any_pointer(&a) && data_pointer(&b)) || (any_pointer(&b) && data_pointer(&a))
}

fn any_pointer(ty: &str) -> bool {
    ty == "void*"
}

fn data_pointer(ty: &str) -> bool {
    ty.ends_with('*') && !ty.contains('(')
}

/// A type without `const`, blanks, and with one name for each integer.
fn plain(ty: &str) -> String {
    let mut out = String::with_capacity(ty.len());
    for word in words(ty) {
        match word {
            "const" | " " => {}
            "int" => out.push_str("int32_t"),
            other => out.push_str(other),
        }
    }
    out
}

/// Names and the single characters between them.
pub(crate) fn words(ty: &str) -> impl Iterator<Item = &str> {
    let mut rest = ty;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let end = match name(first) {
            true => rest.find(|c| !name(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (word, tail) = rest.split_at(end);
        rest = tail;
        Some(word)
    })
}

/// Whether a field is at the same place with the same type under the same name.
pub(crate) fn same_field(a: &FieldBody, b: &FieldBody) -> bool {
    a.name == b.name && a.offset == b.offset && a.size == b.size && same_type(&a.ty, &b.ty)
}

/// Whether one struct is the beginning of the other.
pub(crate) fn same_prefix(a: &StructBody, b: &StructBody) -> bool {
    common(a, b) == a.fields.len().min(b.fields.len())
}

/// How many fields, from the first, two structs have in common.
pub(crate) fn common(a: &StructBody, b: &StructBody) -> usize {
    let pairs = a.fields.iter().zip(&b.fields);
    pairs.take_while(|(a, b)| same_field(a, b)).count()
}

/// Whether a call is made alike.
pub(crate) fn same_signature(a: &Signature, b: &Signature) -> bool {
    a.0.len() == b.0.len() && a.0.iter().zip(&b.0).all(|(a, b)| same_type(a, b))
}
