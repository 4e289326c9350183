//! Procedural macros of the `pjrt` crate: doors to the generator, with no logic of their own.

use pjrt_codegen::model::Model;
use proc_macro::TokenStream;
use std::sync::OnceLock;

/// Expands to generated items: `calls MODULE`, `handle C_TYPE` or `enum C_ENUM`, from the
/// `model.json` beside the manifest of the crate that invokes it.
#[proc_macro]
pub fn generate(input: TokenStream) -> TokenStream {
    // A compiler process may serve one crate only, so one model is enough; parsing it is the
    // larger part of the work.
    static MODEL: OnceLock<Result<Model, String>> = OnceLock::new();
    let model = MODEL.get_or_init(pjrt_codegen::expand::crate_model);
    pjrt_codegen::expand::tokens_or_error(input.into(), model.as_ref().map_err(String::as_str))
        .into()
}
