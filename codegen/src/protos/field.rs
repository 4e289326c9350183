//! One field in Rust: its type, how it is read and how it is written.

use super::choice::Choice;
use super::emit::{Names, words};
use super::facts::{Field, Label, MessageFacts, Protos};
use crate::lower::names;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// What fields are made with.
pub(super) struct Maker<'a> {
    pub protos: &'a Protos,
    pub choice: &'a Choice,
    pub names: &'a Names,
}

/// A field that Rust gets. Fields of one group share the Rust field.
pub(super) struct Made {
    pub ident: Ident,
    pub ty: TokenStream,
    /// An arm of the match on the number.
    pub read: TokenStream,
    /// Statements that write it.
    pub write: TokenStream,
}

/// What a type is.
enum Kind {
    /// Written as one value: how, and its Rust type.
    Scalar(TokenStream, TokenStream),
    /// A message that Rust gets.
    Message(Ident),
}

impl Maker<'_> {
    fn kind(&self, ty: &str) -> Result<Kind, String> {
        let (how, rust) = match ty {
            "double" => ("Double", quote!(f64)),
            "float" => ("Float", quote!(f32)),
            "int32" => ("Int32", quote!(i32)),
            "int64" => ("Int64", quote!(i64)),
            "uint32" => ("Uint32", quote!(u32)),
            "uint64" => ("Uint64", quote!(u64)),
            "bool" => ("Bool", quote!(bool)),
            "string" => ("Text", quote!(String)),
            "bytes" => ("Bytes", quote!(Vec<u8>)),
            named if self.protos.enumeration(named).is_some() => {
                let rust = self.names.get(named)?;
                return Ok(Kind::Scalar(quote!(wire::Open<#rust>), quote!(#rust)));
            }
            named if self.choice.messages.contains_key(named) => {
                return Ok(Kind::Message(self.names.get(named)?));
            }
            named if named.starts_with('.') => {
                return Err(format!(
                    "it is a `{named}`, which Rust does not get: choose it, or name the field in `leave`"
                ));
            }
            other => return Err(format!("the type `{other}` cannot be read or written yet")),
        };
        let how = format_ident!("{how}");
        Ok(Kind::Scalar(quote!(wire::#how), rust))
    }

    /// A field outside of groups.
    pub fn make(&self, message: &MessageFacts, field: &Field) -> Result<Made, String> {
        let ident = names::ident(&field.name);
        let number = proc_macro2::Literal::i32_unsuffixed(field.number);
        let kind = self.kind(&field.ty)?;
        let (ty, read, write) = match (&field.label, kind) {
            (Label::Implicit, Kind::Scalar(how, ty)) => (
                ty,
                quote!(wire::set::<#how>(&mut self.#ident, value)?),
                quote!(wire::put::<#how>(#number, &self.#ident, out);),
            ),
            (Label::Explicit, Kind::Scalar(how, ty)) => (
                quote!(Option<#ty>),
                quote!(wire::set_some::<#how>(&mut self.#ident, value)?),
                quote!(wire::put_some::<#how>(#number, self.#ident.as_ref(), out);),
            ),
            (Label::Repeated { packed }, Kind::Scalar(how, ty)) => (
                quote!(Vec<#ty>),
                quote!(wire::push::<#how>(&mut self.#ident, value)?),
                quote!(wire::put_all::<#how>(#number, &self.#ident, #packed, out);),
            ),
            (Label::Implicit | Label::Explicit, Kind::Message(ty)) => {
                let boxed = self.protos.reaches(&field.ty, &message.name);
                let (held, slot, inner) = if boxed {
                    (quote!(Box<#ty>), quote!(.as_mut()), quote!(inner.as_ref()))
                } else {
                    (quote!(#ty), quote!(), quote!(inner))
                };
                (
                    quote!(Option<#held>),
                    quote!(wire::merge(self.#ident.get_or_insert_default() #slot, value, depth)?),
                    quote!(if let Some(inner) = &self.#ident {
                        wire::put_message(#number, #inner, out);
                    }),
                )
            }
            (Label::Repeated { .. }, Kind::Message(ty)) => (
                quote!(Vec<#ty>),
                quote!(wire::push_message(&mut self.#ident, value, depth)?),
                quote!(for inner in &self.#ident { wire::put_message(#number, inner, out); }),
            ),
            (Label::Map(key), Kind::Message(ty)) => {
                let Kind::Scalar(how, key) = self.kind(key)? else {
                    return Err("the key of a map is a scalar".to_owned());
                };
                (
                    quote!(BTreeMap<#key, #ty>),
                    quote!(wire::insert::<#how, _>(&mut self.#ident, value, depth)?),
                    quote!(wire::put_map::<#how, _>(#number, &self.#ident, out);),
                )
            }
            (Label::Map(_), _) => return Err("maps to scalars cannot be read yet".to_owned()),
            (Label::OneOf(_), _) => return Err("fields of a group are made together".to_owned()),
        };
        Ok(Made {
            ident,
            ty,
            read: quote!(#number => #read,),
            write,
        })
    }

    /// A group: the Rust field, its arms, and the enum that it holds.
    pub fn group(
        &self,
        rust: &Ident,
        group: &str,
        fields: &[&Field],
    ) -> Result<(Made, TokenStream), String> {
        let ident = names::ident(group);
        let ty = format_ident!("{rust}{}", words(group));
        let (mut cases, mut reads, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        for field in fields {
            let Kind::Scalar(how, inner) = self.kind(&field.ty)? else {
                return Err(format!(
                    "`{}`: messages in a group cannot be read yet",
                    field.name
                ));
            };
            let case = format_ident!("{}", words(&field.name));
            let number = proc_macro2::Literal::i32_unsuffixed(field.number);
            let doc = format!("`{}`, field {}.", field.name, field.number);
            cases.push(quote!(#[doc = #doc] #case(#inner),));
            reads.push(
                quote!(#number => wire::case::<#how, _>(&mut self.#ident, value, #ty::#case)?,),
            );
            writes.push(quote!(Some(#ty::#case(inner)) => wire::put_some::<#how>(#number, Some(inner), out),));
        }
        let doc = format!("One of the fields of `{group}`.");
        let declared = quote! {
            #[doc = #doc]
            #[derive(Clone, Debug, PartialEq)]
            #[non_exhaustive]
            pub enum #ty { #(#cases)* }
        };
        let made = Made {
            ident: ident.clone(),
            ty: quote!(Option<#ty>),
            read: quote!(#(#reads)*),
            write: quote!(match &self.#ident { #(#writes)* None => {} }),
        };
        Ok((made, declared))
    }
}
