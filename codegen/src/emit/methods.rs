//! Layer 3: the methods of a handle over the checked calls.

use crate::lower::inputs::{Input, InputKind, rust_path};
use crate::lower::method::Method;
use crate::lower::outputs::{Output, OutputKind};
use crate::lower::{call, names};
use crate::model::Model;
use crate::overlay::{Lender, Parent, Same};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// One method.
pub fn method(model: &Model, method: &Method<'_>) -> Result<TokenStream, String> {
    let call = &method.call;
    let (ident, function, input) = (&method.ident, &call.ident, &call.input);
    let docs = docs(model, method);
    let mut params = Vec::new();
    let mut checks = Vec::new();
    for input in &method.inputs {
        params.push(param(model, input)?);
        checks.extend(check(model, method, input)?);
    }
    let fields = call
        .inputs
        .iter()
        .map(|f| argument(method, f.field.name.as_str()))
        .collect::<Result<Vec<_>, _>>()?;
    let result = result_type(model, &method.outputs)?;
    let gates = owned_types(model, &method.outputs)
        .into_iter()
        .map(|ty| quote!(::pjrt::__rt::destructor::<#ty>(api)?;));
    let values = method
        .outputs
        .iter()
        .map(|o| value(model, method, o))
        .collect::<Result<Vec<_>, _>>()?;
    let names: Vec<_> = method.outputs.iter().map(|o| &o.ident).collect();
    let body = match names.as_slice() {
        [] => quote!(let _ = out; ::core::result::Result::Ok(())),
        [_] => quote!(#(#values)*),
        _ => return Err("several outputs need a struct of their own".into()),
    };
    let (receiver, api) = match &method.receiver {
        Some(_) => (
            quote!(&self,),
            quote!(let api = ::pjrt::__rt::Handle::api(self);),
        ),
        None => (
            quote!(&self,),
            quote!(let api = ::pjrt::__rt::OnPlugin::api(self);),
        ),
    };
    let why = format!(
        "the receiver and every handle given are live while they are borrowed and belong together, slices carry their \
         own length. {}",
        super::docs::comment(&method.entry.why)
    );
    Ok(quote! {
        #docs
        pub fn #ident(#receiver #(#params),*) -> ::pjrt::Result<#result> {
            #api
            #(#gates)*
            #(#checks)*
            let input = ::pjrt::raw::#input::new(#(#fields),*);
            ::pjrt::__rt::safety!(#why);
            let out = unsafe { ::pjrt::raw::#function(api, input) }?;
            #body
        }
    })
}

fn docs(model: &Model, method: &Method<'_>) -> TokenStream {
    let c_name = &method.call.function.name;
    let text = super::docs::lines(&method.entry.doc);
    let since = match model.since(c_name) {
        Some(since) => format!(" Calls `{c_name}` (since PJRT 0.{since})."),
        None => format!(" Calls `{c_name}`."),
    };
    let errors = match &method.entry.errors {
        Some(errors) => super::docs::lines(errors),
        None => {
            quote!(#[doc = " What the plugin reports; `Unimplemented` if its table lacks the function."])
        }
    };
    quote! {
        #text
        #[doc = ""]
        #[doc = #since]
        #[doc = ""]
        #[doc = " # Errors"]
        #[doc = ""]
        #errors
    }
}

/// The Rust type of a handle or enum of the overlay.
fn named(model: &Model, c_name: &str) -> Result<TokenStream, String> {
    let handle = model.handle(c_name).map(|h| &h.rust);
    let rust = handle.or_else(|| model.overlay.enums.get(c_name).map(|e| &e.rust));
    rust.map(|r| rust_path(r))
        .ok_or_else(|| format!("no [handle] or [enum] entry for `{c_name}`"))
}

fn param(model: &Model, input: &Input<'_>) -> Result<TokenStream, String> {
    let ident = &input.ident;
    Ok(match &input.kind {
        InputKind::Plain { ty, .. } => quote!(#ident: #ty),
        InputKind::Enum { name } => {
            let ty = named(model, name)?;
            quote!(#ident: #ty)
        }
        InputKind::Slice { item, optional, .. } => {
            let ty = match item {
                None => quote!(&str),
                Some(item) => quote!(&[#item]),
            };
            if *optional {
                quote!(#ident: ::core::option::Option<#ty>)
            } else {
                quote!(#ident: #ty)
            }
        }
        InputKind::Handle { name, optional, .. } => {
            let ty = named(model, name)?;
            if *optional {
                quote!(#ident: ::core::option::Option<&#ty>)
            } else {
                quote!(#ident: &#ty)
            }
        }
    })
}

/// What is tested before the call.
fn check(
    model: &Model,
    method: &Method<'_>,
    input: &Input<'_>,
) -> Result<Option<TokenStream>, String> {
    let (c_name, ident) = (&method.call.function.name, &input.ident);
    let argument = input.field;
    Ok(match &input.kind {
        InputKind::Handle {
            same: Same::Any, ..
        } => None,
        InputKind::Handle { optional, same, .. } => {
            let test = match same {
                Same::Client => quote!(same_client),
                _ => quote!(same_plugin),
            };
            Some(if *optional {
                quote! {
                    if let ::core::option::Option::Some(given) = #ident {
                        ::pjrt::__rt::#test(self, given, #c_name, #argument)?;
                    }
                }
            } else {
                quote!(::pjrt::__rt::#test(self, #ident, #c_name, #argument)?;)
            })
        }
        InputKind::Plain {
            index_below: Some(function),
            once,
            ..
        } => {
            let limit = limit(model, function)?;
            let once = once.then(|| quote!(self.0.once(#c_name, #argument, #ident)?;));
            Some(quote! {
                ::pjrt::__rt::index_below(#ident, self.#limit()?, #c_name, #argument)?;
                #once
            })
        }
        _ => None,
    })
}

/// The method that gives an upper bound.
fn limit(model: &Model, function: &str) -> Result<Ident, String> {
    let fact = model
        .function(function)
        .ok_or_else(|| format!("no function `{function}`"))?;
    let entry = model
        .entry(function)
        .ok_or_else(|| format!("no overlay entry for `{function}`"))?;
    let call =
        call::call(model, fact).ok_or_else(|| format!("`{function}` has no checked call"))?;
    let method = crate::lower::method::method(model, call, entry)?;
    Ok(method.ident)
}

/// The value of a field of the checked call's input.
fn argument(method: &Method<'_>, field: &str) -> Result<TokenStream, String> {
    if method
        .receiver
        .as_ref()
        .is_some_and(|(_, receiver)| *receiver == names::ident(field))
    {
        return Ok(quote!(::pjrt::__rt::Handle::as_raw(self)));
    }
    for input in &method.inputs {
        let ident = &input.ident;
        if input.field == field {
            return Ok(match &input.kind {
                InputKind::Plain { .. } => quote!(#ident),
                InputKind::Enum { .. } => quote!(#ident.as_raw()),
                InputKind::Slice {
                    optional: false, ..
                } => quote!(#ident.as_ptr().cast()),
                InputKind::Slice { optional: true, .. } => {
                    quote!(#ident.map_or(::core::ptr::null(), |given| given.as_ptr().cast()))
                }
                InputKind::Handle {
                    optional: false, ..
                } => quote!(::pjrt::__rt::Handle::as_raw(#ident)),
                InputKind::Handle { optional: true, .. } => {
                    quote!(#ident.map_or(::core::ptr::null_mut(), ::pjrt::__rt::Handle::as_raw))
                }
            });
        }
        match &input.kind {
            InputKind::Slice {
                length,
                optional: false,
                ..
            } if *length == names::ident(field) => {
                return Ok(quote!(#ident.len()));
            }
            InputKind::Slice { length, .. } if *length == names::ident(field) => {
                return Ok(quote!(#ident.map_or(0, |given| given.len())));
            }
            _ => {}
        }
    }
    Err(format!("nothing fills the field `{field}`"))
}

fn result_type(model: &Model, outputs: &[Output<'_>]) -> Result<TokenStream, String> {
    let types = outputs
        .iter()
        .map(|o| output_type(model, o))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(match types.as_slice() {
        [one] => one.clone(),
        _ => quote!((#(#types),*)),
    })
}

fn output_type(model: &Model, output: &Output<'_>) -> Result<TokenStream, String> {
    let borrow = if output.lender == Lender::Process {
        quote!('static)
    } else {
        quote!('_)
    };
    Ok(match &output.kind {
        OutputKind::Plain(ty) => ty.clone(),
        OutputKind::Enum(name) => named(model, name)?,
        OutputKind::Text(_) => quote!(&#borrow str),
        OutputKind::Slice { item, .. } => quote!(&#borrow [#item]),
        OutputKind::NamedValues(_) => quote!(::pjrt::NamedValues<#borrow>),
        OutputKind::Handles { name, .. } => {
            let ty = named(model, name)?;
            quote!(::std::vec::Vec<#ty>)
        }
        OutputKind::Borrowed { name, nullable, .. } | OutputKind::Owned { name, nullable, .. } => {
            let ty = named(model, name)?;
            if *nullable {
                quote!(::core::option::Option<#ty>)
            } else {
                ty
            }
        }
    })
}

/// The types of outputs that must be destroyed by us.
fn owned_types(model: &Model, outputs: &[Output<'_>]) -> Vec<TokenStream> {
    let owned = outputs.iter().filter_map(|o| match &o.kind {
        OutputKind::Owned { name, .. } => named(model, name).ok(),
        _ => None,
    });
    owned.collect()
}

/// The result that an output gives.
fn value(model: &Model, method: &Method<'_>, output: &Output<'_>) -> Result<TokenStream, String> {
    let (c_name, field, ident) = (&method.call.function.name, output.field, &output.ident);
    let place = quote!(::pjrt::__rt::Place { function: #c_name, field: #field });
    let receiver = method
        .receiver
        .as_ref()
        .and_then(|(name, _)| model.handle(name));
    let owner = match output.lender {
        Lender::Receiver => quote!(::pjrt::__rt::owner_of(self)),
        Lender::Client => quote!(::pjrt::__rt::client_of(self)),
        Lender::Process => quote!(::core::option::Option::None),
    };
    Ok(match &output.kind {
        OutputKind::Plain(_) => quote!(::core::result::Result::Ok(out.#ident)),
        OutputKind::Enum(name) => {
            let ty = named(model, name)?;
            quote!(::core::result::Result::Ok(#ty::from_raw(out.#ident)))
        }
        OutputKind::Text(length) => quote!({
            ::pjrt::__rt::safety!("the plugin keeps the text for as long as its owner, which outlives this borrow.");
            unsafe { ::pjrt::__rt::text(out.#ident, out.#length, #place) }
        }),
        OutputKind::Slice { length, .. } => quote!({
            ::pjrt::__rt::safety!("the plugin keeps the items for as long as their owner, which outlives this borrow.");
            unsafe { ::pjrt::__rt::slice(out.#ident.cast(), out.#length, #place) }
        }),
        OutputKind::NamedValues(length) => quote!({
            ::pjrt::__rt::safety!("the plugin keeps the values for as long as their owner, which outlives this borrow.");
            unsafe { ::pjrt::__rt::named_values(api, out.#ident, out.#length, #place) }
        }),
        OutputKind::Handles { length, .. } => {
            quote!({
                ::pjrt::__rt::safety!("the owner keeps the handles alive.");
                unsafe { ::pjrt::__rt::handles(out.#ident, out.#length, #owner, #place) }
            })
        }
        OutputKind::Borrowed { nullable, .. } => {
            if output.lender == Lender::Receiver
                && receiver.is_some_and(|h| h.share == crate::overlay::Share::Unique)
            {
                return Err(format!(
                    "`{field}` is borrowed from a receiver that is not counted: say `borrow = \"client\"`"
                ));
            }
            let make = if *nullable {
                quote!(borrowed_or_none)
            } else {
                quote!(borrowed)
            };
            quote!({
                ::pjrt::__rt::safety!("the owner keeps the handle alive.");
                unsafe { ::pjrt::__rt::#make(out.#ident, #owner, #place) }
            })
        }
        OutputKind::Owned {
            parent, nullable, ..
        } => {
            let parent = match parent {
                Parent::Receiver => quote!(::pjrt::__rt::owner_of(self)),
                Parent::Client => quote!(::pjrt::__rt::client_of(self)),
                Parent::None => quote!(::core::option::Option::None),
            };
            let make = if *nullable {
                quote!(owned_or_none)
            } else {
                quote!(owned)
            };
            quote!({
                ::pjrt::__rt::safety!("the plugin hands the object over; nobody else destroys it.");
                unsafe { ::pjrt::__rt::#make(api, out.#ident, #parent, #place) }
            })
        }
    })
}
