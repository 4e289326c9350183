//! The C functions of a plugin's table, which answer for whoever implements its trait.

use super::server::Names;
use crate::lower::musts::Must;
use crate::lower::names;
use crate::lower::served::{Argument, Arguments, Gives, Holds, ServedSlot};
use crate::schema::Direction;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// Fills a slot.
pub(super) fn fill(names: &Names, slot: &ServedSlot<'_>) -> TokenStream {
    let (member, variant, kinds) = (&slot.member, &slot.variant, &names.slot);
    let thunk = match &slot.holds {
        Holds::Value { truth, .. } => {
            let method = &slot.method;
            return match truth {
                true => quote!(table.#member = ::core::primitive::u8::from(server.#method());),
                false => quote!(table.#member = server.#method();),
            };
        }
        Holds::Args(call) => with_arguments(names, &slot.method, call),
        Holds::Positional {
            function,
            params,
            gives,
        } => positional(names, &slot.method, &function.name, params, gives),
    };
    quote! {
        if server.offers(#kinds::#variant) {
            #thunk
            table.#member = ::core::option::Option::Some(thunk::<T>);
        }
    }
}

/// The function that answers for a method with a struct of arguments.
fn with_arguments(names: &Names, method: &Ident, call: &Arguments<'_>) -> TokenStream {
    let (server, pointer) = (&names.server, &call.pointer);
    let (name, args, least) = (
        &call.function.name,
        &call.structure.name,
        Literal::u64_unsuffixed(call.least),
    );
    let fields = call.fields.iter().map(field);
    let path = &call.path;
    let body = answered(&call.gives, quote!(unsafe { T::instance().#method(args) }));
    // A function that only reads its arguments has them behind a constant pointer.
    let cast = match pointer.to_string().starts_with("* const") {
        true => quote!(args.cast_mut()),
        false => quote!(args),
    };
    let (result, end) = end(&call.gives);
    quote! {
        unsafe extern "C" fn thunk<T: #server>(args: #pointer) #result {
            const SERVED: ::pjrt::__rt::Served = ::pjrt::__rt::Served {
                name: #name,
                args: #args,
                least: #least,
                fields: &[#(#fields),*],
            };
            let body = |args: &mut #path| {
                ::pjrt::__rt::safety!("`serve` gives a whole struct that was checked; what its pointers refer to is the caller's promise.");
                #body
            };
            ::pjrt::__rt::safety!("the facts of the header give the struct, of which zero bytes are a value; that the pointer is null or points to one is the caller's promise.");
            let outcome = unsafe { ::pjrt::__rt::serve(&SERVED, #cast, body) };
            #end
        }
    }
}

fn field(argument: &Argument<'_>) -> TokenStream {
    let number = Literal::u64_unsuffixed;
    let (offset, size) = (number(argument.field.offset), number(argument.field.size));
    let name = match argument.field.name.as_str() {
        "" => "union",
        name => name,
    };
    let way = names::bare_ident(match argument.direction {
        Direction::In => "In",
        Direction::Out => "Out",
        Direction::InOut => "InOut",
    });
    let must = match &argument.must {
        Must::Be => quote!(Be),
        Must::BeTruth => quote!(BeTruth),
        Must::Point(lengths) => {
            let lengths = lengths.iter().map(|length| {
                let (offset, size) = (number(length.offset), number(length.size));
                quote!((#offset, #size))
            });
            quote!(Point(&[#(#lengths),*]))
        }
    };
    quote! {
        ::pjrt::__rt::ServedField::new(#name, #offset, #size, ::pjrt::__rt::Way::#way, ::pjrt::__rt::Must::#must)
    }
}

/// The function that answers for a method with parameters by position.
fn positional(
    names: &Names,
    method: &Ident,
    c_name: &str,
    params: &[(Ident, TokenStream)],
    gives: &Gives,
) -> TokenStream {
    let server = &names.server;
    let (idents, types): (Vec<_>, Vec<_>) = params.iter().cloned().unzip();
    let body = answered(
        gives,
        quote!(unsafe { T::instance().#method(#(#idents),*) }),
    );
    let (result, end) = end(gives);
    quote! {
        unsafe extern "C" fn thunk<T: #server>(#(#idents: #types),*) #result {
            let body = || {
                ::pjrt::__rt::safety!("what the parameters refer to is the caller's promise.");
                #body
            };
            let outcome = ::pjrt::__rt::caught(#c_name, body);
            #end
        }
    }
}

/// What a method gives back, as an outcome.
fn answered(gives: &Gives, call: TokenStream) -> TokenStream {
    match gives {
        Gives::Error => call,
        _ => quote!(::core::result::Result::Ok(#call)),
    }
}

/// The result of a thunk, and how it is made of an outcome.
fn end(gives: &Gives) -> (TokenStream, TokenStream) {
    match gives {
        Gives::Error => (
            quote!(-> *mut ::pjrt::sys::PJRT_Error),
            quote!(::pjrt::__rt::answer(outcome, |failure| T::instance().error(failure))),
        ),
        Gives::Nothing => (
            quote!(),
            quote!(let _: ::core::result::Result<(), _> = outcome;),
        ),
        Gives::Value(ty) => (
            quote!(-> #ty),
            quote! {
                ::pjrt::__rt::safety!("the type is declared in C: a number, a pointer, an absent function or a struct of these, of which zero bytes are a value.");
                unsafe { ::pjrt::__rt::or_zero(outcome) }
            },
        ),
    }
}
