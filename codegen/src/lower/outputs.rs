//! Outputs of a safe method: what its result is made of.

use super::call::{Call, CallField};
use super::ctype::{CType, primitive};
use super::inputs::length_of;
use super::names;
use crate::model::Model;
use crate::overlay::{Lender, Parent, Share};
use proc_macro2::{Ident, TokenStream};

/// The struct that arrays of attributes are made of.
const NAMED_VALUE: &str = "PJRT_NamedValue";

/// A part of a method's result.
pub struct Output<'m> {
    /// The field it is read from.
    pub field: &'m str,
    /// Rust name of the field in the checked call's output.
    pub ident: Ident,
    /// Who owns it, if it is borrowed.
    pub lender: Lender,
    /// What it is.
    pub kind: OutputKind,
}

/// What an output is.
pub enum OutputKind {
    /// A number or truth value, as it is.
    Plain(TokenStream),
    /// A value of an open enum.
    Enum(String),
    /// Text with its length.
    Text(Ident),
    /// Items with their number, borrowed from the receiver.
    Slice {
        /// Item type.
        item: TokenStream,
        /// The number's field.
        length: Ident,
    },
    /// Named values with their number.
    NamedValues(Ident),
    /// Borrowed handles with their number.
    Handles {
        /// C name of their type.
        name: String,
        /// The number's field.
        length: Ident,
    },
    /// A handle that somebody else owns.
    Borrowed {
        /// C name of its type.
        name: String,
        /// Null is an answer.
        nullable: bool,
    },
    /// A handle that the caller owns.
    Owned {
        /// C name of its type.
        name: String,
        /// What it keeps alive.
        parent: Parent,
        /// Null is an answer.
        nullable: bool,
    },
}

/// Lowers the outputs. An error names the first field that no rule fits.
pub fn outputs<'m>(
    model: &'m Model,
    call: &Call<'m>,
    receiver: Option<&str>,
) -> Result<Vec<Output<'m>>, String> {
    let lengths: Vec<&str> = call
        .outputs
        .iter()
        .filter_map(|f| length_of(model, call, f))
        .collect();
    let mut outputs = Vec::new();
    for field in &call.outputs {
        let name = field.field.name.as_str();
        if lengths.contains(&name) {
            continue;
        }
        let kind = kind(model, call, field, receiver).ok_or_else(|| {
            format!(
                "no rule for the output `{name}` of type `{}`",
                field.field.ty
            )
        })?;
        let entry = model.field_entry(&call.function.name, name);
        let lender = entry.and_then(|e| e.borrow).unwrap_or(Lender::Receiver);
        outputs.push(Output {
            field: name,
            ident: names::ident(name),
            lender,
            kind,
        });
    }
    Ok(outputs)
}

fn kind(
    model: &Model,
    call: &Call<'_>,
    field: &CallField<'_>,
    receiver: Option<&str>,
) -> Option<OutputKind> {
    let entry = model.field_entry(&call.function.name, &field.field.name);
    let ty = CType::of_field(field.field)?;
    if let Some(name) = ty.name() {
        if model.enumeration(name).is_some() {
            return Some(OutputKind::Enum(name.to_owned()));
        }
        if let Some(name) = entry.and_then(|e| e.enumeration.clone()) {
            return Some(OutputKind::Enum(name));
        }
        primitive(name)?;
        return Some(OutputKind::Plain(field.ty.clone()));
    }
    if let Some(target) = ty.pointer_to() {
        if let Some(handle) = model.handle(target) {
            let nullable = entry.is_some_and(|e| e.nullable);
            let owned = entry.is_some_and(|e| e.owned)
                || (handle.destroy.is_some() && entry.is_none_or(|e| e.borrow.is_none()));
            let name = target.to_owned();
            return Some(if owned {
                let by_default = default_parent(model, receiver);
                OutputKind::Owned {
                    name,
                    parent: entry.and_then(|e| e.parent).unwrap_or(by_default),
                    nullable,
                }
            } else {
                OutputKind::Borrowed { name, nullable }
            });
        }
        let length = names::ident(length_of(model, call, field)?);
        if target == "char" {
            let bytes = entry.and_then(|e| e.bytes).unwrap_or(false);
            return Some(if bytes {
                OutputKind::Slice {
                    item: quote::quote!(u8),
                    length,
                }
            } else {
                OutputKind::Text(length)
            });
        }
        if target == NAMED_VALUE {
            return Some(OutputKind::NamedValues(length));
        }
        let spelling = primitive(target).filter(|_| target != "void")?;
        return Some(OutputKind::Slice {
            item: spelling.parse().ok()?,
            length,
        });
    }
    // An array of pointers: `PJRT_Device* const*`.
    let name = ty.pointee()?.pointer_to()?;
    model.handle(name)?;
    let length = names::ident(length_of(model, call, field)?);
    Some(OutputKind::Handles {
        name: name.to_owned(),
        length,
    })
}

/// A counted receiver can be kept alive itself; what comes from another kind keeps the client.
fn default_parent(model: &Model, receiver: Option<&str>) -> Parent {
    match receiver.and_then(|r| model.handle(r)) {
        None => Parent::None,
        Some(handle) if handle.share == Share::Clone => Parent::Receiver,
        Some(_) => Parent::Client,
    }
}
