//! Inputs of a safe method: how its parameters fill the fields of the checked call.

use super::call::{Call, CallField, path};
use super::ctype::{CType, primitive};
use super::names;
use crate::model::Model;
use crate::overlay::Same;
use crate::schema::Struct;
use proc_macro2::{Ident, TokenStream};

/// A parameter of a method.
pub struct Input<'m> {
    /// The field that it fills.
    pub field: &'m str,
    /// Rust name.
    pub ident: Ident,
    /// What it is.
    pub kind: InputKind,
}

/// What a parameter is.
pub enum InputKind {
    /// A number or truth value, as it is.
    Plain {
        /// Its type.
        ty: TokenStream,
        /// It must be below the answer of this function on the receiver.
        index_below: Option<String>,
        /// It may be given once.
        once: bool,
    },
    /// A value of an open enum.
    Enum {
        /// C name of the enum.
        name: String,
    },
    /// Text, bytes or numbers with their length in another field.
    Slice {
        /// Item type of the slice; none for text.
        item: Option<TokenStream>,
        /// The length's field.
        length: Ident,
        /// It may be left out.
        optional: bool,
    },
    /// A handle.
    Handle {
        /// C name of its type.
        name: String,
        /// It may be left out.
        optional: bool,
        /// What it must share with the receiver.
        same: Same,
    },
}

/// Lowers the inputs other than the receiver. An error names the first field that no rule fits.
pub fn inputs<'m>(
    model: &'m Model,
    call: &Call<'m>,
    receiver: Option<&str>,
) -> Result<Vec<Input<'m>>, String> {
    let lengths: Vec<&str> = call
        .inputs
        .iter()
        .filter_map(|f| length_of(model, call, f))
        .collect();
    let mut inputs = Vec::new();
    for field in &call.inputs {
        let name = field.field.name.as_str();
        if Some(name) == receiver || lengths.contains(&name) {
            continue;
        }
        let kind = kind(model, call, field).ok_or_else(|| {
            format!(
                "no rule for the input `{name}` of type `{}`",
                field.field.ty
            )
        })?;
        let entry = model.field_entry(&call.function.name, name);
        let rust = entry.and_then(|e| e.rename.as_deref()).unwrap_or(name);
        inputs.push(Input {
            field: name,
            ident: names::ident(rust),
            kind,
        });
    }
    Ok(inputs)
}

fn kind(model: &Model, call: &Call<'_>, field: &CallField<'_>) -> Option<InputKind> {
    let entry = model.field_entry(&call.function.name, &field.field.name);
    let ty = CType::of_field(field.field)?;
    if let Some(name) = ty.name() {
        if model.enumeration(name).is_some() {
            return Some(InputKind::Enum {
                name: name.to_owned(),
            });
        }
        primitive(name)?;
        return Some(InputKind::Plain {
            ty: field.ty.clone(),
            index_below: entry.and_then(|e| e.index_below.clone()),
            once: entry.is_some_and(|e| e.once_per_value),
        });
    }
    let target = ty.pointer_to()?;
    let optional = entry.is_some_and(|e| e.optional);
    if model.handle(target).is_some() {
        return Some(InputKind::Handle {
            name: target.to_owned(),
            optional,
            same: entry.and_then(|e| e.same).unwrap_or(Same::Client),
        });
    }
    let length = names::ident(length_of(model, call, field)?);
    if target == "char" {
        let bytes = entry.and_then(|e| e.bytes).unwrap_or(false);
        return Some(InputKind::Slice {
            item: bytes.then(|| quote::quote!(u8)),
            length,
            optional,
        });
    }
    let item = match primitive(target) {
        Some(spelling) if target != "void" => spelling.parse().ok()?,
        _ => return None,
    };
    Some(InputKind::Slice {
        item: Some(item),
        length,
        optional,
    })
}

/// The field that holds the length of a pointer: what the overlay says, else by its spelling.
pub fn length_of<'m>(model: &'m Model, call: &Call<'m>, field: &CallField<'_>) -> Option<&'m str> {
    if !field.field.ty.ends_with('*') {
        return None;
    }
    if let Some(said) = model
        .field_entry(&call.function.name, &field.field.name)
        .and_then(|e| e.len.as_deref())
    {
        return Some(said);
    }
    spelt_length(call.structure, &field.field.name)
}

/// `x` has its length in `x_size` or `num_x`.
pub fn spelt_length<'m>(structure: &'m Struct, name: &str) -> Option<&'m str> {
    let candidates = [format!("{name}_size"), format!("num_{name}")];
    let mut fields = structure.fields.iter();
    fields
        .find(|f| candidates.contains(&f.name) && f.ty == "size_t")
        .map(|f| f.name.as_str())
}

/// The Rust path of a handle's or enum's type.
pub fn rust_path(rust: &str) -> TokenStream {
    let ident = names::ident(rust);
    quote::quote!(::pjrt::#ident)
}

/// The path in the bindings, for callers that hold only the model.
pub fn sys_path(model: &Model, name: &str) -> Option<TokenStream> {
    path(model, name)
}
