//! Tables that an extension points at: their Rust type, where they are, and how their errors are read.

use super::docs;
use crate::lower::call::{self, Call, CallResult};
use crate::lower::ctype::{CType, primitive};
use crate::lower::inputs::spelt_length;
use crate::lower::{names, place};
use crate::model::{Model, TableBehind};
use proc_macro2::TokenStream;
use quote::quote;

/// The Rust type of a table, which stands with its checked calls. Its errors are read and freed with
/// its own functions.
pub fn table(model: &Model, table: &TableBehind<'_>) -> TokenStream {
    tokens(model, table).unwrap_or_else(|error| quote!(::core::compile_error!(#error);))
}

/// Path of the error type that a table has of its own.
pub fn error_path(model: &Model, table: &str) -> Option<TokenStream> {
    call::path(model, &model.behind(table)?.entry.error)
}

fn tokens(model: &Model, table: &TableBehind<'_>) -> Result<TokenStream, String> {
    let name = table.name;
    let missing = || format!("no binding of `{name}`");
    let path = call::path(model, name).ok_or_else(missing)?;
    let error = error_path(model, name).ok_or_else(missing)?;
    let through = place::raw(model, &table.through.module);
    let slot_name = &table.entry.via;
    let slot = names::ident(slot_name);
    let history = super::gates::history(model, name);
    let why = docs::comment(&table.entry.why);
    let (message, code, free) = (
        message(model, &table.entry.message)?,
        code(model, &table.entry.code)?,
        of_error(model, &table.entry.destroy)?,
    );
    let ident = call::table_type(name);
    let free = &free.call;
    let doc = format!(
        " The table `{name}`, which the extension {} points at.",
        table.extension.name
    );
    Ok(quote! {
        #[doc = #doc]
        #[repr(transparent)]
        pub struct #ident(pub #path);
        ::pjrt::__rt::safety!(#why);
        unsafe impl ::pjrt::__rt::TableBehind for #ident {
            type Extension = #through Table;
            type Error = #error;
            const NAME: &'static str = #name;
            const SLOT: &'static str = #slot_name;
            const HISTORY: ::pjrt::__rt::History = #history;
            fn zeroed() -> Self { Self(<#path>::zeroed()) }
            fn at(extension: &#through Table) -> *const Self {
                extension.0.#slot as *const Self
            }
            unsafe fn message(
                table: &::pjrt::__rt::Table<Self>,
                error: *mut Self::Error,
            ) -> ::pjrt::Result<(*const ::core::ffi::c_char, usize)> { #message }
            unsafe fn code(
                table: &::pjrt::__rt::Table<Self>,
                error: *mut Self::Error,
            ) -> ::pjrt::Result<(i64, *mut Self::Error)> { #code }
            unsafe fn free(table: &::pjrt::__rt::Table<Self>, error: *mut Self::Error) {
                let _ = #free;
            }
        }
    })
}

/// A checked call of which the error is the only input.
struct OfError<'m> {
    /// The call on `error`, a result.
    call: TokenStream,
    /// What it is made of.
    lowered: Call<'m>,
}

fn of_error<'m>(model: &'m Model, function: &str) -> Result<OfError<'m>, String> {
    let lowered = model
        .function(function)
        .and_then(|fact| call::call(model, fact))
        .ok_or_else(|| format!("{function}: its form has no checked call"))?;
    if lowered.inputs.len() != 1 {
        return Err(format!(
            "{function}: the error must be its only input; say of others that they are `reserved`"
        ));
    }
    let (ident, input) = (&lowered.ident, &lowered.input);
    let call = quote!({
        ::pjrt::__rt::safety!("the caller gives a live error of this table.");
        unsafe { self::#ident(table, self::#input::new(error)) }
    });
    Ok(OfError { call, lowered })
}

fn message(model: &Model, function: &str) -> Result<TokenStream, String> {
    let OfError { call, lowered, .. } = of_error(model, function)?;
    let is_text = |ty: CType| ty.pointer_to() == Some("char");
    let found = lowered.outputs.iter().find_map(|output| {
        CType::of_field(output.field).filter(|ty| is_text(ty.clone()))?;
        let length = spelt_length(lowered.structure, &output.field.name)?;
        let length = lowered.outputs.iter().find(|o| o.field.name == length)?;
        Some((&output.ident, &length.ident))
    });
    let (text, length) =
        found.ok_or_else(|| format!("{function}: no output is a text with its length"))?;
    Ok(quote! {
        let out = #call?;
        ::core::result::Result::Ok((out.#text, out.#length))
    })
}

fn code(model: &Model, function: &str) -> Result<TokenStream, String> {
    let OfError { call, lowered, .. } = of_error(model, function)?;
    let is_number = |ty: &CType| ty.name().is_some_and(|name| primitive(name).is_some());
    let mut outputs = lowered.outputs.iter();
    let number = outputs
        .find(|output| CType::of_field(output.field).is_some_and(|ty| is_number(&ty)))
        .map(|output| &output.ident)
        .ok_or_else(|| format!("{function}: no output is a number"))?;
    let error = match lowered.result {
        CallResult::Own => quote!(out.error),
        _ => quote!(::core::ptr::null_mut()),
    };
    Ok(quote! {
        let out = #call?;
        ::core::result::Result::Ok((i64::from(out.#number), #error))
    })
}
