//! Tables of a module: their Rust types, and what the history knows of them.

use super::gates;
use crate::lower::{call, names};
use crate::model::{API_TABLE, Model};
use crate::overlay::SupportEntry;
use crate::schema::{Extension, Header, Struct, StructKind};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// What the history knows of the API's own table.
pub(super) fn main_table(model: &Model, header: &Header) -> Option<TokenStream> {
    let table = header.structs.iter().find(|s| s.name == API_TABLE)?;
    let history = gates::history(model, &table.name);
    let doc = format!(" What the history knows of `{}`.", table.name);
    // The struct that every extension's table begins with.
    let bases = header
        .structs
        .iter()
        .filter(|s| s.kind == StructKind::Value);
    let base = bases.filter(|s| model.facts.headers.iter().any(|h| begins_extension(h, s)));
    let chain = base.map(|base| {
        let rows = gates::rows(model.versions.gates.of(&base.name));
        let doc = format!(" What the history knows of `{}`.", base.name);
        quote! {
            #[doc = #doc]
            #[doc(hidden)]
            pub const CHAIN: &[::pjrt::__rt::Row] = #rows;
        }
    });
    let chain = chain.take(1);
    let oldest = oldest(model);
    let chain = quote!(#(#chain)*);
    Some(quote! {
        #[doc = #doc]
        #[doc(hidden)]
        pub const HISTORY: ::pjrt::__rt::History = #history;
        #(#oldest)*
        #chain
    })
}

/// The oldest supported versions: `OLDEST`, major and minor, of the API's table, and the minor of
/// another header's as `OLDEST_` and its module.
fn oldest(model: &Model) -> Vec<TokenStream> {
    let entries = model.overlay.supports.iter();
    let constant = |(table, entry): (&String, &SupportEntry)| {
        let minor = Literal::u32_unsuffixed(entry.oldest);
        let (name, ty, value, what) = if table == API_TABLE {
            let major = Literal::u32_unsuffixed(model.facts.major);
            let value = quote!((#major, #minor));
            (
                "OLDEST".to_owned(),
                quote!((i32, i32)),
                value,
                "major and minor",
            )
        } else {
            let name = format!("OLDEST_{}", model.module_of(table)?.to_uppercase());
            (name, quote!(i32), quote!(#minor), "the minor")
        };
        let name = names::ident(&name);
        let doc = format!(" The oldest version of `{table}` that is supported: {what}.");
        Some(quote! {
            #[doc = #doc]
            #[doc(hidden)]
            pub const #name: #ty = #value;
        })
    };
    entries.filter_map(constant).collect()
}

/// Whether the header's extension has a table that begins with the struct.
fn begins_extension(header: &Header, base: &Struct) -> bool {
    let table = header.extension.as_ref().map(|e| &e.table);
    let mut tables = header.structs.iter().filter(|s| Some(&s.name) == table);
    tables.any(|t| t.fields.first().is_some_and(|f| f.ty == base.name))
}

/// The type of an extension's table: one of the module's own, for the trait that says what it is
/// belongs to another crate, as the C struct may.
pub(super) fn table(model: &Model, extension: &Extension) -> Option<TokenStream> {
    let path = call::path(model, &extension.table)?;
    let (name, number) = (&extension.name, Literal::u32_unsuffixed(extension.number));
    let doc = format!(" The table of the extension {name}: `{}`.", extension.table);
    let history = gates::history(model, &extension.table);
    Some(quote! {
        #[doc = #doc]
        #[repr(transparent)]
        pub struct Table(pub #path);
        ::pjrt::__rt::safety!("the facts of the header give number and struct; a struct of functions, pointers and plain values may be all zero.");
        unsafe impl ::pjrt::__rt::TableType for Table {
            const NUMBER: u32 = #number;
            const NAME: &'static str = #name;
            const HISTORY: ::pjrt::__rt::History = #history;
            fn zeroed() -> Self { Self(<#path>::zeroed()) }
        }
    })
}
