//! Inputs of a safe method: how its parameters fill the fields of the checked call.

use super::call::{Call, CallField};
use super::callback::{self, Callback};
use super::ctype::{CType, primitive};
use super::names;
use super::outputs::{Output, OutputKind};
use crate::model::Model;
use crate::overlay::{FieldEntry, Same};
use crate::schema::{Field, Struct};
use proc_macro2::{Ident, TokenStream};

/// The struct that lists of options are made of.
pub const NAMED_VALUE: &str = "PJRT_NamedValue";

/// A parameter of a method.
pub struct Input<'m> {
    /// The field that it fills.
    pub field: &'m str,
    /// The field of the group that `field` belongs to, if it belongs to one.
    pub within: Option<&'m str>,
    /// Rust name.
    pub ident: Ident,
    /// What it is.
    pub kind: InputKind<'m>,
    /// The test of the run-time support that it must pass.
    pub check: Option<String>,
    /// The Rust name of the other optional input of which one must be given.
    pub one_of: Option<Ident>,
}

/// What a parameter is.
pub enum InputKind<'m> {
    /// A number or truth value, as it is.
    Plain {
        /// Its type.
        ty: TokenStream,
        /// It must be below the answer of this function on the receiver.
        index_below: Option<String>,
        /// It may be given once.
        once: bool,
        /// The field of the flag that says whether it is given.
        set_by: Option<Ident>,
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
    /// A struct that a hand-written type lowers to.
    Nested {
        /// The Rust type.
        rust: String,
        /// It may be left out.
        optional: bool,
        /// Rust name of the array whose length is its rank.
        rank_of: Option<Ident>,
    },
    /// Bytes that a hand-written type serialises to.
    Message {
        /// The Rust type.
        rust: String,
        /// The length's field.
        length: LengthField,
        /// It may be left out.
        optional: bool,
        /// The input that it has advice about when the call fails.
        advises: Option<Ident>,
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
    /// A plain struct whose fields are parameters of their own.
    Group {
        /// Path of the C struct.
        path: TokenStream,
        /// Its fields.
        fields: Vec<&'m Field>,
    },
    /// A function that the plugin keeps and calls.
    Callback {
        /// The C function.
        callback: Callback<'m>,
        /// The field of the data that it is called with.
        user_data: Ident,
        /// The parameter that it is registered under; none: for good.
        key: Option<Key>,
    },
}

/// A parameter that callbacks are registered under.
pub struct Key {
    /// Its Rust name.
    pub ident: Ident,
    /// It is text.
    pub text: bool,
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
    for output in outputs {
        let capacity = match &output.kind {
            OutputKind::Buffer { capacity, .. } => Some(capacity),
            OutputKind::Values { list, .. } => list.as_ref().map(|l| &l.capacity),
            _ => continue,
        };
        filled.push(output.field.to_owned());
        filled.extend(capacity.map(|c| c.ident.to_string()));
    }
    scope(model, call, filled, None)
}

/// Lowers the inputs of an args struct, or of a plain struct whose fields are parameters: those
/// that are not filled already.
fn scope<'m>(
    model: &'m Model,
    call: &Call<'m>,
    mut filled: Vec<String>,
    within: Option<&'m str>,
) -> Result<Vec<Input<'m>>, String> {
    for field in &call.inputs {
        filled.extend(length_of(model, call, field).map(str::to_owned));
        if let Some(entry) = entry(model, call, &field.field.name) {
            let others = [&entry.sizes, &entry.set_by, &entry.user_data];
            filled.extend(others.into_iter().flatten().cloned());
        }
    }
    let mut inputs = Vec::new();
    for field in call
        .inputs
        .iter()
        .filter(|f| !filled.contains(&f.field.name))
    {
        let name = field.field.name.as_str();
        let no_rule = || {
            format!(
                "no rule for the input `{name}` of type `{}`",
                field.field.ty
            )
        };
        let kind = if let Some(kind) = registered(model, call, field)? {
            kind
        } else if let Some(group) = group(model, call, field).filter(|_| within.is_none()) {
            inputs.extend(scope(model, &group, Vec::new(), Some(name))?);
            InputKind::Group {
                path: group.args,
                fields: group.inputs.iter().map(|f| f.field).collect(),
            }
        } else {
            kind(model, call, field).ok_or_else(no_rule)?
        };
        let said = entry(model, call, name);
        let one_of = said.and_then(|e| e.one_of.as_deref());
        inputs.push(Input {
            field: name,
            within,
            ident: names::ident(rust_name(model, call, name)),
            kind,
            check: said.and_then(|e| e.check.clone()),
            one_of: one_of.map(|other| names::ident(rust_name(model, call, other))),
        });
    }
    own_lengths(inputs.iter().filter(|i| i.within == within))?;
    Ok(inputs)
}

/// The judgements on a field, of an args struct or of a plain one whose fields are parameters.
fn entry<'m>(model: &'m Model, call: &Call<'_>, field: &str) -> Option<&'m FieldEntry> {
    match model.overlay.groups.get(&call.structure.name) {
        Some(group) => group.fields.get(field),
        None => model.field_entry(&call.function.name, field),
    }
}

fn rust_name<'a>(model: &'a Model, call: &Call<'_>, field: &'a str) -> &'a str {
    let said = entry(model, call, field).and_then(|e| e.rename.as_deref());
    said.unwrap_or(field)
}

/// A plain struct whose fields are parameters, in the place of the args struct.
fn group<'m>(model: &'m Model, call: &Call<'m>, field: &CallField<'_>) -> Option<Call<'m>> {
    let ty = CType::of_field(field.field)?;
    let name = ty.pointer_to()?;
    model.overlay.groups.get(name)?;
    call.over(model, model.structure(name)?)
}

/// A function that the plugin keeps, if the field is one.
fn registered<'m>(
    model: &'m Model,
    call: &Call<'m>,
    field: &CallField<'_>,
) -> Result<Option<InputKind<'m>>, String> {
    let Some(said) = entry(model, call, &field.field.name) else {
        return Ok(None);
    };
    let Some(user_data) = said.user_data.as_deref() else {
        return Ok(None);
    };
    let key = match said.keyed_by.as_deref() {
        Some(key) => Some(self::key(model, call, key)?),
        None => None,
    };
    Ok(Some(InputKind::Callback {
        callback: callback::callback(model, &field.field.ty)?,
        user_data: names::ident(user_data),
        key,
    }))
}

/// The parameter that callbacks are registered under.
fn key(model: &Model, call: &Call<'_>, name: &str) -> Result<Key, String> {
    let field = call.inputs.iter().find(|f| f.field.name == name);
    let text = match field.and_then(|field| kind(model, call, field)) {
        Some(InputKind::Slice {
            item: None,
            optional: false,
            ..
        }) => true,
        Some(InputKind::Slice {
            item: Some(item),
            optional: false,
            ..
        }) if item.to_string() == "u8" => false,
        _ => return Err(format!("the key `{name}` is neither text nor bytes")),
    };
    Ok(Key {
        ident: names::ident(rust_name(model, call, name)),
        text,
    })
}

/// The key of the callbacks that a function ends: the one that the other function registers under,
/// by the same field.
pub fn ended<'m>(model: &'m Model, call: &Call<'m>) -> Result<Option<(&'m str, Key)>, String> {
    let Some(function) = model
        .entry(&call.function.name)
        .and_then(|e| e.ends.as_deref())
    else {
        return Ok(None);
    };
    let keyed = model
        .entry(function)
        .and_then(|e| e.fields.values().find_map(|f| f.keyed_by.as_deref()))
        .ok_or_else(|| format!("`{function}` registers no callback under a key"))?;
    Ok(Some((function, key(model, call, keyed)?)))
}

/// Refuses two arrays with one length: nothing would say that both are as long.
fn own_lengths<'a, 'm: 'a>(inputs: impl Iterator<Item = &'a Input<'m>>) -> Result<(), String> {
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

fn kind<'m>(model: &'m Model, call: &Call<'_>, field: &CallField<'_>) -> Option<InputKind<'m>> {
    let entry = entry(model, call, &field.field.name);
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
            set_by: entry.and_then(|e| e.set_by.as_deref()).map(names::ident),
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
    if let Some(rust) = entry.and_then(|e| e.given_as.clone()) {
        if ty.pointer_to() == Some("char") {
            let length = length_field(call, length_of(model, call, field)?)?;
            return Some(InputKind::Message {
                rust,
                length,
                optional,
                advises: entry.and_then(|e| e.advises.as_deref()).map(|field| {
                    let said = model.field_entry(&call.function.name, field);
                    names::ident(said.and_then(|e| e.rename.as_deref()).unwrap_or(field))
                }),
            });
        }
        let rank_of = entry.and_then(|e| e.rank_of.as_deref()).map(|array| {
            let said = model.field_entry(&call.function.name, array);
            names::ident(said.and_then(|e| e.rename.as_deref()).unwrap_or(array))
        });
        return Some(InputKind::Nested {
            rust,
            optional,
            rank_of,
        });
    }
    let promised = model
        .entry(&call.function.name)
        .is_some_and(|e| e.unsafety.is_some());
    if entry.is_some_and(|e| e.address) && promised {
        return Some(InputKind::Plain {
            ty: field.ty.clone(),
            index_below: None,
            once: false,
            set_by: None,
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
    let entry = entry(model, call, &field.field.name);
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
