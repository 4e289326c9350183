//! What a caller's inputs must be before a plugin's function sees them.

use super::ctype::CType;
use super::inputs::spelt_length;
use crate::model::HEADER_FIELDS;
use crate::overlay::{FieldEntry, FunctionEntry};
use crate::schema::{Field, Struct};

/// What an input must be.
pub enum Must<'m> {
    /// Anything.
    Be,
    /// A truth value.
    BeTruth,
    /// Not null, unless one of these numbers of items is zero.
    Point(Vec<&'m Field>),
}

/// What an input must be. A pointer must point where the overlay says nothing else: without an entry
/// nobody has judged the function, and a destructor may be given nothing.
pub fn must<'m>(entry: Option<&FunctionEntry>, structure: &'m Struct, field: &Field) -> Must<'m> {
    let ty = CType::of_field(field);
    if ty.as_ref().and_then(CType::name) == Some("bool") {
        return Must::BeTruth;
    }
    let Some(entry) = entry.filter(|entry| !entry.drop) else {
        return Must::Be;
    };
    let points = matches!(&ty, Some(CType::Pointer { .. }));
    if !points || field.optional || HEADER_FIELDS.contains(&field.name.as_str()) {
        return Must::Be;
    }
    let said = entry.fields.get(&field.name);
    if said.is_some_and(may_be_null) || entry.fields.values().any(|other| is_data_of(other, field))
    {
        return Must::Be;
    }
    let lengths = lengths(entry, structure, field, said);
    // An address without a type or a length may be any.
    let untyped = ty.as_ref().and_then(CType::pointer_to) == Some("void");
    match untyped && lengths.is_empty() {
        true => Must::Be,
        false => Must::Point(lengths),
    }
}

/// Whether null is an answer that a field's judgement allows.
fn may_be_null(said: &FieldEntry) -> bool {
    said.optional
        || said.nullable
        || said.address
        || said.reserved
        || said.one_of.is_some()
        || said.set_by.is_some()
        || said.user_data.is_some()
}

/// Whether a field is data, holder or deleter that goes with another one.
fn is_data_of(other: &FieldEntry, field: &Field) -> bool {
    let named = [
        &other.user_data,
        &other.holder,
        &other.deleter,
        &other.one_of,
    ];
    named.into_iter().flatten().any(|name| *name == field.name)
}

/// The fields that say how many items a field points to.
fn lengths<'m>(
    entry: &FunctionEntry,
    structure: &'m Struct,
    field: &Field,
    said: Option<&FieldEntry>,
) -> Vec<&'m Field> {
    let mut names: Vec<&str> = Vec::new();
    if let Some(said) = said {
        names.extend(said.len.as_deref());
        names.extend(said.capacity.as_deref());
    }
    // Lengths of texts are as many as the texts.
    let texts = entry.fields.iter();
    for (name, other) in texts.filter(|(_, e)| e.sizes.as_deref() == Some(&field.name)) {
        names.extend(
            other
                .len
                .as_deref()
                .or_else(|| spelt_length(structure, name)),
        );
    }
    if names.is_empty() {
        names.extend(spelt_length(structure, &field.name));
    }
    let fields = structure.fields.iter();
    let fields = fields.filter(|f| names.contains(&f.name.as_str()));
    // A number behind a pointer is not read here.
    fields.filter(|f| !f.ty.ends_with('*')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::Taken;
    use std::collections::BTreeMap;

    fn entry(fields: &[(&str, FieldEntry)]) -> FunctionEntry {
        FunctionEntry {
            safe: None,
            on: None,
            method: None,
            returns: None,
            result: None,
            compiles: false,
            allocates: false,
            unsafety: None,
            taken: Taken::Ref,
            after: None,
            precondition: None,
            drop: false,
            ends: None,
            doc: String::new(),
            errors: None,
            why: String::new(),
            fields: fields
                .iter()
                .map(|(name, said)| ((*name).to_owned(), said.clone()))
                .collect::<BTreeMap<_, _>>(),
        }
    }

    fn args(fields: &[(&str, &str)]) -> Struct {
        let field = |(name, ty): &(&str, &str)| Field {
            name: (*name).to_owned(),
            ty: (*ty).to_owned(),
            ..Field::default()
        };
        Struct {
            fields: fields.iter().map(field).collect(),
            ..Struct::default()
        }
    }

    /// What each field must be: nothing, a truth value, or not null unless these are zero.
    fn all(entry: Option<&FunctionEntry>, of: &Struct) -> Vec<String> {
        let say = |field| match must(entry, of, field) {
            Must::Be => "-".to_owned(),
            Must::BeTruth => "bool".to_owned(),
            Must::Point(lengths) => {
                let names: Vec<_> = lengths.iter().map(|f| f.name.as_str()).collect();
                format!("*{}", names.join("+"))
            }
        };
        of.fields.iter().map(say).collect()
    }

    #[test]
    fn a_pointer_must_point_where_nothing_else_is_said() {
        let of = args(&[
            ("extension_start", "PJRT_Extension_Base*"),
            ("device", "PJRT_Device*"),
            ("flag", "bool"),
            ("name", "const char*"),
            ("name_size", "size_t"),
            ("any", "void*"),
            ("bytes", "const void*"),
            ("num_bytes", "size_t"),
            ("called", "void (*)(void*)"),
        ]);
        let expected = [
            "-",
            "*",
            "bool",
            "*name_size",
            "-",
            "-",
            "*num_bytes",
            "-",
            "-",
        ];
        assert_eq!(all(Some(&entry(&[])), &of), expected);
        // Nobody has judged it.
        assert_eq!(all(None, &of).concat(), "--bool------");
        let mut drop = entry(&[]);
        drop.drop = true;
        assert_eq!(all(Some(&drop), &of).concat(), "--bool------");
    }

    #[test]
    fn the_overlay_says_what_may_be_null() {
        let of = args(&[
            ("texts", "const char* const*"),
            ("text_sizes", "const size_t*"),
            ("count", "size_t"),
            ("left_out", "PJRT_Buffer*"),
            ("either", "PJRT_Device*"),
            ("other", "PJRT_Memory*"),
            ("data", "Acme_Data*"),
        ]);
        let texts = FieldEntry {
            len: Some("count".to_owned()),
            sizes: Some("text_sizes".to_owned()),
            ..FieldEntry::default()
        };
        let left_out = FieldEntry {
            optional: true,
            ..FieldEntry::default()
        };
        let either = FieldEntry {
            one_of: Some("other".to_owned()),
            user_data: Some("data".to_owned()),
            ..FieldEntry::default()
        };
        let said = [("texts", texts), ("left_out", left_out), ("either", either)];
        let found = all(Some(&entry(&said)), &of);
        assert_eq!(found, ["*count", "*count", "-", "-", "-", "-", "-"]);
    }
}
