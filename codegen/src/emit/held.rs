//! What comes with a function that frees it.

use crate::lower::method::Method;
use crate::lower::outputs::OutputKind;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// What frees the objects that copied outputs lie in, each once and after the copies are made.
pub fn guards(method: &Method<'_>) -> Vec<TokenStream> {
    let mut seen: Vec<&Ident> = Vec::new();
    let mut guards = Vec::new();
    for output in &method.outputs {
        let OutputKind::Copied {
            holder, deleter, ..
        } = &output.kind
        else {
            continue;
        };
        if seen.contains(&holder) {
            continue;
        }
        seen.push(holder);
        let guard = format_ident!("_{holder}_guard");
        let deleter = self::deleter(deleter);
        guards.push(quote! {
            let #guard = {
                let deleter = #deleter;
                ::pjrt::__rt::safety!("the plugin hands the object over with the function that frees it, which is called once, when everything is copied.");
                unsafe { ::pjrt::__rt::free_later(out.#holder as *mut ::core::ffi::c_void, deleter) }
            };
        });
    }
    guards
}

/// A deleter as a function of an untyped pointer.
pub fn deleter(field: &Ident) -> TokenStream {
    quote! {
        out.#field.map(|deleter| {
            ::pjrt::__rt::safety!("functions that differ in what a pointer parameter points to are called alike.");
            unsafe { ::core::mem::transmute::<_, unsafe extern "C" fn(*mut ::core::ffi::c_void)>(deleter) }
        })
    }
}
