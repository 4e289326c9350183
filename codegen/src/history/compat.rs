//! Whether two declarations are one to a compiler's caller.

use super::types::{FieldBody, Signature, StructBody};
pub use crate::schema::alike::same_type;
pub(crate) use crate::schema::alike::words;

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
