//! Open enums: a newtype with a constant for each known value; unknown values are kept.

use crate::lower::{call, names};
use crate::model::Model;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The Rust type of a C enum.
pub fn enumeration(model: &Model, name: &str) -> Result<TokenStream, String> {
    let fact = model
        .enumeration(name)
        .ok_or_else(|| format!("no enum `{name}` in the facts"))?;
    let entry = model
        .overlay
        .enums
        .get(name)
        .ok_or_else(|| format!("no [enum.{name}] in the overlay"))?;
    let path = call::path(model, name).ok_or_else(|| format!("no binding of `{name}`"))?;
    let ident = names::ident(&entry.rust);
    let doc = format!(" {}", entry.doc.replace('\n', "\n "));
    let c_doc = format!(
        " The C type is `{name}`. Values that this version does not know are kept as they are."
    );
    let repr: TokenStream = crate::lower::ctype::primitive(&fact.repr)
        .and_then(|s| s.parse().ok())
        .ok_or_else(|| format!("no Rust type for `{}`", fact.repr))?;
    let c_names: Vec<&str> = fact.values.iter().map(|v| v.name.as_str()).collect();
    let constants = names::constants(&c_names);
    let idents: Vec<_> = constants.iter().map(|c| names::ident(c)).collect();
    let numbers: Vec<_> = fact
        .values
        .iter()
        .map(|v| Literal::i64_unsuffixed(v.value))
        .collect();
    let docs: Vec<_> = c_names.iter().map(|c| format!(" `{c}`")).collect();
    let aliases: Vec<_> = (0..idents.len())
        .filter(|i| {
            !fact
                .values
                .iter()
                .take(*i)
                .any(|v| fact.values.get(*i).is_some_and(|w| w.value == v.value))
        })
        .collect();
    let arms = aliases.iter().filter_map(|i| {
        let (number, name) = (numbers.get(*i)?, constants.get(*i)?);
        Some(quote!(#number => #name,))
    });
    let late = super::gates::late_values(model, name).map(|late| {
        quote! {
            /// Numbers of the values that came after the oldest supported version of PJRT, and the
            /// minor version since which plugins have them.
            #[doc(hidden)]
            pub const LATE: &'static [(i64, u32)] = #late;
        }
    });
    let debug_format = format!("{}({{}})", entry.rust);
    // Some fields hold the enum's values as another integer.
    let others = ["i32", "u32"]
        .into_iter()
        .filter(|int| *int != repr.to_string());
    let of_int = others.map(|int| {
        let int = names::bare_ident(int);
        quote! {
            impl ::core::convert::From<#int> for #ident {
                fn from(raw: #int) -> Self { Self(raw as #repr) }
            }
            impl ::core::convert::From<#ident> for #int {
                fn from(value: #ident) -> Self { value.0 as #int }
            }
        }
    });
    let of_int = quote!(#(#of_int)*);
    Ok(quote! {
        #[doc = #doc]
        #[doc = ""]
        #[doc = #c_doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct #ident(#repr);
        impl #ident {
            #(
                #[doc = #docs]
                pub const #idents: Self = Self(#numbers);
            )*
            #late
            /// All values that this version knows.
            pub const ALL: &'static [Self] = &[#(Self::#idents),*];
            /// Takes the C value, known or not.
            pub const fn from_raw(raw: #path) -> Self {
                Self(raw.0)
            }
            /// The C value.
            pub const fn as_raw(self) -> #path {
                #path(self.0)
            }
            /// The name of a known value.
            pub const fn name(self) -> ::core::option::Option<&'static str> {
                ::core::option::Option::Some(match self.0 {
                    #(#arms)*
                    _ => return ::core::option::Option::None,
                })
            }
        }
        impl ::core::convert::From<#path> for #ident {
            fn from(raw: #path) -> Self { Self(raw.0) }
        }
        impl ::core::convert::From<#ident> for #path {
            fn from(value: #ident) -> Self { value.as_raw() }
        }
        #of_int
        impl ::core::fmt::Debug for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self.name() {
                    ::core::option::Option::Some(name) => f.write_str(name),
                    ::core::option::Option::None => ::core::write!(f, #debug_format, self.0),
                }
            }
        }
        impl ::core::fmt::Display for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(self, f)
            }
        }
    })
}
