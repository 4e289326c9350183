//! Layer 3: safe methods over the checked calls.

use super::{callbacks, docs, held, inputs, lenders, outputs};
use crate::lower::inputs::InputKind;
use crate::lower::method::{Method, Receiver};
use crate::lower::{call, names, place};
use crate::model::Model;
use crate::overlay::{Returns, Taken};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// One method, and the struct of its results if there are several.
pub struct Emitted {
    /// The method.
    pub method: TokenStream,
    /// The struct.
    pub result: TokenStream,
}

/// Writes a method. An error names the function.
pub fn method(model: &Model, method: &Method<'_>) -> Result<Emitted, String> {
    emitted(model, method).map_err(|error| format!("{}: {error}", method.call.function.name))
}

fn emitted(model: &Model, method: &Method<'_>) -> Result<Emitted, String> {
    let call = &method.call;
    for output in &method.outputs {
        lenders::refuse(method, output)?;
    }
    // On an extension, what is borrowed comes from a parameter, whose lifetime must be named.
    let on_self = matches!(method.receiver, Receiver::Handle(_));
    let borrows = method.outputs.iter().any(outputs::borrows);
    let named_lifetime = (borrows && !on_self).then(|| quote!('a));
    let generics = named_lifetime.as_ref().map(|l| quote!(<#l>));
    let elided = named_lifetime.clone().unwrap_or_else(|| quote!('_));

    let (mut params, mut checks, mut prelude) = (Vec::new(), Vec::new(), Vec::new());
    for input in &method.inputs {
        let subject = method.subject.is_some_and(|s| s.field == input.field);
        let param = inputs::param(model, input, named_lifetime.as_ref().filter(|_| subject))?;
        if !param.is_empty() {
            params.push(param);
        }
        checks.extend(inputs::check(model, method, input)?);
        checks.extend(inputs::tests(method, input));
        prelude.extend(inputs::prelude(method, input));
    }
    checks.extend(inputs::after(model, method)?);
    checks.extend(inputs::precondition(method)?);
    for output in &method.outputs {
        prelude.extend(outputs::prelude(model, method, output)?);
    }
    prelude.extend(callbacks::ended(model, method)?);
    let settled = callbacks::settle(method);
    let arguments = arguments(model, method)?;
    let gates = outputs::owned_types(model, &method.outputs)
        .into_iter()
        .map(|ty| quote!(::pjrt::__rt::destructor::<#ty>(api)?;));
    let (result, body, structure) = result(model, method, &elided)?;
    let guards = held::guards(method);
    let path = raw_path(model, method)?;
    let (ident, function, input) = (&method.ident, &call.ident, &call.input);
    let (api, table) = match (method.receiver, call.core) {
        (Receiver::Handle(_), true) => (
            quote!(let api = ::pjrt::__rt::Handle::api(self);),
            quote!(api),
        ),
        (Receiver::Handle(_), false) => {
            let found = table_of_api(call, &path);
            (
                quote! {
                    let api = ::pjrt::__rt::Handle::api(self);
                    let table = #found?;
                },
                quote!(table),
            )
        }
        (Receiver::Plugin(_), _) => (
            quote!(let api = ::pjrt::__rt::OnPlugin::api(self);),
            quote!(api),
        ),
        (Receiver::Extension(_), _) if call.behind.is_some() => {
            let found = table_of_api(call, &path);
            (
                quote!(let api = self.table.api(); let table = #found?;),
                quote!(table),
            )
        }
        (Receiver::Extension(_), _) => (
            quote!(let table = self.table; let api = table.api();),
            quote!(table),
        ),
    };
    let why = format!(
        "every handle given is live while it is borrowed and belongs to this plugin, slices carry their own length. {}",
        docs::comment(&method.entry.why)
    );
    let docs = method_docs(model, method);
    let kept = !cfg!(pjrt_mutant = "safe_raw_pointers");
    let unsafety = method.entry.unsafety.as_ref().filter(|_| kept);
    let unsafety = unsafety.map(|_| quote!(unsafe));
    let receiver = self::receiver(method)?;
    let unused = checks.is_empty().then(|| quote!(let _ = api;));
    let called = quote!(unsafe { #path #function(#table, input) });
    let called = if method.entry.compiles {
        quote!(::pjrt::__rt::compiling(|| #called))
    } else {
        called
    };
    let advice = method.inputs.iter().find_map(|input| match &input.kind {
        InputKind::Message {
            advises: Some(other),
            optional: false,
            ..
        } => Some((&input.ident, other)),
        _ => None,
    });
    let called = match advice {
        Some((ident, other)) => quote! {
            #called.map_err(|error| ::pjrt::__rt::Message::advise(#ident, #other, error))
        },
        None => called,
    };
    let called = match (method.entry.allocates, method.receiver) {
        (true, Receiver::Handle(_)) => {
            quote!(#called.map_err(|error| ::pjrt::__rt::exhausted(self, error)))
        }
        (true, _) => return Err("`allocates`: only a method of a handle has devices".into()),
        (false, _) => called,
    };
    let called = if method.entry.taken == Taken::Freed {
        quote! {
            let out = #called;
            if ::pjrt::__rt::reached(&out) { self.0.freed(); }
            let out = out?;
        }
    } else {
        quote!(let out = #called?;)
    };
    let body = quote! {
        #api
        #unused
        #(#gates)*
        #(#checks)*
        #(#prelude)*
        let input = #path #input::new #arguments;
        ::pjrt::__rt::safety!(#why);
        #called
        #(#settled)*
        #(#guards)*
        #body
    };
    let head = quote! {
        #docs
        #[allow(clippy::too_many_arguments, reason = "one for each input of the C function")]
    };
    let method = match method.entry.taken {
        Taken::Ref | Taken::Mut => quote! {
            #head
            #[inline]
            pub #unsafety fn #ident #generics(#receiver, #(#params),*) -> ::pjrt::Result<#result> { #body }
        },
        // The body only borrows the receiver, which is dropped behind it.
        Taken::Value | Taken::Freed => {
            let inner = names::bare_ident(&format!("{}_taken", method.ident));
            let given = method.inputs.iter().map(|input| &input.ident);
            let (outer, call) = match method.entry.taken {
                Taken::Freed => (
                    quote!(mut self),
                    quote!(Self::#inner(&mut self, #(#given),*)),
                ),
                _ => (quote!(self), quote!(Self::#inner(&self, #(#given),*))),
            };
            let call = match &method.entry.unsafety {
                Some(_) => quote! {
                    ::pjrt::__rt::safety!("the caller's promise.");
                    unsafe { #call }
                },
                None => call,
            };
            quote! {
                #head
                #[inline]
                pub #unsafety fn #ident #generics(#outer, #(#params),*) -> ::pjrt::Result<#result> { #call }
                #[allow(clippy::too_many_arguments, reason = "one for each input of the C function")]
                #[inline]
                #unsafety fn #inner #generics(#receiver, #(#params),*) -> ::pjrt::Result<#result> { #body }
            }
        }
    };
    Ok(Emitted {
        method,
        result: structure,
    })
}

/// How the method's body holds its receiver.
fn receiver(method: &Method<'_>) -> Result<TokenStream, String> {
    let unique = matches!(method.receiver, Receiver::Handle(_))
        && method.subject.is_some_and(|subject| !subject.counted);
    if method.entry.taken != Taken::Ref && !unique {
        return Err("`self`: only a handle with one owner can be taken alone or for good".into());
    }
    let lent = method.outputs.iter().any(outputs::borrows);
    if matches!(method.entry.taken, Taken::Value | Taken::Freed) && lent {
        return Err("`self`: a result is borrowed from a receiver that is gone".into());
    }
    Ok(match method.entry.taken {
        Taken::Ref | Taken::Value => quote!(&self),
        Taken::Mut | Taken::Freed => quote!(&mut self),
    })
}

/// The module of the checked call.
fn raw_path(model: &Model, method: &Method<'_>) -> Result<TokenStream, String> {
    if method.call.core {
        return Ok(quote!(::pjrt::raw::));
    }
    let module = model
        .module_of(&method.call.function.name)
        .ok_or("no module declares it")?;
    Ok(place::raw(model, module))
}

/// The arguments of the constructor of the call's inputs, and the setters of later ones.
fn arguments(model: &Model, method: &Method<'_>) -> Result<TokenStream, String> {
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for field in &method.call.inputs {
        let name = field.field.name.as_str();
        let value = argument(method, name)?;
        if model.later(&method.call.structure.name, name).is_some() {
            let setter = Ident::new(&format!("with_{}", field.ident), field.ident.span());
            later.push(quote!(.#setter(#value)));
        } else {
            first.push(value);
        }
    }
    Ok(quote!((#(#first),*) #(#later)*))
}

/// The value of a field of the checked call's input.
fn argument(method: &Method<'_>, field: &str) -> Result<TokenStream, String> {
    let on_self = matches!(method.receiver, Receiver::Handle(_));
    if on_self && method.subject.is_some_and(|s| s.field == field) {
        return Ok(quote!(::pjrt::__rt::Handle::as_raw(self)));
    }
    let given = method
        .inputs
        .iter()
        .filter(|input| input.within.is_none())
        .find_map(|input| inputs::fill(method, input, field));
    let made = || {
        method
            .outputs
            .iter()
            .find_map(|output| outputs::fill(method, output, field))
    };
    given
        .or_else(made)
        .ok_or_else(|| format!("nothing fills the field `{field}`"))
}

/// The result's type, the expression that gives it, and the struct that it may need.
fn result(
    model: &Model,
    method: &Method<'_>,
    lifetime: &TokenStream,
) -> Result<(TokenStream, TokenStream, TokenStream), String> {
    if let (Some(Returns::Status), []) = (method.entry.returns, method.outputs.as_slice()) {
        let body = quote!(
            out.status
                .map_or(::core::result::Result::Ok(()), ::core::result::Result::Err)
        );
        return Ok((quote!(()), body, quote!()));
    }
    match method.outputs.as_slice() {
        [] => Ok((
            quote!(()),
            quote!(let _ = out; ::core::result::Result::Ok(())),
            quote!(),
        )),
        [one] => Ok((
            outputs::ty(model, one, lifetime)?,
            outputs::value(model, method, one)?,
            quote!(),
        )),
        several => {
            let name = method
                .entry
                .result
                .as_deref()
                .ok_or("several outputs: say what their struct is called with `result`")?;
            let ident = names::ident(name);
            let inner = quote!('a);
            let borrows = several.iter().any(outputs::borrows);
            let (declared, used) = if borrows {
                (quote!(<'a>), quote!(<#lifetime>))
            } else {
                (quote!(), quote!())
            };
            let (mut fields, mut values) = (Vec::new(), Vec::new());
            // What is owned is taken over first, so that nothing is lost if another part is refused.
            let mut order: Vec<_> = several.iter().collect();
            order.sort_by_key(|o| !outputs::takes_over(o));
            for output in order {
                let name = &output.name;
                let ty = outputs::ty(model, output, &inner)?;
                let value = outputs::value(model, method, output)?;
                let entry = model.field_entry(&method.call.function.name, output.field);
                let doc = entry
                    .and_then(|e| e.doc.clone())
                    .unwrap_or_else(|| format!("`{}`.", output.field));
                let doc = docs::lines(&doc);
                fields.push(quote!(#doc pub #name: #ty,));
                values.push(quote!(#name: ::pjrt::__rt::part(#value)?,));
            }
            let doc = format!(
                " What `{}` of `{}` gives.",
                method.ident, method.call.function.name
            );
            let structure = quote! {
                #[doc = #doc]
                #[non_exhaustive]
                #[derive(Debug)]
                pub struct #ident #declared { #(#fields)* }
            };
            Ok((
                quote!(#ident #used),
                quote!(::core::result::Result::Ok(#ident { #(#values)* })),
                structure,
            ))
        }
    }
}

fn method_docs(model: &Model, method: &Method<'_>) -> TokenStream {
    let c_name = &method.call.function.name;
    let text = docs::lines(&method.entry.doc);
    let since = match model.since(c_name) {
        Some(since) => format!(" Calls `{c_name}` (since PJRT 0.{since})."),
        None => format!(" Calls `{c_name}`."),
    };
    let errors = match &method.entry.errors {
        Some(errors) => docs::lines(errors),
        None => {
            quote!(#[doc = " What the plugin reports; `Unimplemented` if its table lacks the function."])
        }
    };
    let safety = method.entry.unsafety.as_ref().map(|promise| {
        let promise = docs::lines(promise);
        quote! {
            #[doc = ""]
            #[doc = " # Safety"]
            #[doc = ""]
            #promise
        }
    });
    quote! {
        #text
        #[doc = ""]
        #[doc = #since]
        #[doc = ""]
        #[doc = " # Errors"]
        #[doc = ""]
        #errors
        #safety
    }
}

/// The Rust type of a handle, enum or plain struct of the overlay.
pub fn named(model: &Model, c_name: &str) -> Result<TokenStream, String> {
    let handle = model.handle(c_name).map(|h| &h.rust);
    let rust = handle
        .or_else(|| model.overlay.enums.get(c_name).map(|e| &e.rust))
        .or_else(|| model.overlay.values.get(c_name).map(|v| &v.rust));
    let rust =
        rust.ok_or_else(|| format!("no [handle], [enum] or [value] entry for `{c_name}`"))?;
    let module = model
        .home(c_name)
        .ok_or_else(|| format!("no module declares `{c_name}`"))?;
    Ok(place::safe(model, module, rust))
}

/// The path of a checked call's module for a function, for the destructor of a handle.
pub fn call_path(model: &Model, call: &call::Call<'_>) -> Option<TokenStream> {
    if call.core {
        return Some(quote!(::pjrt::raw::));
    }
    Some(place::raw(model, model.module_of(&call.function.name)?))
}

/// The expression that gives the table of a call that is not the API's own, from the API. `path` is
/// that of the checked calls.
pub fn table_of_api(call: &call::Call<'_>, path: &TokenStream) -> TokenStream {
    match &call.behind {
        Some(table) => quote!(api.behind::<#path #table>()),
        None => quote!(api.extension::<#path Table>()),
    }
}
