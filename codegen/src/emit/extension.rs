//! The type of an extension, with the methods of its functions.

use super::{docs, methods};
use crate::lower::method::{self, Receiver};
use crate::lower::{names, place};
use crate::model::Model;
use crate::overlay::ExtensionEntry;
use crate::schema::{Extension, Header};
use proc_macro2::TokenStream;
use quote::quote;

/// The extension that a header declares, and the judgement on it.
pub(super) fn declared<'m>(
    model: &'m Model,
    header: &'m Header,
) -> Result<(&'m Extension, &'m ExtensionEntry), String> {
    let fact = header
        .extension
        .as_ref()
        .ok_or_else(|| format!("`{}` declares no extension", header.module))?;
    let entry = model.overlay.extensions.get(&fact.name);
    let entry = entry.ok_or_else(|| format!("no [extension.{}] in the overlay", fact.name))?;
    Ok((fact, entry))
}

/// The Rust type of the extension that a header declares.
pub fn extension(model: &Model, header: &Header) -> Result<TokenStream, String> {
    let (fact, entry) = declared(model, header)?;
    let (ident, raw, name) = (
        names::ident(&entry.rust),
        place::raw(model, &header.module),
        &fact.name,
    );
    let doc = docs::lines(&entry.doc);
    let c_doc = format!(
        " The extension's number is {}, its table `{}`.",
        fact.number, fact.table
    );
    let on = Receiver::Extension(&header.module);
    let methods = method::methods(model, on).map_err(|errors| errors.join("; "))?;
    let emitted = methods
        .iter()
        .map(|m| methods::method(model, m))
        .collect::<Result<Vec<_>, _>>()?;
    let items = emitted.iter().map(|e| &e.method);
    let results = emitted.iter().map(|e| &e.result);
    Ok(quote! {
        #doc
        #[doc = ""]
        #[doc = #c_doc]
        #[derive(Clone, Copy)]
        pub struct #ident {
            table: &'static ::pjrt::__rt::Table<#raw Table>,
        }
        impl ::pjrt::Extension for #ident {
            const NAME: &'static str = #name;
            fn of(plugin: &::pjrt::Plugin) -> ::pjrt::Result<Self> {
                let api = ::pjrt::__rt::OnPlugin::api(plugin);
                ::core::result::Result::Ok(Self { table: api.extension()? })
            }
        }
        impl ::core::fmt::Debug for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(#name)
            }
        }
        impl #ident { #(#items)* }
        #(#results)*
    })
}
