//! Outputs of a safe method: what its result is made of.

use super::call::{Call, CallField};
use super::ctype::{CType, primitive};
use super::inputs::{LengthField, NAMED_VALUE, length_field, length_of};
use super::method::Subject;
use super::names;
use crate::model::Model;
use crate::overlay::{Count, Lender, Parent};
use crate::schema::Direction;
use proc_macro2::{Ident, TokenStream};

/// A part of a method's result.
pub struct Output<'m> {
    /// The field it is read from.
    pub field: &'m str,
    /// Rust name of the field in the checked call's output.
    pub ident: Ident,
    /// Rust name in the method's result.
    pub name: Ident,
    /// Who owns it, if it is borrowed.
    pub lender: Lender,
    /// The flag that says whether it is set.
    pub set_by: Option<Ident>,
    /// First version that has the field, where it came after its struct.
    pub later: Option<u32>,
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
    Text(LengthField),
    /// Items with their number.
    Slice {
        /// Item type.
        item: TokenStream,
        /// The number's field.
        length: LengthField,
    },
    /// Values of an open enum with their number.
    Enums {
        /// C name of the enum.
        name: String,
        /// The number's field.
        length: LengthField,
    },
    /// Bytes that are freed by a function that comes with them.
    Held {
        /// The length's field.
        length: LengthField,
        /// What the function takes; none: the bytes themselves.
        holder: Option<Ident>,
        /// The function's field.
        deleter: Ident,
        /// The Rust type that they are read into.
        read_as: Option<TokenStream>,
        /// No bytes are none.
        nullable: bool,
    },
    /// Named values that are freed by a function that comes with them.
    HeldNamedValues {
        /// The number's field.
        length: LengthField,
        /// What the function takes.
        holder: Option<Ident>,
        /// The function's field.
        deleter: Ident,
    },
    /// Texts: an array of pointers and one of lengths.
    Texts {
        /// They hold bytes.
        bytes: bool,
        /// The field of the array of lengths.
        sizes: Ident,
        /// The number's field.
        length: LengthField,
        /// A null array is an answer.
        nullable: bool,
    },
    /// Rows of items one behind the other, and an array of their lengths.
    Rows {
        /// Item type.
        item: TokenStream,
        /// The field of the array of lengths.
        sizes: Ident,
        /// The number's field.
        length: LengthField,
    },
    /// What is freed by a function that comes with it, and copied before.
    Copied {
        /// Items or texts.
        contents: Box<OutputKind>,
        /// What the function takes.
        holder: Ident,
        /// The function's field.
        deleter: Ident,
    },
    /// An index into the array with this number of items; -1 says none.
    Index(LengthField),
    /// Named values with their number.
    NamedValues(LengthField),
    /// Borrowed handles with their number.
    Handles {
        /// C name of their type.
        name: String,
        /// The number's field.
        length: LengthField,
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
    /// Memory of the caller that the plugin fills.
    Buffer {
        /// Item type; none for text that ends with NUL.
        item: Option<TokenStream>,
        /// The field that says how much room there is.
        capacity: LengthField,
        /// How many items were filled.
        count: Count,
        /// The number's field, unless NUL ends the items.
        length: Option<LengthField>,
        /// How much room to offer.
        first: First,
    },
    /// Plain structs that somebody else owns, with their number.
    ValueList {
        /// C name of the struct.
        name: String,
        /// The number's field.
        length: LengthField,
    },
    /// Memory of the caller for plain structs, which the plugin fills.
    Values {
        /// C name of the struct.
        name: String,
        /// How many there may be; without it there is one.
        list: Option<List>,
    },
}

/// Memory of the caller for several items.
pub struct List {
    /// The field that says how much room there is.
    pub capacity: LengthField,
    /// The field that says how many were filled.
    pub length: LengthField,
    /// How much room to offer.
    pub first: First,
}

/// How much room to offer to a plugin that fills memory of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// So many items.
    Items(u64),
    /// As many as this function answers.
    Of(String),
    /// The product of these inputs.
    Product(Vec<String>),
}

/// Lowers the outputs. An error names the first field that no rule fits.
pub fn outputs<'m>(
    model: &'m Model,
    call: &Call<'m>,
    subject: Option<Subject<'_>>,
) -> Result<Vec<Output<'m>>, String> {
    let function = &call.function.name;
    let entry = |name: &str| model.field_entry(function, name);
    let mut used: Vec<String> = Vec::new();
    let caller_buffers = || {
        call.inputs
            .iter()
            .filter(|f| entry(&f.field.name).is_some_and(|e| e.capacity.is_some()))
    };
    for field in call.outputs.iter().chain(caller_buffers()) {
        used.extend(length_of(model, call, field).map(str::to_owned));
        if let Some(entry) = entry(&field.field.name) {
            let others = [&entry.holder, &entry.deleter, &entry.sizes, &entry.set_by];
            used.extend(others.into_iter().flatten().cloned());
            if let Some(Count::Field(name)) = &entry.count {
                used.push(name.clone());
            }
        }
    }
    let mut outputs = Vec::new();
    for field in caller_buffers().chain(&call.outputs) {
        let name = field.field.name.as_str();
        if used.iter().any(|u| u == name) || outputs.iter().any(|o: &Output<'_>| o.field == name) {
            continue;
        }
        let kind = kind(model, call, field, subject).ok_or_else(|| {
            format!(
                "no rule for the output `{name}` of type `{}`",
                field.field.ty
            )
        })?;
        let entry = entry(name);
        outputs.push(Output {
            field: name,
            ident: names::ident(name),
            name: names::ident(entry.and_then(|e| e.rename.as_deref()).unwrap_or(name)),
            lender: entry.and_then(|e| e.borrow).unwrap_or(Lender::Receiver),
            set_by: entry.and_then(|e| e.set_by.as_deref()).map(names::ident),
            later: model.later(&call.structure.name, name),
            kind,
        });
    }
    freed_once(&outputs)?;
    Ok(outputs)
}

/// Two parts of a result may lie in one object that is freed only if both are copied.
fn freed_once(outputs: &[Output<'_>]) -> Result<(), String> {
    let mut held: Vec<&Ident> = Vec::new();
    let mut copied: Vec<&Ident> = Vec::new();
    for output in outputs {
        match &output.kind {
            OutputKind::Held { holder, .. } | OutputKind::HeldNamedValues { holder, .. } => {
                let holder = holder.as_ref().unwrap_or(&output.ident);
                if held.contains(&holder) {
                    return Err(format!("`{holder}` would be freed twice"));
                }
                held.push(holder);
            }
            OutputKind::Copied { holder, .. } => copied.push(holder),
            _ => {}
        }
    }
    match copied.iter().find(|holder| held.contains(holder)) {
        Some(holder) => Err(format!("`{holder}` would be freed twice")),
        None => Ok(()),
    }
}

fn kind(
    model: &Model,
    call: &Call<'_>,
    field: &CallField<'_>,
    subject: Option<Subject<'_>>,
) -> Option<OutputKind> {
    let entry = model.field_entry(&call.function.name, &field.field.name);
    let kind = contents(model, call, field, subject)?;
    let Some(deleter) = entry.and_then(|e| e.deleter.as_deref()) else {
        return Some(kind);
    };
    let holder = entry.and_then(|e| e.holder.as_deref());
    match kind {
        OutputKind::Held { .. } | OutputKind::HeldNamedValues { .. } => Some(kind),
        OutputKind::Slice { .. }
        | OutputKind::Texts {
            nullable: false, ..
        } => Some(OutputKind::Copied {
            contents: Box::new(kind),
            holder: names::ident(holder.unwrap_or(&field.field.name)),
            deleter: names::ident(deleter),
        }),
        _ => None,
    }
}

/// What an output is, whoever frees it.
fn contents(
    model: &Model,
    call: &Call<'_>,
    field: &CallField<'_>,
    subject: Option<Subject<'_>>,
) -> Option<OutputKind> {
    let entry = model.field_entry(&call.function.name, &field.field.name);
    let ty = CType::of_field(field.field)?;
    if let Some(name) = ty.name() {
        let said = entry.and_then(|e| e.enumeration.as_deref());
        if let Some(name) = said
            .or(Some(name))
            .filter(|n| model.enumeration(n).is_some())
        {
            return Some(OutputKind::Enum(name.to_owned()));
        }
        primitive(name)?;
        if let Some(array) = entry.and_then(|e| e.index_into.as_deref()) {
            let array = call.outputs.iter().find(|f| f.field.name == array)?;
            let length = length_field(call, length_of(model, call, array)?)?;
            return Some(OutputKind::Index(length));
        }
        return Some(OutputKind::Plain(field.ty.clone()));
    }
    let bytes = entry.and_then(|e| e.bytes).unwrap_or(false);
    let nullable = entry.is_some_and(|e| e.nullable);
    if let Some(name) = ty.pointer_to().filter(|n| is_value(model, n)) {
        return values(model, call, field, name);
    }
    if let Some(capacity) = entry.and_then(|e| e.capacity.as_deref()) {
        return buffer(call, &ty, entry?, capacity);
    }
    if entry.is_some_and(|e| e.address) {
        return Some(OutputKind::Plain(field.ty.clone()));
    }
    let length = || length_field(call, length_of(model, call, field)?);
    let item = |target: &str| -> Option<TokenStream> {
        if target == "char" {
            return Some(quote::quote!(u8));
        }
        primitive(target).filter(|_| target != "void")?.parse().ok()
    };
    let sizes = entry.and_then(|e| e.sizes.as_deref()).map(names::ident);
    if let Some(target) = ty.pointer_to() {
        if let Some(handle) = model.handle(target) {
            let by_default = handle.destroy.is_some() && entry.is_none_or(|e| e.borrow.is_none());
            let name = target.to_owned();
            return Some(if by_default || entry.is_some_and(|e| e.owned) {
                let parent = entry
                    .and_then(|e| e.parent)
                    .unwrap_or_else(|| default_parent(subject));
                OutputKind::Owned {
                    name,
                    parent,
                    nullable,
                }
            } else {
                OutputKind::Borrowed { name, nullable }
            });
        }
        if let Some(sizes) = sizes {
            return Some(OutputKind::Rows {
                item: item(target)?,
                sizes,
                length: length()?,
            });
        }
        let deleter = entry.and_then(|e| e.deleter.as_deref()).map(names::ident);
        let holder = entry.and_then(|e| e.holder.as_deref()).map(names::ident);
        return Some(match (target, deleter) {
            ("char", Some(deleter)) => OutputKind::Held {
                length: length()?,
                holder,
                deleter,
                read_as: match entry.and_then(|e| e.read_as.as_deref()) {
                    Some(path) => Some(names::path(path)?),
                    None => None,
                },
                nullable,
            },
            (NAMED_VALUE, Some(deleter)) => OutputKind::HeldNamedValues {
                length: length()?,
                holder,
                deleter,
            },
            ("char", None) if !bytes => OutputKind::Text(length()?),
            (NAMED_VALUE, None) => OutputKind::NamedValues(length()?),
            (name, _) if model.enumeration(name).is_some() => OutputKind::Enums {
                name: name.to_owned(),
                length: length()?,
            },
            _ => OutputKind::Slice {
                item: item(target)?,
                length: length()?,
            },
        });
    }
    // Arrays of pointers: `const char* const*`, `PJRT_Device* const*`.
    let name = ty.pointee()?.pointer_to()?;
    if let (Some(sizes), "char") = (sizes, name) {
        return Some(OutputKind::Texts {
            bytes,
            sizes,
            length: length()?,
            nullable,
        });
    }
    model.handle(name)?;
    Some(OutputKind::Handles {
        name: name.to_owned(),
        length: length()?,
    })
}

/// Memory of the caller that the plugin fills.
fn buffer(
    call: &Call<'_>,
    ty: &CType,
    entry: &crate::overlay::FieldEntry,
    capacity: &str,
) -> Option<OutputKind> {
    let target = ty.pointer_to()?;
    let count = entry.count.clone()?;
    let text = count == Count::Nul && target == "char";
    let length = match &count {
        Count::Nul | Count::All => None,
        Count::Field(name) => Some(length_field(call, name)?),
    };
    let item = if text {
        None
    } else {
        Some(
            primitive(target)
                .filter(|_| target != "void")?
                .parse()
                .ok()?,
        )
    };
    let first = first(entry)?;
    Some(OutputKind::Buffer {
        item,
        capacity: length_field(call, capacity)?,
        count,
        length,
        first,
    })
}

fn first(entry: &crate::overlay::FieldEntry) -> Option<First> {
    if !entry.room.is_empty() {
        return Some(First::Product(entry.room.clone()));
    }
    Some(match (&entry.first_of, entry.first) {
        (Some(function), _) => First::Of(function.clone()),
        (None, items) => First::Items(items?),
    })
}

fn is_value(model: &Model, name: &str) -> bool {
    model.overlay.values.contains_key(name)
}

/// Memory of the caller for plain structs: as many as there is room for, or one that is marked as
/// going in and out.
fn values(model: &Model, call: &Call<'_>, field: &CallField<'_>, name: &str) -> Option<OutputKind> {
    let entry = model.field_entry(&call.function.name, &field.field.name);
    let name = name.to_owned();
    let Some(capacity) = entry.and_then(|e| e.capacity.as_deref()) else {
        let direction = model.direction(&call.function.name, field.field);
        if direction == Direction::Out {
            let length = length_field(call, length_of(model, call, field)?)?;
            return Some(OutputKind::ValueList { name, length });
        }
        return (direction == Direction::InOut).then_some(OutputKind::Values { name, list: None });
    };
    let entry = entry?;
    let Some(Count::Field(length)) = &entry.count else {
        return None;
    };
    let list = List {
        capacity: length_field(call, capacity)?,
        length: length_field(call, length)?,
        first: first(entry)?,
    };
    Some(OutputKind::Values {
        name,
        list: Some(list),
    })
}

/// A counted subject can be kept alive itself; what comes from another kind keeps the client.
fn default_parent(subject: Option<Subject<'_>>) -> Parent {
    match subject {
        None => Parent::None,
        Some(subject) if subject.counted => Parent::Receiver,
        Some(_) => Parent::Client,
    }
}
