//! Procedural macros of the `pjrt` crate: doors to the generator, with no logic of their own.

use pjrt_codegen::{expand, model::Model};
use proc_macro::TokenStream;
use std::sync::OnceLock;

/// Expands to generated items: `calls MODULE`, `handle C_TYPE` or `enum C_ENUM`, from the
/// `model.json` beside the manifest of the crate that invokes it.
#[proc_macro]
pub fn generate(input: TokenStream) -> TokenStream {
    // A compiler process serves one crate, so one model is enough, and the first expansion tells
    // the compiler where it comes from.
    static MODEL: OnceLock<Result<Model, String>> = OnceLock::new();
    let mut first = false;
    let model = MODEL.get_or_init(|| {
        first = true;
        expand::crate_model()
    });
    let model = model.as_ref().map_err(String::as_str);
    let mut tokens = expand::tokens_or_error(input.into(), model);
    if first {
        tokens.extend(expand::dependency());
    }
    tokens.into()
}
