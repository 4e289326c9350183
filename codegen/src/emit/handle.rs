//! Handle types: the struct, its destructor, and the generated methods.

use super::methods;
use crate::lower::{call, method, names};
use crate::model::Model;
use crate::overlay::{Share, Threads};
use proc_macro2::TokenStream;
use quote::quote;

/// The Rust type of a handle with everything that is generated on it.
pub fn handle(model: &Model, name: &str) -> Result<TokenStream, String> {
    let entry = model
        .handle(name)
        .ok_or_else(|| format!("no [handle.{name}] in the overlay"))?;
    let ident = names::ident(&entry.rust);
    let raw = call::path(model, name).ok_or_else(|| format!("no binding of `{name}`"))?;
    let doc = super::docs::lines(&entry.doc);
    let c_doc = format!(" The C type is `{name}`.");
    let (destroy, can_destroy) = match &entry.destroy {
        Some(function) => destructor(model, function)?,
        None => (quote!(), quote!(true)),
    };
    let destroyer = match &entry.destroy {
        Some(function) => {
            let since = model.since(function).unwrap_or(0);
            quote!(::core::option::Option::Some(::pjrt::__rt::Function { name: #function, since: #since }))
        }
        None => quote!(::core::option::Option::None),
    };
    let root = entry.root;
    let representation = match entry.share {
        Share::Clone => quote!(Shared),
        Share::Unique => quote!(Unique),
    };
    let derive = matches!(entry.share, Share::Clone).then(|| quote!(#[derive(Clone)]));
    let borrow = matches!(entry.share, Share::Clone).then(|| {
        quote! {
            impl ::pjrt::__rt::Borrow for #ident {
                unsafe fn borrow(raw: ::core::ptr::NonNull<#raw>, owner: ::pjrt::__rt::Owner) -> Self {
                    ::pjrt::__rt::safety!("the caller gives a live handle and who keeps it alive.");
                    Self(unsafe { ::pjrt::__rt::Shared::borrowed(raw, owner) })
                }
            }
        }
    });
    let drop = matches!(entry.share, Share::Unique).then(|| {
        quote! {
            impl ::core::ops::Drop for #ident {
                fn drop(&mut self) {
                    ::pjrt::__rt::Unique::destroy::<Self>(&mut self.0);
                }
            }
        }
    });
    let why = super::docs::comment(&entry.why);
    let threads = match entry.threads {
        Threads::None => quote!(),
        Threads::Send => quote! {
            ::pjrt::__rt::safety!(#why);
            unsafe impl ::core::marker::Send for #ident {}
        },
        Threads::SendSync => quote! {
            ::pjrt::__rt::safety!(#why);
            unsafe impl ::core::marker::Send for #ident {}
            ::pjrt::__rt::safety!(#why);
            unsafe impl ::core::marker::Sync for #ident {}
        },
    };
    let methods = method::methods(model, method::Receiver::Handle(name))
        .map_err(|errors| errors.join("; "))?;
    let emitted = methods
        .iter()
        .map(|m| methods::method(model, m))
        .collect::<Result<Vec<_>, _>>()?;
    let interop = interop(entry.share, &raw);
    let items = emitted.iter().map(|e| &e.method);
    let results = emitted.iter().map(|e| &e.result);
    let debug = (!entry.own_debug).then(|| {
        quote! {
            impl ::core::fmt::Debug for #ident {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    self.0.describe::<Self>(f)
                }
            }
        }
    });
    Ok(quote! {
        #doc
        #[doc = ""]
        #[doc = #c_doc]
        #derive
        pub struct #ident(::pjrt::__rt::#representation<#raw>);
        ::pjrt::__rt::safety!("the methods give the parts that the handle was made of; the destructor is the one that the overlay names for this type.");
        unsafe impl ::pjrt::__rt::Handle for #ident {
            type Raw = #raw;
            const NAME: &'static str = #name;
            const DESTROY: ::core::option::Option<::pjrt::__rt::Function> = #destroyer;
            const ROOT: bool = #root;
            fn api(&self) -> &'static ::pjrt::__rt::Api { self.0.api() }
            fn as_raw(&self) -> *mut #raw { self.0.as_raw() }
            fn owner(&self) -> ::core::option::Option<&::pjrt::__rt::Owner> { self.0.owner() }
            fn can_destroy(api: &'static ::pjrt::__rt::Api) -> bool { let _ = api; #can_destroy }
            unsafe fn destroy(api: &'static ::pjrt::__rt::Api, raw: ::core::ptr::NonNull<#raw>) {
                let _ = (api, raw);
                #destroy
            }
            unsafe fn own(
                api: &'static ::pjrt::__rt::Api,
                raw: ::core::ptr::NonNull<#raw>,
                parent: ::core::option::Option<::pjrt::__rt::Owner>,
            ) -> Self {
                ::pjrt::__rt::safety!("the caller hands over a live handle that nobody else destroys.");
                Self(unsafe { ::pjrt::__rt::#representation::owned::<Self>(api, raw, parent) })
            }
        }
        #borrow
        #drop
        #threads
        #debug
        impl #ident { #interop #(#items)* }
        #(#results)*
    })
}

/// How code that binds PJRT by itself gets the object and hands one over.
fn interop(share: Share, raw: &TokenStream) -> TokenStream {
    let other = match share {
        Share::Clone => quote! {
            /// Stands for an object that belongs to somebody else, who destroys it.
            ///
            /// # Safety
            ///
            /// The object is a live one of the parent's plugin, and lives until this, its clones, and
            /// all that came from them are gone.
            ///
            /// # Errors
            ///
            /// `InvalidArgument` for null.
            pub unsafe fn borrow_raw(parent: &impl ::pjrt::__rt::Parent, raw: *mut #raw) -> ::pjrt::Result<Self> {
                ::pjrt::__rt::safety!("the caller's promise.");
                unsafe { ::pjrt::__rt::borrow_raw(parent, raw) }
            }
        },
        Share::Unique => quote! {
            /// Gives the object up: whoever takes it destroys it, and before that nothing that it
            /// needs, such as its client.
            pub fn into_raw(mut self) -> *mut #raw {
                self.0.freed();
                self.0.as_raw()
            }
        },
    };
    quote! {
        /// The object, for code that binds PJRT by itself. It stays this handle's, which destroys it.
        pub fn as_raw(&self) -> *mut #raw {
            self.0.as_raw()
        }

        /// Takes an object over, and destroys it when this is dropped.
        ///
        /// # Safety
        ///
        /// The object is a live one of the parent's plugin, which nobody else destroys or uses in a
        /// way that this type's methods do not expect. The parent is what it came from, and keeps
        /// alive what it needs: a client for what belongs to one.
        ///
        /// # Errors
        ///
        /// `InvalidArgument` for null; `Unimplemented` if the plugin has no function to destroy it.
        pub unsafe fn from_raw(parent: &impl ::pjrt::__rt::Parent, raw: *mut #raw) -> ::pjrt::Result<Self> {
            ::pjrt::__rt::safety!("the caller's promise.");
            unsafe { ::pjrt::__rt::from_raw(parent, raw) }
        }

        #other
    }
}

/// The call of a destructor, and the test whether the plugin has it.
fn destructor(model: &Model, function: &str) -> Result<(TokenStream, TokenStream), String> {
    let fact = model
        .function(function)
        .ok_or_else(|| format!("no function `{function}` in the facts"))?;
    let call = call::call(model, fact)
        .ok_or_else(|| format!("the destructor `{function}` has no checked call"))?;
    let (ident, input, slot) = (&call.ident, &call.input, &call.slot);
    let path = methods::call_path(model, &call)
        .ok_or_else(|| format!("no module declares `{function}`"))?;
    if call.core {
        return Ok((
            quote! {
                ::pjrt::__rt::safety!("the handle is live, ours, and never used again. An error has nobody to go to.");
                let _ = unsafe { #path #ident(api, #path #input::new(raw.as_ptr())) };
            },
            quote!(api.table().#slot.is_some()),
        ));
    }
    let table = methods::table_of_api(&call, &path);
    Ok((
        quote! {
            if let ::core::result::Result::Ok(table) = #table {
                ::pjrt::__rt::safety!("the handle is live, ours, and never used again. An error has nobody to go to.");
                let _ = unsafe { #path #ident(table, #path #input::new(raw.as_ptr())) };
            }
        },
        quote!(#table.is_ok_and(|table| table.table().0.#slot.is_some())),
    ))
}
