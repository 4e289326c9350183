//! Layer 2: which fields of an args struct go in, which come out, and how they are spelt.

use super::ctype::{CSignature, CType, primitive};
use super::{names, place};
use crate::emit::sys_names;
use crate::model::{API_TABLE, ERROR, HEADER_FIELDS, Model};
use crate::schema::{Direction, Field, Function, Struct};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// What a C function's result means to the checked call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallResult {
    /// `PJRT_Error*`, null for success.
    Error,
    /// A pointer to the error type that the table has of its own, null for success.
    Own,
    /// Nothing.
    Void,
}

/// A field that a caller gives or gets.
pub struct CallField<'m> {
    /// The fact.
    pub field: &'m Field,
    /// Rust name.
    pub ident: Ident,
    /// Rust type, as in the bindings.
    pub ty: TokenStream,
}

/// A checked call.
pub struct Call<'m> {
    /// The fact.
    pub function: &'m Function,
    /// Rust name.
    pub ident: Ident,
    /// Name of the struct of inputs.
    pub input: Ident,
    /// Name of the struct of outputs.
    pub output: Ident,
    /// Path of the args struct in the bindings.
    pub args: TokenStream,
    /// The args struct.
    pub structure: &'m Struct,
    /// What comes back.
    pub result: CallResult,
    /// The table is the API's own, not an extension's.
    pub core: bool,
    /// The Rust type of the table, where an extension points at it.
    pub behind: Option<Ident>,
    /// The slot's name in its table.
    pub slot: Ident,
    /// Fields to fill.
    pub inputs: Vec<CallField<'m>>,
    /// Fields to read.
    pub outputs: Vec<CallField<'m>>,
}

/// A versioned struct that callers pass by pointer: every field but its header.
pub struct Nested<'m> {
    /// The fact.
    pub structure: &'m Struct,
    /// Rust name.
    pub ident: Ident,
    /// Path of the C struct.
    pub path: TokenStream,
    /// Fields.
    pub fields: Vec<CallField<'m>>,
}

/// Lowers a function. None: its form is not the regular one (one args struct by pointer, an
/// error or nothing back).
pub fn call<'m>(model: &'m Model, function: &'m Function) -> Option<Call<'m>> {
    let structure = model.structure(function.args.as_deref()?)?;
    let behind = model.behind(&function.table);
    let own_error = behind.map(|table| table.entry.error.as_str());
    let result = match CType::parse(&function.signature.returns) {
        Some(ty) if ty.pointer_to() == Some(ERROR) => CallResult::Error,
        Some(ty) if own_error.is_some() && ty.pointer_to() == own_error => CallResult::Own,
        Some(CType::Named(name)) if name == "void" => CallResult::Void,
        _ => return None,
    };
    let mut inputs = Vec::new();
    let mut outputs = Vec::new();
    for field in payload(structure).filter(|f| !model.reserved(&function.name, &f.name)) {
        let direction = model.direction(&function.name, field);
        if direction != Direction::Out {
            inputs.push(call_field(model, field)?);
        }
        if direction != Direction::In {
            outputs.push(call_field(model, field)?);
        }
    }
    let type_name = names::type_name(&function.name);
    Some(Call {
        function,
        ident: names::ident(&names::call_name(&function.name)),
        input: names::ident(&format!("{type_name}In")),
        output: names::ident(&format!("{type_name}Out")),
        args: path(model, &structure.name)?,
        structure,
        result,
        core: function.table == API_TABLE,
        behind: behind.map(|table| table_type(table.name)),
        slot: names::ident(&function.slot),
        inputs,
        outputs,
    })
}

/// The Rust type of a table that an extension points at.
pub fn table_type(table: &str) -> Ident {
    names::ident(&names::type_name(table))
}

impl<'m> Call<'m> {
    /// The call with another struct in the place of its args struct: every field is an input.
    pub fn over(&self, model: &'m Model, structure: &'m Struct) -> Option<Call<'m>> {
        let inputs = structure
            .fields
            .iter()
            .map(|f| call_field(model, f))
            .collect::<Option<Vec<_>>>()?;
        Some(Call {
            function: self.function,
            ident: self.ident.clone(),
            input: self.input.clone(),
            output: self.output.clone(),
            args: path(model, &structure.name)?,
            structure,
            result: self.result.clone(),
            core: self.core,
            behind: self.behind.clone(),
            slot: self.slot.clone(),
            inputs,
            outputs: Vec::new(),
        })
    }
}

/// Lowers a versioned struct.
pub fn nested<'m>(model: &'m Model, structure: &'m Struct) -> Option<Nested<'m>> {
    let fields = payload(structure)
        .map(|f| call_field(model, f))
        .collect::<Option<Vec<_>>>()?;
    Some(Nested {
        structure,
        ident: names::ident(&names::type_name(&structure.name)),
        path: path(model, &structure.name)?,
        fields,
    })
}

/// The fields behind a struct's header.
pub fn payload(structure: &Struct) -> impl Iterator<Item = &Field> {
    structure
        .fields
        .iter()
        .filter(|f| !HEADER_FIELDS.contains(&f.name.as_str()))
}

/// The fields that a caller of a function gives.
pub fn inputs<'m>(
    model: &Model,
    function: &Function,
    structure: &'m Struct,
) -> impl Iterator<Item = &'m Field> {
    payload(structure).filter(|f| model.direction(&function.name, f) != Direction::Out)
}

fn call_field<'m>(model: &'m Model, field: &'m Field) -> Option<CallField<'m>> {
    let ty = rust_type(model, &CType::of_field(field)?)?;
    Some(CallField {
        field,
        ident: names::ident(&field.name),
        ty,
    })
}

/// Path of a C type in the bindings.
pub fn path(model: &Model, name: &str) -> Option<TokenStream> {
    sibling(model, name, "")
}

/// Path of what stands beside a C type in the bindings, under its name and a suffix.
pub fn sibling(model: &Model, name: &str, suffix: &str) -> Option<TokenStream> {
    let module = model.module_of(name)?;
    let path = place::sys(model, module);
    let ident = names::ident(&format!("{}{suffix}", sys_names::ty(name)));
    Some(quote!(#path #ident))
}

/// Spells a C type as the bindings do.
pub fn rust_type(model: &Model, ty: &CType) -> Option<TokenStream> {
    match ty {
        CType::Named(name) => match primitive(name) {
            Some(spelling) => spelling.parse().ok(),
            None => path(model, name),
        },
        CType::Pointer { is_const, to } => {
            // A pointer to a function type is a nullable function in the bindings.
            if let Some(function) = to.name().filter(|n| model.function(n).is_some()) {
                return path(model, function);
            }
            let to = rust_type(model, to)?;
            Some(if *is_const {
                quote!(*const #to)
            } else {
                quote!(*mut #to)
            })
        }
        CType::Array(item, length) => {
            let item = rust_type(model, item)?;
            let length = proc_macro2::Literal::u64_unsuffixed(*length);
            Some(quote!([#item; #length]))
        }
        CType::Function(signature) => function_type(model, signature),
        CType::Union => None,
    }
}

fn function_type(model: &Model, signature: &CSignature) -> Option<TokenStream> {
    let params = signature
        .params
        .iter()
        .map(|(_, ty)| rust_type(model, ty))
        .collect::<Option<Vec<_>>>()?;
    let returns = match &signature.returns {
        Some(ty) => {
            let ty = rust_type(model, ty)?;
            quote!(-> #ty)
        }
        None => quote!(),
    };
    Some(quote!(::core::option::Option<unsafe extern "C" fn(#(#params),*) #returns>))
}
