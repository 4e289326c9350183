//! What stands in an extension's table and takes no struct of arguments: functions with parameters
//! by position, and flags.

use super::docs;
use crate::lower::call::{self, rust_type};
use crate::lower::ctype::{CType, primitive};
use crate::lower::names;
use crate::lower::vtable::param_ident;
use crate::model::{ERROR, Model};
use crate::schema::{Field, Function, Header, Slot};
use proc_macro2::TokenStream;
use quote::quote;

/// The checked calls of a header's table that have no struct of arguments, and its flags.
pub fn module(model: &Model, header: &Header) -> TokenStream {
    let Some(extension) = &header.extension else {
        return TokenStream::new();
    };
    let own = header.functions.iter();
    let own = own.filter(|f| f.table == extension.table && call::call(model, f).is_none());
    let functions = own.filter_map(|f| function(model, f));
    let table = header.structs.iter().find(|s| s.name == extension.table);
    let flags = table.into_iter().flat_map(|t| &t.fields);
    let flags = flags.filter(|f| f.slot == Some(Slot::Flag));
    let flags = flags.filter_map(|f| flag(model, &extension.table, f));
    quote!(#(#functions)* #(#flags)*)
}

fn function(model: &Model, function: &Function) -> Option<TokenStream> {
    let params = function.signature.params.iter().enumerate();
    let params = params.map(|(at, param)| {
        let ty = rust_type(model, &CType::spelt(&param.ty)?)?;
        Some((param_ident(at, &param.name), ty))
    });
    let (idents, types): (Vec<_>, Vec<_>) = params.collect::<Option<Vec<_>>>()?.into_iter().unzip();
    let (name, slot) = (&function.name, names::ident(&function.slot));
    let ident = names::ident(&names::call_name(name));
    let returns = match function.signature.returns.as_str() {
        "void" | "" => None,
        other => Some(CType::parse(other)?),
    };
    let is_error = returns
        .as_ref()
        .is_some_and(|ty| ty.pointer_to() == Some(ERROR));
    let value = returns.filter(|_| !is_error);
    let value = match value {
        Some(ty) => Some(rust_type(model, &ty)?),
        None => None,
    };
    let call = quote!(unsafe { function(#(#idents),*) });
    let safety = quote!(::pjrt::__rt::safety!("the slot is inside the plugin's own table and of this function's type; what the parameters refer to is the caller's promise."););
    let end = quote!(::pjrt::__rt::end(api, &FUNCTION, traced, true););
    let (result, body) = match (is_error, &value) {
        (true, _) => (
            quote!(()),
            quote!(#safety let error = #call; ::pjrt::__rt::check(api, error, &FUNCTION, traced)),
        ),
        (false, Some(ty)) => (
            quote!(#ty),
            quote!(#safety let returned = #call; #end ::core::result::Result::Ok(returned)),
        ),
        (false, None) => (
            quote!(()),
            quote!(#safety #call; #end ::core::result::Result::Ok(())),
        ),
    };
    let doc = docs::lines(&format!("Calls `{name}`."));
    Some(quote! {
        #doc
        ///
        /// # Errors
        ///
        /// What the plugin reports; `Unimplemented` if its table lacks the function.
        ///
        /// # Safety
        ///
        /// Every pointer must be valid for what the function does with it, for as long as it does.
        #[allow(clippy::too_many_arguments, reason = "one for each parameter of the C function")]
        #[inline]
        pub unsafe fn #ident(table: &::pjrt::__rt::Table<Table>, #(#idents: #types),*) -> ::pjrt::Result<#result> {
            const FUNCTION: ::pjrt::__rt::Function = ::pjrt::__rt::Function { name: #name, since: 0 };
            let api = table.api();
            let ::core::option::Option::Some(function) = table.table().0.#slot else {
                return ::core::result::Result::Err(table.absent(&FUNCTION));
            };
            let traced = ::pjrt::__rt::begin(api, &FUNCTION, 0);
            #body
        }
    })
}

/// A flag. A truth value is a byte in the bindings, for a plugin may store any.
fn flag(model: &Model, table: &str, field: &Field) -> Option<TokenStream> {
    let ty = CType::of_field(field)?;
    let is_bool = ty.name() == Some("bool");
    let plain = ty.name().is_some_and(|name| primitive(name).is_some());
    let rust = rust_type(model, &ty).filter(|_| plain)?;
    let (ident, member) = (
        names::ident(&names::call_name(&field.name)),
        names::ident(&field.name),
    );
    let doc = docs::lines(&format!(
        "The value of `{table}.{}`; zero where the plugin's table ends before it.",
        field.name
    ));
    let read = if is_bool {
        quote!(table.table().0.#member != 0)
    } else {
        quote!(table.table().0.#member)
    };
    Some(quote! {
        #doc
        #[inline]
        pub fn #ident(table: &::pjrt::__rt::Table<Table>) -> #rust { #read }
    })
}
