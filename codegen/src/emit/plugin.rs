//! Methods of the plugin itself: functions without a receiver.

use super::methods;
use crate::lower::method;
use crate::model::Model;
use crate::schema::Header;
use proc_macro2::TokenStream;
use quote::quote;

/// The generated methods of a module's functions that take no receiver.
pub fn methods(model: &Model, header: &Header) -> Result<TokenStream, String> {
    let methods = method::methods(model, None).map_err(|errors| errors.join("; "))?;
    let own = methods
        .iter()
        .filter(|m| model.module_of(&m.call.function.name) == Some(header.module.as_str()));
    let items = own
        .map(|m| methods::method(model, m))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(quote!(impl Plugin { #(#items)* }))
}
