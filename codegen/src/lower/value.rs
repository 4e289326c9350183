//! Plain structs that plugins fill: which fields their Rust form has, and how each is read.

use super::call;
use super::ctype::{CType, primitive};
use super::names;
use crate::model::Model;
use crate::overlay::ValueEntry;
use crate::schema::{Field, Struct};
use proc_macro2::{Ident, TokenStream};

/// A plain struct.
pub struct Value<'m> {
    /// The fact.
    pub structure: &'m Struct,
    /// The judgements.
    pub entry: &'m ValueEntry,
    /// Rust name.
    pub ident: Ident,
    /// Path of the C struct.
    pub path: TokenStream,
    /// Fields of the Rust struct.
    pub members: Vec<Member<'m>>,
}

/// A field of the Rust struct.
pub struct Member<'m> {
    /// The fact.
    pub field: &'m Field,
    /// Name in the bindings.
    pub ident: Ident,
    /// Rust name.
    pub name: Ident,
    /// What one item of it is.
    pub item: Item,
    /// It is an array.
    pub array: Option<Array>,
}

/// What a field, or an item of an array, is.
pub enum Item {
    /// A number, as it is.
    Number(TokenStream),
    /// A truth value, read as a byte, for a plugin may store any.
    Truth,
    /// A value of an open enum: its C name and the type that holds it.
    Enum(String, TokenStream),
}

/// An array of fixed length.
pub struct Array {
    /// Its length.
    pub length: u64,
    /// The field that says how many items are in use; without one all are.
    pub live: Option<Ident>,
}

/// Lowers a struct. An error names the first field that no rule fits.
pub fn value<'m>(model: &'m Model, name: &str) -> Result<Value<'m>, String> {
    let structure = model
        .structure(name)
        .ok_or_else(|| format!("no struct `{name}` in the facts"))?;
    let entry = model
        .overlay
        .values
        .get(name)
        .ok_or_else(|| format!("no [value.{name}] in the overlay"))?;
    let said = |field: &Field| entry.fields.get(&field.name);
    let lengths: Vec<&str> = entry
        .fields
        .values()
        .filter_map(|f| f.len.as_deref())
        .collect();
    let mut members = Vec::new();
    for field in call::payload(structure) {
        let no_rule = || {
            format!(
                "{name}: no rule for the field `{}` of type `{}`",
                field.name, field.ty
            )
        };
        let ty = CType::of_field(field).ok_or_else(no_rule)?;
        if lengths.contains(&field.name.as_str()) {
            let counts = ty.name().is_some_and(|n| n != "bool" && is_integer(n));
            if !counts {
                return Err(format!("{name}: the length `{}` is no integer", field.name));
            }
            continue;
        }
        let entry = said(field);
        let (item, length) = match &ty {
            CType::Array(item, length) => (item.name(), Some(*length)),
            other => (other.name(), None),
        };
        let said = entry.and_then(|e| e.enumeration.as_deref());
        let item = item
            .and_then(|name| self::item(model, name, said))
            .ok_or_else(no_rule)?;
        let rust = entry.and_then(|e| e.rename.as_deref());
        members.push(Member {
            field,
            ident: names::ident(&field.name),
            name: names::ident(rust.unwrap_or(&field.name)),
            item,
            array: length.map(|length| Array {
                length,
                live: entry.and_then(|e| e.len.as_deref()).map(names::ident),
            }),
        });
    }
    Ok(Value {
        structure,
        entry,
        ident: names::ident(&entry.rust),
        path: call::path(model, name).ok_or_else(|| format!("no binding of `{name}`"))?,
        members,
    })
}

fn item(model: &Model, name: &str, said: Option<&str>) -> Option<Item> {
    let own = model.enumeration(name).map(|_| name);
    if let Some(enumeration) = said.or(own) {
        let held = match primitive(name) {
            Some(spelling) => spelling.parse().ok()?,
            None => call::path(model, name)?,
        };
        return Some(Item::Enum(enumeration.to_owned(), held));
    }
    match name {
        "bool" => Some(Item::Truth),
        "void" => None,
        _ => Some(Item::Number(primitive(name)?.parse().ok()?)),
    }
}

fn is_integer(name: &str) -> bool {
    primitive(name).is_some_and(|spelling| spelling.starts_with(['i', 'u']))
}
