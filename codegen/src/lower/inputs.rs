//! Inputs of a safe method: how its parameters fill the fields of the checked call.

use super::call::{Call, CallField};
use super::ctype::{CType, primitive};
use super::names;
use super::outputs::{Output, OutputKind};
use crate::model::Model;
use crate::overlay::Same;
use crate::schema::Struct;
use proc_macro2::{Ident, TokenStream};

/// The struct that lists of options are made of.
pub const NAMED_VALUE: &str = "PJRT_NamedValue";

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
        length: LengthField,
        /// It may be left out.
        optional: bool,
    },
    /// Several texts, their lengths in an array and their number in a field.
    Texts {
        /// They hold bytes.
        bytes: bool,
        /// The field of the array of lengths.
        sizes: Ident,
        /// The number's field.
        length: LengthField,
    },
    /// Named values with their number.
    NamedValues {
        /// The number's field.
        length: LengthField,
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

/// A field that holds a length.
#[derive(Clone)]
pub struct LengthField {
    /// Its name.
    pub ident: Ident,
    /// Its type.
    pub ty: TokenStream,
}

/// Lowers the inputs other than the receiver. An error names the first field that no rule fits.
pub fn inputs<'m>(
    model: &'m Model,
    call: &Call<'m>,
    receiver: Option<&str>,
    outputs: &[Output<'_>],
) -> Result<Vec<Input<'m>>, String> {
    let mut filled: Vec<String> = receiver.map(str::to_owned).into_iter().collect();
    for field in &call.inputs {
        filled.extend(length_of(model, call, field).map(str::to_owned));
        filled.extend(
            model
                .field_entry(&call.function.name, &field.field.name)
                .and_then(|e| e.sizes.clone()),
        );
    }
    for output in outputs {
        if let OutputKind::Buffer { capacity, .. } = &output.kind {
            filled.extend([output.field.to_owned(), capacity.ident.to_string()]);
        }
    }
    let mut inputs = Vec::new();
    for field in call
        .inputs
        .iter()
        .filter(|f| !filled.contains(&f.field.name))
    {
        let name = field.field.name.as_str();
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
    own_lengths(&inputs)?;
    Ok(inputs)
}

/// Refuses two arrays with one length: nothing would say that both are as long.
fn own_lengths(inputs: &[Input<'_>]) -> Result<(), String> {
    let mut seen: Vec<(&Ident, &str)> = Vec::new();
    for input in inputs {
        let (InputKind::Slice { length, .. }
        | InputKind::Texts { length, .. }
        | InputKind::NamedValues { length }) = &input.kind
        else {
            continue;
        };
        if let Some((_, other)) = seen.iter().find(|(ident, _)| **ident == length.ident) {
            return Err(format!(
                "no rule for two arrays with one length: `{other}` and `{}` share `{}`",
                input.field, length.ident
            ));
        }
        seen.push((&length.ident, input.field));
    }
    Ok(())
}

fn kind(model: &Model, call: &Call<'_>, field: &CallField<'_>) -> Option<InputKind> {
    let entry = model.field_entry(&call.function.name, &field.field.name);
    let ty = CType::of_field(field.field)?;
    if let Some(name) = ty.name() {
        let said = entry.and_then(|e| e.enumeration.as_deref());
        if let Some(name) = said
            .or(Some(name))
            .filter(|n| model.enumeration(n).is_some())
        {
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
    let optional = entry.is_some_and(|e| e.optional);
    if let Some(target) = ty.pointer_to().filter(|t| model.handle(t).is_some()) {
        return Some(InputKind::Handle {
            name: target.to_owned(),
            optional,
            same: entry.and_then(|e| e.same).unwrap_or(Same::Client),
        });
    }
    let length = length_field(call, length_of(model, call, field)?)?;
    let bytes = entry.and_then(|e| e.bytes).unwrap_or(false);
    if let Some(sizes) = entry.and_then(|e| e.sizes.as_deref()) {
        let texts = ty.pointee()?.pointer_to() == Some("char");
        return texts.then(|| InputKind::Texts {
            bytes,
            sizes: names::ident(sizes),
            length,
        });
    }
    match ty.pointer_to()? {
        "char" => Some(InputKind::Slice {
            item: bytes.then(|| quote::quote!(u8)),
            length,
            optional,
        }),
        NAMED_VALUE => Some(InputKind::NamedValues { length }),
        target => {
            let item = primitive(target)
                .filter(|_| target != "void")?
                .parse()
                .ok()?;
            Some(InputKind::Slice {
                item: Some(item),
                length,
                optional,
            })
        }
    }
}

/// The field that holds the length of a pointer: what the overlay says, else by its spelling.
pub fn length_of<'m>(model: &'m Model, call: &Call<'m>, field: &CallField<'_>) -> Option<&'m str> {
    if !field.field.ty.ends_with('*') {
        return None;
    }
    let entry = model.field_entry(&call.function.name, &field.field.name);
    if let Some(said) = entry.and_then(|e| e.len.as_deref()) {
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

/// A length by its field's name.
pub fn length_field(call: &Call<'_>, name: &str) -> Option<LengthField> {
    let field = call
        .inputs
        .iter()
        .chain(&call.outputs)
        .find(|f| f.field.name == name)?;
    Some(LengthField {
        ident: field.ident.clone(),
        ty: field.ty.clone(),
    })
}

/// The Rust path of a handle's or enum's type.
pub fn rust_path(rust: &str) -> TokenStream {
    let ident = names::ident(rust);
    quote::quote!(::pjrt::#ident)
}
