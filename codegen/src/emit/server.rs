//! The plugin's side of an extension: a trait with a method for each slot of its table, and the table
//! of the functions that answer for whoever implements it.

use super::calls::size_constant;
use super::{docs, thunks};
use crate::lower::call::path;
use crate::lower::names;
use crate::lower::served::{self, Arguments, Gives, Holds, ServedSlot};
use crate::model::Model;
use crate::schema::{Direction, Extension, Header, Struct};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// The struct that every extension's table begins with.
const BASE: &str = "PJRT_Extension_Base";

/// The names of what is generated.
pub(super) struct Names {
    /// The trait.
    pub(super) server: Ident,
    /// The functions that may be left out.
    pub(super) slot: Ident,
    /// The table.
    pub(super) table: Ident,
}

/// Trait, slots and table of the extension that a header declares.
///
/// # Errors
///
/// An extension without an entry, and the first slot that no rule fits.
pub fn server(model: &Model, header: &Header) -> Result<TokenStream, String> {
    let (fact, entry) = super::extension::declared(model, header)?;
    let ident = |suffix: &str| names::ident(&format!("{}{suffix}", entry.rust));
    let names = Names {
        server: ident("Server"),
        slot: ident("Slot"),
        table: ident("Table"),
    };
    let slots = served::slots(model, header, fact)?;
    let server = declared(&names, fact, &slots);
    let kinds = kinds(&names, fact, &slots);
    let table = table(model, header, fact, &names, &slots)?;
    Ok(quote!(#server #kinds #table))
}

/// The trait.
fn declared(names: &Names, fact: &Extension, slots: &[ServedSlot<'_>]) -> TokenStream {
    let Names {
        server,
        slot,
        table,
    } = names;
    let doc = format!(
        " What a plugin answers for the extension {}: a method for each slot of `{}`.",
        fact.name, fact.table
    );
    let link = format!(" [`{table}`] makes the table of it.");
    let methods = slots.iter().map(method);
    quote! {
        #[doc = #doc]
        #[doc = #link]
        ///
        /// Methods run on the threads of the plugin's caller, any number at once. A panic in one is an
        /// `INTERNAL` error to the caller, or zero where the C function reports no errors.
        pub trait #server: ::core::marker::Send + ::core::marker::Sync + 'static {
            /// The object that answers: functions of a table are told nothing of whose table it is.
            fn instance() -> &'static Self;
            /// Makes the plugin's own error of a failure, never null: the caller destroys it through
            /// the plugin's table. A panic in here ends the process, for nothing else can be answered.
            fn error(&self, failure: ::pjrt::server::Failure) -> *mut ::pjrt::sys::PJRT_Error;
            /// Whether a function is there, asked when the table is made. The slot of one that is not
            /// is null, which callers take for a plugin without the function.
            fn offers(&self, slot: #slot) -> bool {
                let _ = slot;
                true
            }
            #(#methods)*
        }
    }
}

fn method(slot: &ServedSlot<'_>) -> TokenStream {
    let ident = &slot.method;
    let name = &slot.field.name;
    match &slot.holds {
        Holds::Value { ty, none, .. } => {
            let doc = format!(
                " The value of the slot `{name}`, asked when the table is made; without one"
            );
            quote! {
                #[doc = #doc]
                /// the slot is zero. What a pointer refers to must live as long as the process.
                fn #ident(&self) -> #ty { #none }
            }
        }
        Holds::Args(call) => {
            let path = &call.path;
            let filled = filled(call);
            let (c_name, params) = (&call.function.name, quote!(args: &mut #path));
            let used = quote!(let _ = args;);
            let promise = quote! {
                /// The caller's pointers in `args` are valid for what the C function does with them, for
                /// as long as it does. Required ones are not null; fields that a caller with an older
                /// header does not have are zero.
            };
            let method = promised(ident, c_name, &params, &used, &call.gives, &promise);
            let doc = docs::lines(&format!("Answers `{c_name}`. {filled}"));
            quote!(#doc #method)
        }
        Holds::Positional {
            function,
            params,
            gives,
        } => {
            let (idents, types): (Vec<_>, Vec<_>) = params.iter().cloned().unzip();
            let c_name = &function.name;
            let promise = quote! {
                /// The caller's pointers are null, or valid for what the C function does with them, for as
                /// long as it does.
            };
            let used = quote!(let _ = (#(#idents,)*););
            let params = quote!(#(#idents: #types),*);
            let method = promised(ident, c_name, &params, &used, gives, &promise);
            let doc = docs::lines(&format!("Answers `{c_name}`."));
            quote! {
                #[allow(clippy::too_many_arguments, reason = "one for each parameter of the C function")]
                #doc
                #method
            }
        }
    }
}

/// A method without its first lines. Where errors can be reported it need not be written.
fn promised(
    ident: &Ident,
    c_name: &str,
    params: &TokenStream,
    used: &TokenStream,
    gives: &Gives,
    promise: &TokenStream,
) -> TokenStream {
    let (result, body) = match gives {
        Gives::Error => (
            quote!(-> ::core::result::Result<(), ::pjrt::server::Failure>),
            quote!({
                #used
                ::core::result::Result::Err(::pjrt::server::Failure::unimplemented(#c_name))
            }),
        ),
        Gives::Nothing => (quote!(), quote!(;)),
        Gives::Value(ty) => (quote!(-> #ty), quote!(;)),
    };
    let errors = match gives {
        Gives::Error => quote! {
            ///
            /// # Errors
            ///
            /// What the caller is told; no outputs go back then. Without a body: `UNIMPLEMENTED`.
        },
        _ => quote!(),
    };
    quote! {
        #errors
        ///
        /// # Safety
        ///
        #promise
        unsafe fn #ident(&self, #params) #result #body
    }
}

/// A sentence about the outputs.
fn filled(call: &Arguments<'_>) -> String {
    let outputs = call.fields.iter();
    let outputs = outputs.filter(|f| f.direction != Direction::In);
    let outputs: Vec<String> = outputs.map(|f| format!("`{}`", f.field.name)).collect();
    match outputs.as_slice() {
        [] => String::new(),
        names => format!("It fills {}.", names.join(", ")),
    }
}

/// The functions of the table, for the question whether they are there.
fn kinds(names: &Names, fact: &Extension, slots: &[ServedSlot<'_>]) -> TokenStream {
    let (slot, server) = (&names.slot, &names.server);
    let functions = slots
        .iter()
        .filter(|s| !matches!(s.holds, Holds::Value { .. }));
    let variants = functions.map(|s| {
        let (variant, doc) = (&s.variant, format!(" The slot `{}`.", s.field.name));
        quote!(#[doc = #doc] #variant,)
    });
    let doc = format!(" A function of `{}`, for [`{server}::offers`].", fact.table);
    quote! {
        #[doc = #doc]
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum #slot { #(#variants)* }
    }
}

/// The table and what is in it.
fn table(
    model: &Model,
    header: &Header,
    fact: &Extension,
    names: &Names,
    slots: &[ServedSlot<'_>],
) -> Result<TokenStream, String> {
    let (ident, server) = (&names.table, &names.server);
    let structs = header.structs.iter();
    let structure: &Struct = structs
        .clone()
        .find(|s| s.name == fact.table)
        .ok_or_else(|| format!("{}: no such struct", fact.table))?;
    let base = structure.fields.first().filter(|f| f.ty == BASE);
    let base = base.ok_or_else(|| format!("{}: it does not begin with `{BASE}`", fact.table))?;
    let base = names::ident(&base.name);
    let no_path = || format!("{}: its type has no Rust spelling", fact.table);
    let path = path(model, &fact.table).ok_or_else(no_path)?;
    let size = size_constant(model, structure, &path);
    let number = Literal::u32_unsuffixed(fact.number);
    let filled = slots.iter().map(|slot| thunks::fill(names, slot));
    let (doc, of) = (
        format!(
            " The table `{}` of a plugin, whose functions a [`{server}`] answers.",
            fact.table
        ),
        format!(" The table of the functions that `T` offers, which has the number {number}."),
    );
    Ok(quote! {
        #[doc = #doc]
        pub struct #ident { table: #path }
        impl #ident {
            #[doc = #of]
            pub fn new<T: #server>() -> Self {
                let server = T::instance();
                let mut table = <#path>::zeroed();
                table.#base.struct_size = #size;
                table.#base.type_ = ::pjrt::sys::PJRT_Extension_Type(#number);
                #(#filled)*
                let _ = server;
                Self { table }
            }
            /// The table as it is.
            pub fn as_raw(&self) -> &#path { &self.table }
            /// Puts the table into memory that is never freed, as the first node of a plugin's chain:
            /// `next` is null, or the chain's nodes until now. Give the result to the `extension_start`
            /// of the plugin's own table, once for each plugin.
            pub fn link(mut self, next: *mut ::pjrt::sys::PJRT_Extension_Base) -> *mut ::pjrt::sys::PJRT_Extension_Base {
                self.table.#base.next = next;
                ::std::boxed::Box::into_raw(::std::boxed::Box::new(self.table)).cast()
            }
        }
        impl ::core::fmt::Debug for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(::core::stringify!(#ident))
            }
        }
    })
}
