//! Tables of positional functions behind an object: what each slot takes and gives.

use super::call::{path, rust_type};
use super::ctype::CType;
use super::names;
use crate::model::{ERROR, Model};
use crate::overlay::VtableEntry;
use crate::schema::{Field, Slot, Struct};
use proc_macro2::{Ident, TokenStream};

/// The field of a table that tells the size of its objects.
pub const INSTANCE_SIZE: &str = "instance_size";

/// A table, and the object that it belongs to.
pub struct Vtable<'m> {
    /// The judgement.
    pub entry: &'m VtableEntry,
    /// The fact.
    pub table: &'m Struct,
    /// Path of the table's type.
    pub path: TokenStream,
    /// Path of the object's type.
    pub object: TokenStream,
    /// The object's field that points to the table.
    pub pointer: Ident,
    /// The field that the functions take; none: they take the object's address.
    pub data: Option<Ident>,
    /// Name of the type that counts references, if they are counted.
    pub counted: Ident,
    /// Its first slot: what is before it every table has.
    pub head: Ident,
    /// The field that tells the size of an object.
    pub instance: Option<Ident>,
    /// The slots.
    pub slots: Vec<VtableSlot<'m>>,
}

/// A slot.
pub struct VtableSlot<'m> {
    /// The fact.
    pub field: &'m Field,
    /// Its name in the bindings.
    pub slot: Ident,
    /// Name of the checked call.
    pub ident: Ident,
    /// Name of the struct of outputs.
    pub output: Ident,
    /// The first minor version from which on it is there as it is today.
    pub since: u32,
    /// What it holds.
    pub holds: Holds,
}

/// What a slot holds.
pub enum Holds {
    /// A function: its parameters but the object, and what comes back.
    Function(Vec<Param>, Gives),
    /// A pointer to data, of this type.
    Data(TokenStream),
}

/// A parameter.
pub struct Param {
    /// Rust name.
    pub ident: Ident,
    /// C type.
    pub c_type: String,
    /// Rust type; of an output, what the pointer points to.
    pub ty: TokenStream,
    /// The function fills it.
    pub is_output: bool,
}

/// What a function returns.
pub enum Gives {
    /// Nothing.
    Nothing,
    /// An error, null for success.
    Error,
    /// A value.
    Value(TokenStream),
}

/// Lowers a table that the overlay has an entry for.
pub fn vtable<'m>(model: &'m Model, table: &'m Struct) -> Option<Vtable<'m>> {
    let entry = model.overlay.vtables.get(&table.name)?;
    let object = model.structure(&entry.object)?;
    let stem = names::call_name(&object.name);
    let type_stem = names::type_name(&object.name);
    let mut fields = object.fields.iter();
    let pointer = names::ident(&fields.next()?.name);
    let data = fields.next().map(|f| names::ident(&f.name));
    let mut slots = Vec::new();
    for field in table.fields.iter().filter(|f| f.slot.is_some()) {
        let Some(holds) = holds(model, entry, field) else {
            continue;
        };
        let name = names::call_name(&field.name);
        let own = format!("{}.{}", table.name, field.name);
        let since = model
            .versions
            .since
            .get(&own)
            .or(model.versions.since.get(&table.name));
        slots.push(VtableSlot {
            field,
            slot: names::ident(&field.name),
            ident: names::ident(&format!("{stem}_vtable_{name}")),
            output: names::ident(&format!(
                "{type_stem}Vtable{}Out",
                names::type_name(&field.name)
            )),
            since: since.copied().unwrap_or(0),
            holds,
        });
    }
    let mut heads = table.fields.iter().filter(|f| f.slot.is_some());
    let instance = table.fields.iter().find(|f| f.name == INSTANCE_SIZE);
    Some(Vtable {
        entry,
        table,
        path: path(model, &table.name)?,
        object: path(model, &object.name)?,
        pointer,
        data,
        counted: names::ident(&format!("{type_stem}Counted")),
        head: names::ident(&heads.next()?.name),
        instance: instance.map(|f| names::ident(&f.name)),
        slots,
    })
}

fn holds(model: &Model, entry: &VtableEntry, field: &Field) -> Option<Holds> {
    let Some(signature) = &field.signature else {
        let data = field.slot == Some(Slot::Data);
        return data
            .then(|| rust_type(model, &CType::of_field(field)?).map(Holds::Data))
            .flatten();
    };
    let outputs = entry.outputs.get(&field.name);
    // The first one is the object.
    let params = signature.params.iter().enumerate().skip(1);
    let params = params.map(|(at, param)| {
        let is_output = outputs.is_some_and(|o| o.contains(&param.name));
        let ty = CType::spelt(&param.ty)?;
        let ty = match (is_output, ty) {
            (true, CType::Pointer { to, .. }) => *to,
            (true, _) => return None,
            (false, ty) => ty,
        };
        Some(Param {
            ident: param_ident(at, &param.name),
            c_type: param.ty.clone(),
            ty: rust_type(model, &ty)?,
            is_output,
        })
    });
    let params = params.collect::<Option<Vec<_>>>()?;
    let gives = match signature.returns.as_str() {
        "void" => Gives::Nothing,
        other => {
            let ty = CType::parse(other)?;
            if ty.pointer_to() == Some(ERROR) {
                Gives::Error
            } else {
                Gives::Value(rust_type(model, &ty)?)
            }
        }
    };
    Some(Holds::Function(params, gives))
}

/// A parameter's name, which is none of the checked call's own.
pub(crate) fn param_ident(at: usize, name: &str) -> Ident {
    const OWN: [&str; 6] = ["api", "object", "table", "function", "returned", "traced"];
    match name {
        "" => names::ident(&format!("arg{at}")),
        own if OWN.contains(&own) => names::ident(&format!("{own}_")),
        other => names::ident(other),
    }
}
