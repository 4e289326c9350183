//! Results of a safe method: their types, and how they are read from the checked call's output.

use super::inputs;
use super::methods::named;
use crate::lower::inputs::InputKind;
use crate::lower::method::{self, Method, Receiver};
use crate::lower::outputs::{First, Output, OutputKind};
use crate::model::Model;
use crate::overlay::{Count, Lender, Parent};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

/// Whether an output points into something that must outlive it.
pub fn borrows(output: &Output<'_>) -> bool {
    use OutputKind::{Enums, NamedValues, Rows, Slice, Text, Texts};
    let view = matches!(
        output.kind,
        Text(_) | Slice { .. } | Enums { .. } | Texts { .. } | Rows { .. } | NamedValues(_)
    );
    view && output.lender != Lender::Process
}

/// The type of an output. `lifetime` is that of the subject's borrow.
pub fn ty(
    model: &Model,
    output: &Output<'_>,
    lifetime: &TokenStream,
) -> Result<TokenStream, String> {
    let lifetime = if output.lender == Lender::Process {
        &quote!('static)
    } else {
        lifetime
    };
    let ty = match &output.kind {
        OutputKind::Plain(ty) => ty.clone(),
        OutputKind::Enum(name) => named(model, name)?,
        OutputKind::Text(_) => quote!(&#lifetime str),
        OutputKind::Slice { item, .. } => quote!(&#lifetime [#item]),
        OutputKind::Enums { name, .. } => {
            let ty = named(model, name)?;
            quote!(&#lifetime [#ty])
        }
        OutputKind::Copied { contents, .. } => match contents.as_ref() {
            OutputKind::Slice { item, .. } => quote!(::std::vec::Vec<#item>),
            OutputKind::Texts { bytes: false, .. } => {
                quote!(::std::vec::Vec<::std::string::String>)
            }
            OutputKind::Texts { bytes: true, .. } => {
                quote!(::std::vec::Vec<::std::vec::Vec<u8>>)
            }
            _ => return Err(format!("`{}` cannot be copied", output.field)),
        },
        OutputKind::Index(_) => quote!(::core::option::Option<usize>),
        OutputKind::Held {
            read_as: Some(ty),
            nullable: true,
            ..
        } => quote!(::core::option::Option<#ty>),
        OutputKind::Held {
            read_as: Some(ty), ..
        } => quote!(#ty),
        OutputKind::Held { .. } => quote!(::pjrt::HeldBytes),
        OutputKind::HeldNamedValues { .. } => quote!(::pjrt::HeldNamedValues),
        OutputKind::Texts {
            bytes, nullable, ..
        } => {
            let item = if *bytes {
                quote!(&#lifetime [u8])
            } else {
                quote!(&#lifetime str)
            };
            let list = quote!(::std::vec::Vec<#item>);
            if *nullable {
                quote!(::core::option::Option<#list>)
            } else {
                list
            }
        }
        OutputKind::Rows { item, .. } => quote!(::std::vec::Vec<&#lifetime [#item]>),
        OutputKind::NamedValues(_) => quote!(::pjrt::NamedValues<#lifetime>),
        OutputKind::Handles { name, .. } => {
            let ty = named(model, name)?;
            quote!(::std::vec::Vec<#ty>)
        }
        OutputKind::Borrowed { name, nullable } | OutputKind::Owned { name, nullable, .. } => {
            let ty = named(model, name)?;
            if *nullable {
                quote!(::core::option::Option<#ty>)
            } else {
                ty
            }
        }
        OutputKind::Buffer {
            item: Some(item), ..
        } => quote!(::std::vec::Vec<#item>),
        OutputKind::Buffer { item: None, .. } => quote!(::std::string::String),
        OutputKind::ValueList { name, .. } => {
            let ty = named(model, name)?;
            quote!(::std::vec::Vec<#ty>)
        }
        OutputKind::Values { name, list } => {
            let ty = named(model, name)?;
            match list {
                Some(_) => quote!(::std::vec::Vec<#ty>),
                None => ty,
            }
        }
    };
    let optional = output.set_by.is_some() || output.later.is_some();
    // An index is an option already, and a plugin too old to say one says none.
    Ok(
        if optional && !matches!(output.kind, OutputKind::Index(_)) {
            quote!(::core::option::Option<#ty>)
        } else {
            ty
        },
    )
}

/// Whether reading an output takes something over that we must free.
pub fn takes_over(output: &Output<'_>) -> bool {
    use OutputKind::{Held, HeldNamedValues, Owned};
    matches!(
        output.kind,
        Owned { .. } | Held { .. } | HeldNamedValues { .. }
    )
}

/// The types of outputs that must be destroyed by us.
pub fn owned_types(model: &Model, outputs: &[Output<'_>]) -> Vec<TokenStream> {
    let owned = outputs.iter().filter_map(|o| match &o.kind {
        OutputKind::Owned { name, .. } => named(model, name).ok(),
        _ => None,
    });
    owned.collect()
}

/// Statements before the call: memory that the plugin fills.
pub fn prelude(
    model: &Model,
    method: &Method<'_>,
    output: &Output<'_>,
) -> Result<Option<TokenStream>, String> {
    let (c_name, field) = (&method.call.function.name, output.field);
    let (memory, room) = (
        format_ident!("{}_memory", output.name),
        format_ident!("{}_room", output.name),
    );
    let (ty, zeroed, first) = match &output.kind {
        OutputKind::Buffer { item, first, .. } => {
            let item = item.clone().unwrap_or_else(|| quote!(u8));
            let ty = quote!(::std::vec::Vec<#item>);
            (ty, quote!(zeroed_items), Some(first))
        }
        OutputKind::Values { name, list } => {
            let ty = named(model, name)?;
            let first = list.as_ref().map(|l| &l.first);
            (
                quote!(::pjrt::__rt::ValueMemory<#ty>),
                quote!(zeroed_values),
                first,
            )
        }
        _ => return Ok(None),
    };
    let room_value = match first {
        None => quote!(1),
        Some(First::Items(items)) => {
            let items = Literal::u64_unsuffixed(*items);
            quote!(#items)
        }
        Some(First::Product(fields)) => {
            let mut factors = Vec::new();
            for factor in fields {
                let given = method.inputs.iter().find(|i| i.field == factor);
                let ident = given
                    .filter(|i| matches!(i.kind, InputKind::Plain { .. }))
                    .map(|i| &i.ident)
                    .ok_or_else(|| {
                        format!("`room` of `{field}`: `{factor}` is no integer input")
                    })?;
                factors.push(quote!(usize::try_from(#ident).ok()));
            }
            quote!(::pjrt::__rt::product(&[#(#factors),*], #c_name, #field)?)
        }
        Some(First::Of(function)) => {
            let other = method::named(model, function)?;
            let ident = &other.ident;
            let subject = match method.receiver {
                Receiver::Handle(_) => None,
                _ => inputs::subject(method),
            };
            quote!(::pjrt::__rt::room(self.#ident(#subject)?, #c_name, #field)?)
        }
    };
    Ok(Some(quote! {
        let #room: usize = #room_value;
        let mut #memory: #ty = ::pjrt::__rt::#zeroed(#room, #c_name, #field)?;
    }))
}

/// The value that an output's memory gives to a field of the checked call.
pub fn fill(method: &Method<'_>, output: &Output<'_>, field: &str) -> Option<TokenStream> {
    let capacity = match &output.kind {
        OutputKind::Buffer { capacity, .. } => Some(capacity),
        OutputKind::Values { list, .. } => list.as_ref().map(|l| &l.capacity),
        _ => return None,
    };
    let c_name = &method.call.function.name;
    let (memory, room) = (
        format_ident!("{}_memory", output.name),
        format_ident!("{}_room", output.name),
    );
    if output.field == field {
        return Some(quote!(#memory.as_mut_ptr().cast()));
    }
    let capacity = capacity?;
    (capacity.ident == crate::lower::names::ident(field)).then(|| {
        let argument = capacity.ident.to_string();
        quote!(::pjrt::__rt::length(#room, #c_name, #argument)?)
    })
}

/// An expression of type `Result` that gives an output.
pub fn value(
    model: &Model,
    method: &Method<'_>,
    output: &Output<'_>,
) -> Result<TokenStream, String> {
    let value = plain_value(model, method, output)?;
    if let (Some(flag), OutputKind::Plain(_)) = (&output.set_by, &output.kind) {
        let ident = &output.ident;
        let value = match output.later {
            None => quote!(out.#flag.then_some(out.#ident)),
            // The flag is as new as what it speaks of.
            Some(_) => quote!(
                if out.#flag == ::core::option::Option::Some(true) { out.#ident } else { ::core::option::Option::None }
            ),
        };
        return Ok(quote!(::core::result::Result::Ok(#value)));
    }
    if let Some(flag) = &output.set_by {
        return Ok(
            quote!(if out.#flag { (#value).map(::core::option::Option::Some) } else { ::core::result::Result::Ok(::core::option::Option::None) }),
        );
    }
    if output.later.is_some() {
        let ident = &output.ident;
        // Only what is read by itself can be newer than its function; an array would need its
        // length to be as new.
        return match &output.kind {
            OutputKind::Plain(_) => Ok(quote!(::core::result::Result::Ok(out.#ident))),
            OutputKind::Enum(name) => {
                let ty = named(model, name)?;
                Ok(quote!(::core::result::Result::Ok(out.#ident.map(#ty::from))))
            }
            OutputKind::Index(_) => {
                let ident = &output.ident;
                Ok(quote!(match out.#ident {
                    ::core::option::Option::Some(#ident) => #value,
                    ::core::option::Option::None => ::core::result::Result::Ok(::core::option::Option::None),
                }))
            }
            _ => Err(format!(
                "`{}` is newer than its function, and no rule fits such an array",
                output.field
            )),
        };
    }
    Ok(value)
}

fn plain_value(
    model: &Model,
    method: &Method<'_>,
    output: &Output<'_>,
) -> Result<TokenStream, String> {
    contents(model, method, output, &output.kind)
}

fn contents(
    model: &Model,
    method: &Method<'_>,
    output: &Output<'_>,
    kind: &OutputKind,
) -> Result<TokenStream, String> {
    let (c_name, field, ident) = (&method.call.function.name, output.field, &output.ident);
    let place = quote!(::pjrt::__rt::Place { function: #c_name, field: #field });
    let subject = inputs::subject(method);
    let keeper = |function: TokenStream| match &subject {
        Some(subject) => quote!(#function(#subject)),
        None => quote!(::core::option::Option::None),
    };
    let owner = match output.lender {
        Lender::Receiver => keeper(quote!(::pjrt::__rt::owner_of)),
        Lender::Client => keeper(quote!(::pjrt::__rt::client_of)),
        Lender::Process => quote!(::core::option::Option::None),
    };
    // A count may be of another type than `usize`.
    let count = |length: &crate::lower::inputs::LengthField| {
        let length = &length.ident;
        quote!(::pjrt::__rt::count(out.#length, #place)?)
    };
    Ok(match kind {
        OutputKind::Plain(_) => quote!(::core::result::Result::Ok(out.#ident)),
        OutputKind::Copied { contents: of, .. } => {
            let value = contents(model, method, output, of)?;
            match of.as_ref() {
                OutputKind::Slice { item, .. } => {
                    quote!((#value).map(|items: &[#item]| items.to_vec()))
                }
                _ => {
                    quote!((#value).map(|list| list.into_iter().map(::std::borrow::ToOwned::to_owned).collect()))
                }
            }
        }
        OutputKind::Index(length) => {
            let count = count(length);
            let index = match output.later {
                None => quote!(out.#ident),
                Some(_) => quote!(#ident),
            };
            quote!(::pjrt::__rt::index_or_none(#index, #count, #place))
        }
        OutputKind::Enum(name) => {
            let ty = named(model, name)?;
            quote!(::core::result::Result::Ok(#ty::from(out.#ident)))
        }
        OutputKind::Text(length) => {
            let count = count(length);
            quote!({
                ::pjrt::__rt::safety!("the plugin keeps the text for as long as its owner, which outlives this borrow.");
                unsafe { ::pjrt::__rt::text(out.#ident, #count, #place) }
            })
        }
        OutputKind::Slice { length, .. } | OutputKind::Enums { length, .. } => {
            let count = count(length);
            quote!({
                ::pjrt::__rt::safety!("the plugin keeps the items for as long as their owner, which outlives this borrow.");
                unsafe { ::pjrt::__rt::slice(out.#ident.cast(), #count, #place) }
            })
        }
        OutputKind::Rows { sizes, length, .. } => {
            let count = count(length);
            quote!({
                ::pjrt::__rt::safety!("the plugin keeps rows and lengths for as long as their owner, which outlives this borrow.");
                unsafe { ::pjrt::__rt::rows(out.#ident, out.#sizes, #count, #place) }
            })
        }
        OutputKind::Texts {
            bytes,
            sizes,
            length,
            nullable,
        } => {
            let count = count(length);
            let read = match (bytes, nullable) {
                (false, false) => quote!(texts),
                (true, false) => quote!(byte_strings),
                (false, true) => quote!(texts_or_none),
                (true, true) => quote!(byte_strings_or_none),
            };
            quote!({
                ::pjrt::__rt::safety!("the plugin keeps texts and lengths for as long as their owner, which outlives this borrow.");
                unsafe { ::pjrt::__rt::#read(out.#ident.cast(), out.#sizes, #count, #place) }
            })
        }
        OutputKind::NamedValues(length) => {
            let count = count(length);
            quote!({
                ::pjrt::__rt::safety!("the plugin keeps the values for as long as their owner, which outlives this borrow.");
                unsafe { ::pjrt::__rt::named_values(api, out.#ident, #count, #place) }
            })
        }
        OutputKind::Held {
            length,
            holder,
            deleter,
            ..
        }
        | OutputKind::HeldNamedValues {
            length,
            holder,
            deleter,
        } => {
            let count = count(length);
            let object = holder.as_ref().unwrap_or(ident);
            let deleter = super::held::deleter(deleter);
            let read = match kind {
                OutputKind::Held { .. } => quote!(held_bytes),
                _ => quote!(held_named_values),
            };
            let held = quote!({
                let deleter = #deleter;
                ::pjrt::__rt::safety!("the plugin keeps the contents until the deleter is called, which happens once.");
                unsafe { ::pjrt::__rt::#read(api, out.#ident, #count, out.#object as *mut ::core::ffi::c_void, deleter, #owner, #place) }
            });
            match kind {
                OutputKind::Held {
                    read_as: Some(ty),
                    nullable,
                    ..
                } => {
                    let read = if *nullable {
                        quote!(message_or_none)
                    } else {
                        quote!(message)
                    };
                    quote!(::pjrt::__rt::#read::<#ty>(&#held?, #place))
                }
                _ => held,
            }
        }
        OutputKind::Handles { length, .. } => {
            let count = count(length);
            quote!({
                ::pjrt::__rt::safety!("the owner keeps the handles alive.");
                unsafe { ::pjrt::__rt::handles(out.#ident.cast(), #count, #owner, #place) }
            })
        }
        OutputKind::Borrowed { nullable, .. } => {
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
                Parent::Receiver => keeper(quote!(::pjrt::__rt::owner_of)),
                Parent::Client => keeper(quote!(::pjrt::__rt::client_of)),
                Parent::None => quote!(::core::option::Option::None),
            };
            let parent = inputs::kept(model, method).into_iter().fold(
                parent,
                |parent, also| quote!(::pjrt::__rt::keep_also(#parent, #also)),
            );
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
        OutputKind::ValueList { name, length } => {
            let count = count(length);
            let ty = named(model, name)?;
            quote!({
                ::pjrt::__rt::safety!("the plugin keeps the structs for as long as their owner, which outlives this call.");
                unsafe { ::pjrt::__rt::value_list::<#ty>(out.#ident, #count, #place) }
            })
        }
        OutputKind::Buffer {
            item,
            length,
            count: said,
            ..
        } => {
            let memory = format_ident!("{}_memory", output.name);
            match (length, item) {
                (Some(length), _) => {
                    let count = count(length);
                    quote!(::pjrt::__rt::filled(#memory, #count, #place))
                }
                _ if *said == Count::All => {
                    quote!({ let _ = out; ::core::result::Result::Ok(#memory) })
                }
                (None, None) => quote!({ let _ = out; ::pjrt::__rt::filled_text(#memory, #place) }),
                (None, Some(_)) => return Err(format!("`{field}`: only text can end with NUL")),
            }
        }
        OutputKind::Values { list, .. } => {
            let memory = format_ident!("{}_memory", output.name);
            match list {
                Some(list) => {
                    let count = count(&list.length);
                    quote!(#memory.filled(#count, #place))
                }
                None => quote!({ let _ = out; #memory.one(#place) }),
            }
        }
    })
}
