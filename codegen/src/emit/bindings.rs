//! Raw bindings of a header, for the crate of a vendor. Names, shapes and layouts are those of the
//! facts, spelt as the bindings of upstream's headers are; the compiler asserts every offset.

use super::sys_names;
use crate::lower::call::rust_type;
use crate::lower::ctype::{CSignature, CType, primitive};
use crate::lower::names;
use crate::model::Model;
use crate::schema::{Enum, Field, FunctionForm, Header, Macro, Signature, Struct};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use std::collections::BTreeSet;

/// The declarations of a header.
///
/// # Errors
///
/// A type that has no Rust spelling.
pub fn module(model: &Model, header: &Header) -> Result<TokenStream, String> {
    let macros = header.macros.iter().map(constant);
    let shared = shared_values(&header.enums);
    let enums = header.enums.iter().map(|item| enumeration(item, &shared));
    let enums = enums.collect::<Result<Vec<_>, _>>()?;
    let opaques = header.opaques.iter().map(|o| opaque(&o.name));
    let mut typedefs = Vec::new();
    for item in &header.aliases {
        let ident = names::ident(&sys_names::ty(&item.name));
        let ty = spelt(model, &item.name, CType::parse(&item.ty))?;
        typedefs.push(quote!(pub type #ident = #ty;));
    }
    for item in &header.callbacks {
        typedefs.push(function_type(model, &item.name, &item.signature)?);
    }
    let mut seen = BTreeSet::new();
    for item in &header.functions {
        // Several slots may share one function type; what is spelt inside the table has no name.
        if item.form != FunctionForm::Member && seen.insert(item.name.as_str()) {
            typedefs.push(function_type(model, &item.name, &item.signature)?);
        }
    }
    let structs = header.structs.iter().map(|item| structure(model, item));
    let structs = structs.collect::<Result<Vec<_>, _>>()?;
    Ok(quote!(#(#macros)* #(#enums)* #(#opaques)* #(#typedefs)* #(#structs)*))
}

/// A macro that is a whole number or a text; another is left out.
fn constant(item: &Macro) -> TokenStream {
    let ident = names::ident(&item.name);
    let value = item.value.trim().trim_matches(['(', ')']);
    let digits = value.trim_end_matches(['u', 'U', 'l', 'L']);
    let number = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => digits.parse::<i64>().ok(),
    };
    if let Some(number) = number {
        let literal = Literal::i64_unsuffixed(number);
        return match u32::try_from(number) {
            Ok(_) => quote!(pub const #ident: u32 = #literal;),
            Err(_) => quote!(pub const #ident: i64 = #literal;),
        };
    }
    let text = value.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    match text.filter(|t| !t.contains(['\\', '"'])) {
        Some(text) => quote!(pub const #ident: &str = #text;),
        None => quote!(),
    }
}

/// Names that values of several enumerations have: C++ scopes them.
fn shared_values(enums: &[Enum]) -> BTreeSet<&str> {
    let mut seen = BTreeSet::new();
    let all = enums.iter().flat_map(|item| &item.values);
    let names = all.map(|value| value.name.as_str());
    names.filter(|name| !seen.insert(*name)).collect()
}

/// An open newtype with a constant for each value beside it.
fn enumeration(item: &Enum, shared: &BTreeSet<&str>) -> Result<TokenStream, String> {
    let of = sys_names::ty(&item.name);
    let ident = names::ident(&of);
    let repr = primitive(&item.repr)
        .and_then(|r| r.parse::<TokenStream>().ok())
        .ok_or_else(|| format!("{}: no Rust type for `{}`", item.name, item.repr))?;
    let values = item.values.iter().map(|value| {
        // Values of a C++ scoped enumeration carry its name in no way of their own.
        let name = match shared.contains(value.name.as_str()) {
            true => names::ident(&format!("{of}_{}", value.name)),
            false => names::ident(&value.name),
        };
        let number = Literal::i64_unsuffixed(value.value);
        quote!(pub const #name: #ident = #ident(#number);)
    });
    Ok(quote! {
        #[repr(transparent)]
        #[derive(Debug, Copy, Clone, Hash, PartialEq, Eq)]
        pub struct #ident(pub #repr);
        #(#values)*
    })
}

/// A type that is only held by pointer.
fn opaque(name: &str) -> TokenStream {
    let ident = names::ident(&sys_names::ty(name));
    quote! {
        #[repr(C)]
        #[derive(Debug)]
        pub struct #ident { _unused: [u8; 0] }
    }
}

fn function_type(model: &Model, name: &str, of: &Signature) -> Result<TokenStream, String> {
    let ident = names::ident(name);
    let signature = CSignature::of(of).map(|s| CType::Function(Box::new(s)));
    let ty = spelt(model, name, signature)?;
    Ok(quote!(pub type #ident = #ty;))
}

fn spelt(model: &Model, place: &str, ty: Option<CType>) -> Result<TokenStream, String> {
    ty.and_then(|ty| rust_type(model, &ty))
        .ok_or_else(|| format!("{place}: its type has no Rust spelling"))
}

/// The members of a struct, and the unions among them.
struct Members {
    /// Declarations.
    fields: Vec<TokenStream>,
    /// Rust names and offsets.
    offsets: Vec<(Ident, u64)>,
    /// The types of anonymous unions.
    unions: Vec<TokenStream>,
}

fn structure(model: &Model, item: &Struct) -> Result<TokenStream, String> {
    let name = sys_names::structure(item);
    let ident = names::ident(&sys_names::ty(name));
    if item.fields.is_empty() {
        return Ok(opaque(name));
    }
    let Members {
        fields,
        offsets,
        unions,
    } = members(model, item)?;
    let (size, align) = (
        Literal::u64_unsuffixed(item.size),
        Literal::u64_unsuffixed(item.align),
    );
    let (places, offsets): (Vec<_>, Vec<_>) = offsets
        .into_iter()
        .map(|(ident, offset)| (ident, Literal::u64_unsuffixed(offset)))
        .unzip();
    // Where the typedef has another name, both exist.
    let alias = (name != item.name).then(|| {
        let alias = names::ident(&sys_names::ty(&item.name));
        quote!(pub type #alias = #ident;)
    });
    let constant = sys_names::struct_size(item).map(|constant| {
        let constant = names::ident(&constant);
        let value = Literal::u64_unsuffixed(item.struct_size.unwrap_or(item.size));
        quote!(pub const #constant: usize = #value;)
    });
    let of_alias = (name != item.name && item.struct_size.is_some()).then(|| {
        let constant = names::ident(&format!("{}_STRUCT_SIZE", item.name));
        let value = Literal::u64_unsuffixed(item.struct_size.unwrap_or(item.size));
        quote!(pub const #constant: usize = #value;)
    });
    Ok(quote! {
        #(#unions)*
        #constant
        #of_alias
        #[repr(C)]
        #[derive(Copy, Clone)]
        pub struct #ident { #(#fields)* }
        #alias
        #[cfg(target_pointer_width = "64")]
        const _: () = {
            ::core::assert!(::core::mem::size_of::<#ident>() == #size);
            ::core::assert!(::core::mem::align_of::<#ident>() == #align);
            #(::core::assert!(::core::mem::offset_of!(#ident, #places) == #offsets);)*
        };
        impl #ident {
            /// A value whose bytes are all zero: null pointers, absent functions, zeros.
            #[must_use]
            pub const fn zeroed() -> Self {
                ::pjrt::__rt::safety!("the type is declared in C and made of numbers, pointers, absent functions, and arrays, structs and unions of these: zero bytes are a value of each.");
                unsafe { ::core::mem::zeroed() }
            }
        }
        impl ::core::default::Default for #ident {
            fn default() -> Self { Self::zeroed() }
        }
    })
}

fn members(model: &Model, item: &Struct) -> Result<Members, String> {
    let mut members = Members {
        fields: Vec::new(),
        offsets: Vec::new(),
        unions: Vec::new(),
    };
    for field in &item.fields {
        let (ident, ty) = if field.members.is_empty() {
            let ident = names::ident(&field.name);
            (ident, field_type(model, item, field)?)
        } else {
            let ordinal = members.unions.len().saturating_add(1);
            let ty = names::ident(&sys_names::union_type(item, ordinal));
            members.unions.push(union(model, item, field, &ty)?);
            let ident = names::ident(&sys_names::union_field(ordinal));
            (ident, quote!(#ty))
        };
        members.fields.push(quote!(pub #ident: #ty,));
        members.offsets.push((ident, field.offset));
    }
    Ok(members)
}

fn union(model: &Model, item: &Struct, of: &Field, ty: &Ident) -> Result<TokenStream, String> {
    let mut fields = Vec::new();
    for field in &of.members {
        let (ident, ty) = (names::ident(&field.name), field_type(model, item, field)?);
        fields.push(quote!(pub #ident: #ty,));
    }
    Ok(quote! {
        #[repr(C)]
        #[derive(Copy, Clone)]
        pub union #ty { #(#fields)* }
    })
}

fn field_type(model: &Model, item: &Struct, field: &Field) -> Result<TokenStream, String> {
    let place = format!("{}.{}", item.name, field.name);
    // A plugin may store any byte in its table, which is copied whole: a `bool` must not be made of
    // what is none.
    let ty = CType::of_field(field);
    let table = item.fields.iter().any(|f| f.slot.is_some());
    let ty = match ty.filter(|_| table) {
        Some(ty) => Some(without_bool(model, &place, ty)?),
        None => CType::of_field(field),
    };
    spelt(model, &place, ty)
}

/// A type of a table with bytes in the place of truth values.
fn without_bool(model: &Model, place: &str, ty: CType) -> Result<CType, String> {
    match ty {
        CType::Array(item, length) => {
            let item = without_bool(model, place, *item)?;
            Ok(CType::Array(Box::new(item), length))
        }
        CType::Named(name) if name == "bool" => Ok(CType::Named("uint8_t".to_owned())),
        CType::Named(name) => {
            let aliases = model.facts.headers.iter().flat_map(|h| &h.aliases);
            let alias = aliases.into_iter().find(|a| a.name == name);
            if let Some(of) = alias.and_then(|a| CType::parse(&a.ty)) {
                return without_bool(model, place, of);
            }
            let holds = |s: &Struct| s.fields.iter().any(|f| f.ty.starts_with("bool"));
            match model.structure(&name).is_some_and(holds) {
                true => Err(format!(
                    "{place}: a table cannot hold `{name}` by value, which has a truth value"
                )),
                false => Ok(CType::Named(name)),
            }
        }
        other => Ok(other),
    }
}
