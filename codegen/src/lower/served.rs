//! The plugin's side of an extension's table: what each slot holds, and what a caller's arguments
//! must be before an implementation sees them.

use super::call::{path, rust_type};
use super::ctype::{CType, primitive};
use super::musts::{Must, must};
use super::names;
use super::vtable::param_ident;
use crate::model::gates::{Verdict, end};
use crate::model::{ERROR, Model};
use crate::schema::{
    Direction, Extension, Field, Function, Header, Param, Slot, Struct, StructKind,
};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// A slot of an extension's table.
pub struct ServedSlot<'m> {
    /// The fact.
    pub field: &'m Field,
    /// The field of the table in the bindings.
    pub member: Ident,
    /// The method of the plugin's trait.
    pub method: Ident,
    /// The name among the slots that may be left out.
    pub variant: Ident,
    /// What it holds.
    pub holds: Holds<'m>,
}

/// What a slot holds.
pub enum Holds<'m> {
    /// A function with a struct of arguments.
    Args(Arguments<'m>),
    /// A function with parameters by position.
    Positional {
        /// The fact.
        function: &'m Function,
        /// Its parameters.
        params: Vec<(Ident, TokenStream)>,
        /// What it gives back.
        gives: Gives,
    },
    /// A flag, or a pointer to data, with the value that stands for none.
    Value {
        /// Its type.
        ty: TokenStream,
        /// No value.
        none: TokenStream,
        /// It is a truth value, which the bindings have as a byte.
        truth: bool,
    },
}

/// What a function gives back.
pub enum Gives {
    /// An error, or null.
    Error,
    /// Nothing.
    Nothing,
    /// A value.
    Value(TokenStream),
}

/// A struct of arguments as a plugin sees it.
pub struct Arguments<'m> {
    /// The fact.
    pub function: &'m Function,
    /// The struct.
    pub structure: &'m Struct,
    /// Its path in the bindings.
    pub path: TokenStream,
    /// The pointer to it, as the function takes it.
    pub pointer: TokenStream,
    /// What the function gives back.
    pub gives: Gives,
    /// The size of the struct in the first revision of its header; 0 where it does not say its size.
    pub least: u64,
    /// Its fields.
    pub fields: Vec<Argument<'m>>,
}

/// A field of arguments.
pub struct Argument<'m> {
    /// The fact.
    pub field: &'m Field,
    /// Who fills it.
    pub direction: Direction,
    /// What it must be.
    pub must: Must<'m>,
}

/// The names that the trait has of its own.
const OWN: [&str; 3] = ["error", "instance", "offers"];

/// Lowers the table of a header's extension. Slots of deleted functions are left out: they are null.
///
/// # Errors
///
/// The first slot that no rule fits.
pub fn slots<'m>(
    model: &'m Model,
    header: &'m Header,
    extension: &Extension,
) -> Result<Vec<ServedSlot<'m>>, String> {
    let table = header.structs.iter().find(|s| s.name == extension.table);
    let table = table.ok_or_else(|| format!("{}: no such struct", extension.table))?;
    let slots = table.fields.iter();
    let slots = slots.filter(|f| !matches!(f.slot, None | Some(Slot::Deprecated)));
    slots
        .map(|field| {
            let holds = holds(model, extension, field)
                .ok_or_else(|| format!("{}.{}: no rule for the slot", table.name, field.name))?;
            let stem = names::call_name(&field.name);
            let method = match OWN.contains(&stem.as_str()) {
                true => names::ident(&format!("{stem}_slot")),
                false => names::ident(&stem),
            };
            Ok(ServedSlot {
                field,
                member: names::ident(&field.name),
                method,
                variant: names::ident(&names::type_name(&field.name)),
                holds,
            })
        })
        .collect()
}

fn holds<'m>(model: &'m Model, extension: &Extension, field: &'m Field) -> Option<Holds<'m>> {
    if field.slot != Some(Slot::Function) {
        let ty = CType::of_field(field)?;
        return Some(Holds::Value {
            ty: rust_type(model, &ty)?,
            none: none(model, &ty)?,
            truth: field.slot == Some(Slot::Flag) && ty.name() == Some("bool"),
        });
    }
    let function = model.held_by(&extension.table, &field.name)?;
    let gives = match function.signature.returns.as_str() {
        "void" | "" => Gives::Nothing,
        other => match CType::parse(other)? {
            ty if ty.pointer_to() == Some(ERROR) => Gives::Error,
            ty => Gives::Value(rust_type(model, &ty)?),
        },
    };
    let structure = function.args.as_deref().and_then(|s| model.structure(s));
    let structure = structure.filter(|s| s.kind != StructKind::Handle);
    if let (Some(structure), [param]) = (structure, function.signature.params.as_slice()) {
        return arguments(model, function, structure, param, gives).map(Holds::Args);
    }
    let params = function.signature.params.iter().enumerate();
    let params = params.map(|(at, param)| {
        let ty = rust_type(model, &CType::spelt(&param.ty)?)?;
        Some((param_ident(at, &param.name), ty))
    });
    Some(Holds::Positional {
        function,
        params: params.collect::<Option<_>>()?,
        gives,
    })
}

/// The value of a type that says nothing.
fn none(model: &Model, ty: &CType) -> Option<TokenStream> {
    Some(match ty {
        CType::Named(name) => match primitive(name) {
            Some("bool") => quote!(false),
            Some("f32" | "f64") => quote!(0.0),
            Some(_) => quote!(0),
            None => {
                let path = rust_type(model, ty)?;
                match model.enumeration(name).is_some() {
                    true => quote!(#path(0)),
                    false if model.structure(name).is_some() => quote!(<#path>::zeroed()),
                    false => return None,
                }
            }
        },
        CType::Pointer { is_const: true, .. } => quote!(::core::ptr::null()),
        CType::Pointer { .. } => quote!(::core::ptr::null_mut()),
        CType::Function(_) => quote!(::core::option::Option::None),
        CType::Array(item, length) => {
            let item = none(model, item)?;
            let length = proc_macro2::Literal::u64_unsuffixed(*length);
            quote!([#item; #length])
        }
        CType::Union => return None,
    })
}

fn arguments<'m>(
    model: &'m Model,
    function: &'m Function,
    structure: &'m Struct,
    param: &Param,
    gives: Gives,
) -> Option<Arguments<'m>> {
    let pointer = CType::parse(&param.ty)?;
    // What the function may not write stays with the caller.
    let read_only = matches!(pointer, CType::Pointer { is_const: true, .. });
    let entry = model.entry(&function.name);
    let fields = structure.fields.iter().map(|field| {
        let direction = match read_only {
            true => Direction::In,
            false => model.direction(&function.name, field),
        };
        Argument {
            field,
            direction,
            must: match direction {
                Direction::Out => Must::Be,
                _ => must(entry, structure, field),
            },
        }
    });
    Some(Arguments {
        function,
        structure,
        path: path(model, &structure.name)?,
        pointer: rust_type(model, &pointer)?,
        gives,
        least: least(model, structure),
        fields: fields.collect(),
    })
}

/// How many bytes a caller of the first recorded revision gives.
fn least(model: &Model, structure: &Struct) -> u64 {
    if !Model::is_versioned(structure) {
        return 0;
    }
    let now = structure.struct_size.unwrap_or(structure.size);
    let now = now.min(end(structure));
    let rows = model.versions.gates.of(model.item_of(&structure.name));
    let then = rows.iter().filter_map(|row| match row.verdict {
        Verdict::Known { sent, known } => Some(u64::from(sent.min(known))),
        Verdict::Absent | Verdict::Incompatible => None,
    });
    then.fold(now, u64::min)
}
