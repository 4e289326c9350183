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

/// Defines `extension!` and `extension_server!`, the macros of vendors, for the crate that has
/// `model.json` beside its manifest.
#[cfg(feature = "vendor")]
#[proc_macro]
pub fn define_extension(_: TokenStream) -> TokenStream {
    pjrt_codegen::vendor::invocation::definition(manifest()).into()
}

/// What `extension!` expands to: the items of a vendor's header.
#[cfg(feature = "vendor")]
#[proc_macro]
pub fn vendor_items(input: TokenStream) -> TokenStream {
    use pjrt_codegen::vendor::invocation::{Side, expand};
    expand(Side::Client, input.into(), manifest()).into()
}

/// What `extension_server!` expands to: the plugin's side of a vendor's header.
#[cfg(feature = "vendor")]
#[proc_macro]
pub fn vendor_server_items(input: TokenStream) -> TokenStream {
    use pjrt_codegen::vendor::invocation::{Side, expand};
    expand(Side::Server, input.into(), manifest()).into()
}

/// The folder of the crate that is compiled.
#[cfg(feature = "vendor")]
fn manifest() -> Option<std::path::PathBuf> {
    std::env::var_os("CARGO_MANIFEST_DIR").map(Into::into)
}
