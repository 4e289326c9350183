//! The Rust form of plain structs that plugins fill.

use super::docs;
use super::methods::named;
use crate::lower::value::{self, Item, Member};
use crate::model::Model;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The Rust struct of a C one, and how it is read.
pub fn value(model: &Model, name: &str) -> Result<TokenStream, String> {
    let value = value::value(model, name)?;
    let (ident, path) = (&value.ident, &value.path);
    let doc = docs::lines(&value.entry.doc);
    let c_doc = format!(" The C type is `{name}`.");
    let (mut fields, mut reads) = (Vec::new(), Vec::new());
    for member in &value.members {
        let (field, ty) = (&member.name, ty(model, member)?);
        let entry = value.entry.fields.get(&member.field.name);
        let doc = entry
            .and_then(|e| e.doc.clone())
            .unwrap_or_else(|| format!("`{}`.", member.field.name));
        let doc = docs::lines(&doc);
        let read = read(model, name, member)?;
        fields.push(quote!(#doc pub #field: #ty,));
        reads.push(quote!(#field: #read,));
    }
    Ok(quote! {
        #doc
        #[doc = ""]
        #[doc = #c_doc]
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq)]
        pub struct #ident { #(#fields)* }
        impl ::pjrt::__rt::Value for #ident {
            type Raw = #path;
            unsafe fn read(raw: *const Self::Raw) -> ::pjrt::Result<Self> {
                ::core::result::Result::Ok(Self { #(#reads)* })
            }
        }
    })
}

fn ty(model: &Model, member: &Member<'_>) -> Result<TokenStream, String> {
    let item = match &member.item {
        Item::Number(ty) => ty.clone(),
        Item::Truth => quote!(bool),
        Item::Enum(name, _) => named(model, name)?,
    };
    Ok(match &member.array {
        Some(array) if array.live.is_some() => quote!(::std::vec::Vec<#item>),
        Some(array) => {
            let length = Literal::u64_unsuffixed(array.length);
            quote!([#item; #length])
        }
        None => item,
    })
}

/// The expression that gives a member, where `raw` points at the C struct.
fn read(model: &Model, structure: &str, member: &Member<'_>) -> Result<TokenStream, String> {
    let ident = &member.ident;
    // A truth value is read as a byte, for a plugin may store any.
    let (stored, each) = match &member.item {
        Item::Number(ty) => (ty.clone(), quote!()),
        Item::Truth => (quote!(u8), quote!(.map(|byte| byte != 0))),
        Item::Enum(name, held) => {
            let ty = named(model, name)?;
            (held.clone(), quote!(.map(#ty::from)))
        }
    };
    let safety = quote!(::pjrt::__rt::safety!(
        "the struct is initialised, as the caller promises, and any bits are a number."
    ););
    let Some(array) = &member.array else {
        let one =
            quote!({ #safety unsafe { (&raw const (*raw).#ident).cast::<#stored>().read() } });
        return Ok(match &member.item {
            Item::Number(_) => one,
            Item::Truth => quote!(#one != 0),
            Item::Enum(name, _) => {
                let ty = named(model, name)?;
                quote!(#ty::from(#one))
            }
        });
    };
    let length = Literal::u64_unsuffixed(array.length);
    let items = quote!(unsafe { (&raw const (*raw).#ident).cast::<[#stored; #length]>().read() });
    Ok(match &array.live {
        None => quote!({ #safety #items #each }),
        Some(live) => {
            let field = &member.field.name;
            quote!({
                #safety
                let items = #items;
                #safety
                let live = unsafe { (&raw const (*raw).#live).read() };
                let place = ::pjrt::__rt::Place { function: #structure, field: #field };
                ::pjrt::__rt::live(items #each, live, place)?
            })
        }
    })
}
