//! Methods of the plugin itself: functions without a receiver.

use super::methods;
use crate::lower::method::{self, Receiver};
use crate::model::Model;
use crate::schema::Header;
use proc_macro2::TokenStream;
use quote::quote;

/// The generated methods of a module's functions that take no receiver.
pub fn methods(model: &Model, header: &Header) -> Result<TokenStream, String> {
    let methods = method::methods(model, Receiver::Plugin(&header.module))
        .map_err(|errors| errors.join("; "))?;
    let emitted = methods
        .iter()
        .map(|m| methods::method(model, m))
        .collect::<Result<Vec<_>, _>>()?;
    let items = emitted.iter().map(|e| &e.method);
    let results = emitted.iter().map(|e| &e.result);
    Ok(quote!(impl Plugin { #(#items)* } #(#results)*))
}
