//! Typed options of a platform's clients, and the table that options are checked against.

use super::docs;
use crate::lower::names;
use crate::model::Model;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The type that holds a platform's options.
pub fn platform(model: &Model, name: &str) -> Result<TokenStream, String> {
    let entry = model
        .overlay
        .platforms
        .get(name)
        .ok_or_else(|| format!("no [platform.{name}] in the overlay"))?;
    let ident = names::ident(&entry.rust);
    let doc = docs::lines(&entry.doc);
    let mut listed = Vec::new();
    let mut setters = Vec::new();
    for (option, of) in &entry.options {
        let limit = |limit: Option<i64>| match limit {
            Some(number) => {
                let number = Literal::i64_unsuffixed(number);
                quote!(::core::option::Option::Some(#number))
            }
            None => quote!(::core::option::Option::None),
        };
        let (least, most) = (limit(of.least), limit(of.most));
        let (kind, given, value) = match of.ty.as_str() {
            "string" => (
                quote!(STRING),
                quote!(impl ::core::convert::Into<::std::string::String>),
                quote!(::pjrt::ClientOptionValue::String(value.into().into_bytes())),
            ),
            "int64" => (
                quote!(INT64),
                quote!(i64),
                quote!(::pjrt::ClientOptionValue::Int64(value)),
            ),
            "int64_list" => (
                quote!(INT64_LIST),
                quote!(impl ::core::convert::Into<::std::vec::Vec<i64>>),
                quote!(::pjrt::ClientOptionValue::Int64List(value.into())),
            ),
            "float" => (
                quote!(FLOAT),
                quote!(f32),
                quote!(::pjrt::ClientOptionValue::Float(value)),
            ),
            _ => (
                quote!(BOOL),
                quote!(bool),
                quote!(::pjrt::ClientOptionValue::Bool(value)),
            ),
        };
        listed.push(quote! {
            ::pjrt::__rt::PlatformOption {
                name: #option,
                kind: ::pjrt::NamedValueType::#kind,
                least: #least,
                most: #most,
            }
        });
        let method = names::ident(&of.method);
        let text = docs::lines(&of.doc);
        let range = match (of.least, of.most) {
            (Some(least), Some(most)) => format!(" From {least} to {most}."),
            (Some(least), None) => format!(" At least {least}."),
            (None, Some(most)) => format!(" At most {most}."),
            (None, None) => String::new(),
        };
        let facts = format!(
            " The option is `{option}`, by default: {}.{range} Plugins that know it: {}.",
            of.default, of.plugins
        );
        setters.push(quote! {
            #text
            #[doc = ""]
            #[doc = #facts]
            #[must_use]
            pub fn #method(mut self, value: #given) -> Self {
                self.0.listed(#option, #value);
                self
            }
        });
    }
    let library = &entry.library;
    let attribute = match &entry.attribute {
        Some(attribute) => quote!(::core::option::Option::Some(#attribute)),
        None => quote!(::core::option::Option::None),
    };
    let sends_unlisted = entry.sends_unlisted;
    Ok(quote! {
        #doc
        #[derive(Clone, Debug, PartialEq)]
        pub struct #ident(::pjrt::ClientOptions);
        impl #ident {
            /// What is known of the platform.
            #[doc(hidden)]
            pub const PLATFORM: &'static ::pjrt::__rt::Platform = &::pjrt::__rt::Platform {
                name: #name,
                library: #library,
                attribute: #attribute,
                sends_unlisted: #sends_unlisted,
                options: &[#(#listed),*],
            };
            /// Leaves everything to the plugin.
            pub fn new() -> Self {
                Self(::pjrt::ClientOptions::for_platform(Self::PLATFORM))
            }
            #(#setters)*
        }
        impl ::core::default::Default for #ident {
            fn default() -> Self { Self::new() }
        }
        impl ::core::ops::Deref for #ident {
            type Target = ::pjrt::ClientOptions;
            fn deref(&self) -> &::pjrt::ClientOptions { &self.0 }
        }
        impl ::core::convert::From<#ident> for ::pjrt::ClientOptions {
            fn from(options: #ident) -> ::pjrt::ClientOptions { options.0 }
        }
    })
}
