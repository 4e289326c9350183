//! What a plugin makes of a vendor's header: raw bindings, and the trait, thunks and table of its side.

use super::items::{bindings, placed};
use crate::diag::{Diagnostic, Diagnostics};
use crate::emit;
use crate::model::Model;
use proc_macro2::TokenStream;
use quote::quote;

/// The items of a plugin, for the place where the macro is invoked.
///
/// # Errors
///
/// Every item that cannot be made; `files` are as [`items`](super::items::items) takes them.
pub fn items(model: &Model, files: &[String]) -> Result<TokenStream, Diagnostics> {
    let Some(header) = model.vendor() else {
        let message = "the model is of no vendor's header";
        return Err(Diagnostic::new("N020", "extension_server", message).into());
    };
    let mut found = Diagnostics::default();
    let made = [bindings(model, header), emit::server::server(model, header)];
    let made = made.map(|made| {
        made.unwrap_or_else(|error| {
            found.push(placed(model, files, &error));
            TokenStream::new()
        })
    });
    found.into_result(quote!(#(#made)*))
}
