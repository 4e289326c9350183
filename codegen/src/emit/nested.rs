//! Structs within arguments that take their size by themselves.

use super::calls::{inputs, knows, refuse, size_constant};
use super::gates;
use crate::lower::call::Nested;
use crate::lower::names;
use crate::model::Model;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The Rust struct of a C struct that takes its size by itself.
pub(super) fn nested(model: &Model, nested: &Nested<'_>) -> TokenStream {
    let (name, path) = (&nested.ident, &nested.path);
    let c_name = &nested.structure.name;
    let doc = format!(" The fields of `{c_name}`, which takes its size by itself.");
    let (later, first): (Vec<_>, Vec<_>) = nested
        .fields
        .iter()
        .partition(|f| model.later(c_name, &f.field.name).is_some());
    let later: Vec<_> = later
        .into_iter()
        .map(|f| (f, model.later(c_name, &f.field.name).unwrap_or_default()))
        .collect();
    let members = inputs(model, (name, c_name), &doc, &first, &later);
    let fill_first = first.iter().map(|field| {
        let ident = &field.ident;
        quote!(value.#ident = self.#ident;)
    });
    let fill_later = later.iter().map(|(field, since)| {
        let ident = &field.ident;
        let given = names::ident("given");
        let refuse = refuse(model, field, *since, &given, (c_name, "STRUCT"));
        quote! {
            if let ::core::option::Option::Some(given) = self.#ident {
                #refuse
                value.#ident = given;
            }
        }
    });
    // A struct that some plugins lack is refused by them, one that never changed is not asked about.
    let all_rows = model.versions.gates.of(c_name);
    let rows = gates::rows(all_rows);
    let gate = (!all_rows.is_empty()).then(|| quote!(let gate = api.gate_of(&STRUCT, #rows)?;));
    let since = Literal::u32_unsuffixed(gates::since(all_rows));
    let knows = knows(
        model,
        c_name,
        name,
        &later,
        &quote!(api: &::pjrt::__rt::Api),
        &quote!(let gate = api.gate_of(&ITEM, #rows)?;),
    );
    let size = if gates::is_sized(model, nested.structure) {
        quote!(gate.sent as usize)
    } else {
        size_constant(model, nested.structure, path)
    };
    let unused = match &gate {
        Some(_) => quote!(let _ = gate;),
        None => quote!(let _ = (api, STRUCT);),
    };
    let zero = first.iter().map(|field| {
        let ident = &field.ident;
        quote!(#ident: value.#ident)
    });
    let unset = later.iter().map(|(field, _)| {
        let ident = &field.ident;
        quote!(#ident: ::core::option::Option::None)
    });
    quote! {
        #members
        #knows
        impl #name {
            /// All fields zero or null, which leaves them unset.
            pub fn unset() -> Self {
                let value = <#path>::zeroed();
                Self { #(#zero,)* #(#unset),* }
            }
            /// The C struct, sized for the plugin.
            ///
            /// # Errors
            ///
            /// A field is set that the plugin is too old to know.
            pub fn lower(&self, api: &::pjrt::__rt::Api) -> ::pjrt::Result<#path> {
                const STRUCT: ::pjrt::__rt::Function = ::pjrt::__rt::Function { name: #c_name, since: #since };
                #gate
                #unused
                let mut value = <#path>::zeroed();
                value.struct_size = #size;
                #(#fill_first)*
                #(#fill_later)*
                ::core::result::Result::Ok(value)
            }
        }
    }
}
