//! Callbacks that a plugin keeps: the C function that calls a Rust closure, and what the closure
//! lives in.

use crate::lower::callback::{Callback, Value, ValueKind};
use crate::lower::inputs::{self, Input, InputKind, Key};
use crate::lower::method::Method;
use crate::model::Model;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The trait object that stands for the closure.
pub fn target(callback: &Callback<'_>) -> TokenStream {
    let params = callback.values.iter().map(|value| match &value.kind {
        ValueKind::Plain(ty) => ty.clone(),
        ValueKind::Slice { item: None, .. } => quote!(&str),
        ValueKind::Slice {
            item: Some(item), ..
        } => quote!(&[#item]),
    });
    quote!(::core::ops::Fn(#(#params),*) + ::core::marker::Send + ::core::marker::Sync)
}

/// Name of the C function.
pub fn entry(input: &Input<'_>) -> Ident {
    format_ident!("{}_entry", input.ident)
}

/// Name of the variable that holds the closure.
pub fn kept(input: &Input<'_>) -> Ident {
    format_ident!("{}_kept", input.ident)
}

/// The C function and the closure's place, before the call.
pub fn prelude(
    method: &Method<'_>,
    input: &Input<'_>,
    callback: &Callback<'_>,
    key: Option<&Key>,
) -> TokenStream {
    let (entry, kept, ident) = (entry(input), kept(input), &input.ident);
    let target = target(callback);
    let params = callback.params.iter().map(|(name, ty)| quote!(#name: #ty));
    let data = &callback.user_data;
    let c_name = &method.call.function.name;
    let reads = callback.values.iter().map(|value| read(c_name, value));
    let values = callback.values.iter().map(|value| &value.ident);
    let why = format!(
        "the data is what this function was registered with, whose memory is never freed. {}",
        super::docs::comment(&callback.entry.why)
    );
    let key = key.map(|key| {
        let (registered, key) = (format_ident!("{ident}_registered"), key_bytes(key));
        quote!(let #registered = ::pjrt::__rt::Registered::under(api, #c_name, #key);)
    });
    quote! {
        unsafe extern "C" fn #entry(#(#params),*) {
            ::pjrt::__rt::safety!(#why);
            unsafe {
                ::pjrt::__rt::call_back::<dyn #target>(#data, |registered_closure| {
                    #(#reads)*
                    registered_closure(#(#values),*);
                    ::core::result::Result::Ok(())
                })
            }
        }
        let #kept = ::pjrt::__rt::Kept::<dyn #target>::new(::std::sync::Arc::new(#ident));
        #key
    }
}

fn key_bytes(key: &Key) -> TokenStream {
    let ident = &key.ident;
    if key.text {
        quote!(#ident.as_bytes())
    } else {
        quote!(#ident)
    }
}

/// Reads a parameter that points somewhere, for the closure.
fn read(c_name: &str, value: &Value) -> TokenStream {
    let (name, ident) = (&value.name, &value.ident);
    let ValueKind::Slice { item, length } = &value.kind else {
        return quote!();
    };
    let place = quote!(::pjrt::__rt::Place { function: #c_name, field: #name });
    let count = quote!(::pjrt::__rt::count(#length, #place)?);
    let read = match item {
        None => quote!(::pjrt::__rt::text(#ident, #count, #place)),
        Some(item) => quote!(::pjrt::__rt::slice::<#item>(#ident.cast(), #count, #place)),
    };
    quote!(let #ident = #read?;)
}

/// Statements behind a call that succeeded: closures stay, others end.
pub fn settle(method: &Method<'_>) -> Vec<TokenStream> {
    let mut statements = Vec::new();
    for input in &method.inputs {
        let InputKind::Callback { key, .. } = &input.kind else {
            continue;
        };
        let kept = kept(input);
        statements.push(match key {
            Some(_) => {
                let registered = format_ident!("{}_registered", input.ident);
                quote!(#kept.keep(#registered);)
            }
            None => quote!(#kept.keep_for_good();),
        });
    }
    if method.entry.ends.is_some() {
        statements.push(quote!(ended.end();));
    }
    statements
}

/// What is noted before a call that ends callbacks.
pub fn ended(model: &Model, method: &Method<'_>) -> Result<Option<TokenStream>, String> {
    let Some((function, key)) = inputs::ended(model, &method.call)? else {
        return Ok(None);
    };
    let key = key_bytes(&key);
    Ok(Some(
        quote!(let ended = ::pjrt::__rt::Registered::under(api, #function, #key);),
    ))
}
