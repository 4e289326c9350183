//! Where generated items stand: those of the headers that the crate `pjrt` is made of stand in that
//! crate, those of a vendor's header beside the invocation of the macro.

use super::names;
use crate::model::{CORE, Model};
use proc_macro2::TokenStream;
use quote::quote;

/// Path of the raw bindings of a module, with `::` behind it.
pub fn sys(model: &Model, module: &str) -> TokenStream {
    if model.is_vendors(module) {
        return quote!(sys::);
    }
    match of_module(module) {
        None => quote!(::pjrt::sys::),
        Some(module) => quote!(::pjrt::sys::#module::),
    }
}

/// Path of the checked calls of a module, with `::` behind it.
pub fn raw(model: &Model, module: &str) -> TokenStream {
    if model.is_vendors(module) {
        return quote!(raw::);
    }
    match of_module(module) {
        None => quote!(::pjrt::raw::),
        Some(module) => quote!(::pjrt::raw::#module::),
    }
}

/// Path of a safe type of a module.
pub fn safe(model: &Model, module: &str, rust: &str) -> TokenStream {
    let ident = names::ident(rust);
    if model.is_vendors(module) {
        return quote!(#ident);
    }
    match of_module(module) {
        None => quote!(::pjrt::#ident),
        Some(module) => quote!(::pjrt::#module::#ident),
    }
}

/// The Rust module of a header; the main header's items are at the root.
fn of_module(module: &str) -> Option<proc_macro2::Ident> {
    (module != CORE).then(|| names::ident(module))
}
