//! Parameters of a safe method: declaration, checks before the call, and the fields they fill.

use super::callbacks;
use super::methods::named;
use crate::lower::inputs::{Input, InputKind, LengthField, rust_path};
use crate::lower::method::{self, Method, Receiver};
use crate::lower::names;
use crate::lower::outputs::OutputKind;
use crate::model::Model;
use crate::overlay::{Safe, Same};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The declaration of a parameter. `lifetime` is that of borrowed results, for the subject.
pub fn param(
    model: &Model,
    input: &Input<'_>,
    lifetime: Option<&TokenStream>,
) -> Result<TokenStream, String> {
    let ident = &input.ident;
    let ty = match &input.kind {
        InputKind::Plain {
            ty,
            set_by: Some(_),
            ..
        } => quote!(::core::option::Option<#ty>),
        InputKind::Plain { ty, .. } => ty.clone(),
        InputKind::Callback { callback, .. } => {
            let ty = callbacks::target(callback);
            quote!(impl #ty + 'static)
        }
        // Its fields are the parameters.
        InputKind::Group { .. } => return Ok(quote!()),
        InputKind::Enum { name } => named(model, name)?,
        InputKind::Slice { item: None, .. } => quote!(&str),
        InputKind::Slice {
            item: Some(item), ..
        } => quote!(&[#item]),
        InputKind::Texts { bytes: false, .. } => quote!(&[&str]),
        InputKind::Texts { bytes: true, .. } => quote!(&[&[u8]]),
        InputKind::NamedValues { .. } => quote!(&[::pjrt::NamedValue<'_>]),
        InputKind::Nested { rust, .. } | InputKind::Message { rust, .. } => {
            let ty = rust_path(rust);
            quote!(&#ty)
        }
        InputKind::Handle { name, .. } => {
            let ty = named(model, name)?;
            quote!(&#lifetime #ty)
        }
    };
    Ok(match &input.kind {
        InputKind::Slice { optional: true, .. }
        | InputKind::Handle { optional: true, .. }
        | InputKind::Nested { optional: true, .. }
        | InputKind::Message { optional: true, .. } => {
            quote!(#ident: ::core::option::Option<#ty>)
        }
        _ => quote!(#ident: #ty),
    })
}

/// What is tested before the call.
pub fn check(
    model: &Model,
    method: &Method<'_>,
    input: &Input<'_>,
) -> Result<Option<TokenStream>, String> {
    let (c_name, ident, argument) = (&method.call.function.name, &input.ident, input.field);
    Ok(match &input.kind {
        InputKind::Handle { optional, same, .. } => {
            let test = handle_check(method, input, *same);
            Some(match (test, optional) {
                (None, _) => return Ok(None),
                (Some(test), true) => {
                    quote!(if let ::core::option::Option::Some(given) = #ident { #test })
                }
                (Some(test), false) => quote!({ let given = #ident; #test }),
            })
        }
        InputKind::Plain {
            index_below, once, ..
        } if index_below.is_some() || *once => {
            let below = match index_below {
                None => quote!(),
                Some(function) => {
                    let limit = limit(model, method, function)?;
                    let subject = match method.receiver {
                        Receiver::Handle(_) => None,
                        _ => subject(method),
                    };
                    quote!(::pjrt::__rt::index_below(#ident, self.#limit(#subject)?, #c_name, #argument)?;)
                }
            };
            let counted = method.subject.is_some_and(|subject| subject.counted);
            if *once && (counted || !matches!(method.receiver, Receiver::Handle(_))) {
                return Err(format!(
                    "`{argument}` may be given once, and only a handle with one owner can tell"
                ));
            }
            let once = once.then(|| quote!(self.0.once(#c_name, #argument, #ident)?;));
            Some(quote!(#below #once))
        }
        _ => None,
    })
}

/// Tests of the run-time support that the overlay names.
pub fn tests(method: &Method<'_>, input: &Input<'_>) -> Vec<TokenStream> {
    let (c_name, ident, argument) = (&method.call.function.name, &input.ident, input.field);
    let check = input.check.as_deref().map(|check| {
        let test = format_ident!("check_{check}");
        quote!(::pjrt::__rt::#test(api, #ident, #c_name, #argument)?;)
    });
    let one_of = input.one_of.as_ref().map(|other| {
        quote!(::pjrt::__rt::check_one_of(#ident.is_some(), #other.is_some(), #c_name, #argument)?;)
    });
    let rank = match &input.kind {
        InputKind::Nested {
            optional,
            rank_of: Some(array),
            ..
        } => {
            let given = if *optional {
                quote!(#ident)
            } else {
                quote!(::core::option::Option::Some(#ident))
            };
            Some(quote! {
                if let ::core::option::Option::Some(given) = #given {
                    ::pjrt::__rt::check_rank(::pjrt::__rt::Lower::rank(given), #array.len(), #c_name, #argument)?;
                }
            })
        }
        _ => None,
    };
    check.into_iter().chain(one_of).chain(rank).collect()
}

/// The method that must answer `true` before the call.
pub fn after(model: &Model, method: &Method<'_>) -> Result<Option<TokenStream>, String> {
    let Some(function) = method.entry.after.as_deref() else {
        return Ok(None);
    };
    let asked = method::named(model, function)?;
    let truth = matches!(
        asked.outputs.as_slice(),
        [only] if matches!(&only.kind, OutputKind::Plain(ty) if ty.to_string() == "bool")
            && only.set_by.is_none() && only.later.is_none()
    );
    let same = asked.receiver == method.receiver && asked.inputs.is_empty();
    if !truth || !same || asked.entry.safe != Some(Safe::Generated) {
        return Err(format!(
            "`after` names `{function}`, which is no generated method of the same receiver that takes nothing and gives a truth value"
        ));
    }
    let (ident, c_name) = (&asked.ident, &method.call.function.name);
    Ok(Some(
        quote!(::pjrt::__rt::check_after(self.#ident()?, #c_name, #function)?;),
    ))
}

/// The test of what spans several inputs. The inputs by themselves are tested before it.
pub fn precondition(method: &Method<'_>) -> Result<Option<TokenStream>, String> {
    let Some(path) = method.entry.precondition.as_deref() else {
        return Ok(None);
    };
    if !matches!(method.receiver, Receiver::Extension(_)) {
        return Err("`precondition` is for methods of an extension".into());
    }
    let path = names::path(path).ok_or_else(|| format!("`precondition`: `{path}` is no path"))?;
    let given = method.inputs.iter().filter(|input| {
        !matches!(
            input.kind,
            InputKind::Callback { .. } | InputKind::Group { .. }
        )
    });
    let given = given.map(|input| &input.ident);
    Ok(Some(quote!(#path(table, #(#given),*)?;)))
}

/// A handle must belong to the receiver's plugin and client; on an extension, to its plugin and to
/// the client of the first handle given.
fn handle_check(method: &Method<'_>, input: &Input<'_>, same: Same) -> Option<TokenStream> {
    let (c_name, argument) = (&method.call.function.name, input.field);
    let on_plugin = quote!(::pjrt::__rt::of_plugin(api, given, #c_name, #argument)?;);
    let reference = match (method.receiver, method.subject) {
        (Receiver::Handle(_), _) => quote!(self),
        (_, Some(subject)) if subject.field != input.field => subject_ident(method, subject.field),
        _ => return (same != Same::Any).then_some(on_plugin),
    };
    match same {
        Same::Any => None,
        Same::Plugin => Some(on_plugin),
        Same::Client => {
            Some(quote!(::pjrt::__rt::same_client(#reference, given, #c_name, #argument)?;))
        }
    }
}

fn subject_ident(method: &Method<'_>, field: &str) -> TokenStream {
    let found = method.inputs.iter().find(|i| i.field == field);
    let ident = found.map_or_else(|| names::ident(field), |i| i.ident.clone());
    quote!(#ident)
}

/// The handle that borrowed outputs belong to, in the method's body.
pub fn subject(method: &Method<'_>) -> Option<TokenStream> {
    match (method.receiver, method.subject) {
        (Receiver::Handle(_), _) => Some(quote!(self)),
        (_, Some(subject)) => Some(subject_ident(method, subject.field)),
        _ => None,
    }
}

/// The handles given that what is handed over keeps alive, as options.
pub fn kept(model: &Model, method: &Method<'_>) -> Vec<TokenStream> {
    let said = |field| {
        let entry = model.field_entry(&method.call.function.name, field);
        entry.is_some_and(|e| e.keeps)
    };
    let inputs = method.inputs.iter().filter(|i| said(i.field));
    let kept = inputs.filter_map(|input| match &input.kind {
        InputKind::Handle { optional, .. } => {
            let ident = &input.ident;
            Some(if *optional {
                quote!(#ident)
            } else {
                quote!(::core::option::Option::Some(#ident))
            })
        }
        _ => None,
    });
    kept.collect()
}

/// The method that gives an upper bound. It must be one of the same receiver's that takes nothing,
/// or, on an extension, one handle of the subject's type.
fn limit(model: &Model, method: &Method<'_>, function: &str) -> Result<Ident, String> {
    let limit = method::named(model, function)?;
    let generated = limit.entry.safe == Some(Safe::Generated);
    let taken = match method.receiver {
        Receiver::Handle(_) => limit.inputs.is_empty(),
        _ => {
            let handle = |m: &Method<'_>| m.subject.map(|s| s.handle.to_owned());
            limit.inputs.len() == usize::from(limit.subject.is_some())
                && handle(&limit) == handle(method)
        }
    };
    let same = limit.receiver == method.receiver && taken;
    let number = matches!(
        limit.outputs.as_slice(),
        [only] if matches!(only.kind, OutputKind::Plain(_)) && only.set_by.is_none() && only.later.is_none()
    );
    if generated && same && number {
        return Ok(limit.ident);
    }
    Err(format!(
        "`index_below` names `{function}`, which is no generated method of the same receiver that takes nothing else and gives a number"
    ))
}

/// Statements before the call: lists that are made of a parameter and must outlive it.
pub fn prelude(method: &Method<'_>, input: &Input<'_>) -> Option<TokenStream> {
    let ident = &input.ident;
    match &input.kind {
        InputKind::Callback { callback, key, .. } => {
            Some(callbacks::prelude(method, input, callback, key.as_ref()))
        }
        InputKind::Group { path, fields } => {
            let group = format_ident!("{ident}_group");
            let inner = method
                .inputs
                .iter()
                .filter(|i| i.within == Some(input.field));
            let values = fields.iter().filter_map(|field| {
                let value = inner
                    .clone()
                    .find_map(|input| fill(method, input, &field.name))?;
                let field = names::ident(&field.name);
                Some(quote!(#group.#field = #value;))
            });
            Some(quote! {
                let mut #group = <#path>::zeroed();
                #(#values)*
            })
        }
        InputKind::Texts { .. } => {
            let (pointers, sizes) = (
                format_ident!("{ident}_pointers"),
                format_ident!("{ident}_sizes"),
            );
            Some(quote! {
                let #pointers: ::std::vec::Vec<*const ::core::ffi::c_char> =
                    #ident.iter().map(|text| text.as_ptr().cast()).collect();
                let #sizes: ::std::vec::Vec<usize> = #ident.iter().map(|text| text.len()).collect();
            })
        }
        InputKind::Nested { optional, .. } => {
            let lowered = format_ident!("{ident}_lowered");
            Some(if *optional {
                quote!(let #lowered = #ident.map(|given| ::pjrt::__rt::Lower::lower(given, api)).transpose()?;)
            } else {
                quote!(let #lowered = ::pjrt::__rt::Lower::lower(#ident, api)?;)
            })
        }
        InputKind::Message { optional, .. } => {
            let bytes = format_ident!("{ident}_bytes");
            Some(if *optional {
                quote!(let #bytes = #ident.map(::pjrt::__rt::Message::serialised).transpose()?;)
            } else {
                quote!(let #bytes = ::pjrt::__rt::Message::serialised(#ident)?;)
            })
        }
        InputKind::NamedValues { .. } => {
            let list = format_ident!("{ident}_list");
            Some(quote!(let #list = ::pjrt::__rt::lower_named_values(#ident)?;))
        }
        _ => None,
    }
}

/// A length as the type of its field; one that does not fit is refused.
fn length(method: &Method<'_>, field: &LengthField, value: &TokenStream) -> TokenStream {
    let (c_name, argument) = (&method.call.function.name, field.ident.to_string());
    if field.ty.to_string() == "usize" {
        return quote!(#value);
    }
    quote!(::pjrt::__rt::length(#value, #c_name, #argument)?)
}

/// The value that a parameter gives to a field of the checked call, if it fills that field.
pub fn fill(method: &Method<'_>, input: &Input<'_>, field: &str) -> Option<TokenStream> {
    let (ident, own, name) = (&input.ident, input.field == field, names::ident(field));
    match &input.kind {
        InputKind::Plain {
            set_by: Some(flag), ..
        } => {
            let flag = (*flag == name).then(|| quote!(#ident.is_some()));
            flag.or_else(|| own.then(|| quote!(#ident.unwrap_or_default())))
        }
        InputKind::Plain { .. } => own.then(|| quote!(#ident)),
        InputKind::Group { .. } => {
            let group = format_ident!("{ident}_group");
            own.then(|| quote!(&raw mut #group))
        }
        InputKind::Callback { user_data, .. } => {
            let (entry, kept) = (callbacks::entry(input), callbacks::kept(input));
            let data = (*user_data == name).then(|| quote!(#kept.data()));
            data.or_else(|| own.then(|| quote!(::core::option::Option::Some(#entry))))
        }
        InputKind::Enum { .. } => own.then(|| quote!(::core::convert::From::from(#ident))),
        InputKind::Handle {
            optional: false, ..
        } => own.then(|| quote!(::pjrt::__rt::Handle::as_raw(#ident))),
        InputKind::Handle { optional: true, .. } => own
            .then(|| quote!(#ident.map_or(::core::ptr::null_mut(), ::pjrt::__rt::Handle::as_raw))),
        InputKind::Slice {
            length: counted,
            optional,
            ..
        } => {
            let (pointer, count) = if *optional {
                (
                    quote!(#ident.map_or(::core::ptr::null(), |given| given.as_ptr()).cast_mut().cast()),
                    quote!(#ident.map_or(0, |given| given.len())),
                )
            } else {
                (
                    quote!(#ident.as_ptr().cast_mut().cast()),
                    quote!(#ident.len()),
                )
            };
            if own {
                Some(pointer)
            } else {
                (counted.ident == name).then(|| length(method, counted, &count))
            }
        }
        InputKind::Texts {
            sizes,
            length: counted,
            ..
        } => {
            let (pointers, lengths) = (
                format_ident!("{ident}_pointers"),
                format_ident!("{ident}_sizes"),
            );
            if own {
                Some(quote!(#pointers.as_ptr().cast_mut().cast()))
            } else if *sizes == name {
                Some(quote!(#lengths.as_ptr().cast_mut()))
            } else {
                (counted.ident == name).then(|| length(method, counted, &quote!(#ident.len())))
            }
        }
        InputKind::Nested { optional, .. } => {
            let lowered = format_ident!("{ident}_lowered");
            own.then(|| if *optional {
                quote!(#lowered.as_ref().map_or(::core::ptr::null(), ::pjrt::__rt::Lowered::as_ptr).cast_mut())
            } else {
                quote!(::pjrt::__rt::Lowered::as_ptr(&#lowered).cast_mut())
            })
        }
        InputKind::Message {
            length: counted,
            optional,
            ..
        } => {
            let bytes = format_ident!("{ident}_bytes");
            let (pointer, count) = if *optional {
                (
                    quote!(#bytes.as_ref().map_or(::core::ptr::null(), |given| given.as_ptr()).cast_mut().cast()),
                    quote!(#bytes.as_ref().map_or(0, |given| given.len())),
                )
            } else {
                (
                    quote!(#bytes.as_ptr().cast_mut().cast()),
                    quote!(#bytes.len()),
                )
            };
            if own {
                Some(pointer)
            } else {
                (counted.ident == name).then(|| length(method, counted, &count))
            }
        }
        InputKind::NamedValues { length: counted } => {
            let list = format_ident!("{ident}_list");
            if own {
                Some(quote!(::pjrt::__rt::pointer_or_null(&#list).cast_mut().cast()))
            } else {
                (counted.ident == name).then(|| length(method, counted, &quote!(#list.len())))
            }
        }
    }
}
