//! The one run of bindgen.

use bindgen::callbacks::{IntKind, ParseCallbacks};
use bindgen::{EnumVariation, Formatter, RustEdition, RustTarget};

use super::error::Error;

/// Oldest Rust that the bindings must compile on, as bindgen knows it.
const RUST_MINOR: u64 = 85;

/// Runs bindgen over C declarations and returns its items, unsorted and unformatted.
pub(super) fn run(declarations: &str) -> Result<Vec<syn::Item>, Error> {
    // bindgen panics where it cannot load libclang itself: do it before.
    if !clang_sys::is_loaded() {
        let target = crate::paths::target();
        crate::libclang::ensure(&target).map_err(|faults| Error::Libclang(faults.to_string()))?;
    }
    let target = RustTarget::stable(RUST_MINOR, 0)
        .map_err(|error| Error::Bindgen(format!("Rust 1.{RUST_MINOR}: {error}")))?;
    let bindings = bindgen::builder()
        .header_contents("facts.h", declarations)
        .clang_args([
            "-x",
            "c",
            "-std=c11",
            "-nostdinc",
            "-Wno-fixed-enum-extension",
        ])
        // One layout for everybody: that of 64-bit pointers, the same on all such machines.
        .clang_arg("--target=x86_64-unknown-linux-gnu")
        .rust_target(target)
        .rust_edition(RustEdition::Edition2024)
        .use_core()
        .default_enum_style(EnumVariation::NewType {
            is_bitfield: false,
            is_global: true,
        })
        .prepend_enum_name(false)
        .derive_debug(true)
        .derive_copy(true)
        .derive_default(false)
        .layout_tests(true)
        .generate_comments(false)
        .disable_header_comment()
        .formatter(Formatter::None)
        .parse_callbacks(Box::new(Sizes))
        .generate()
        .map_err(|error| Error::Bindgen(error.to_string()))?;
    let file =
        syn::parse_file(&bindings.to_string()).map_err(|error| Error::Parse(error.to_string()))?;
    Ok(file.items)
}

/// Gives the headers' size constants the type that sizes have in Rust.
#[derive(Debug)]
struct Sizes;

impl ParseCallbacks for Sizes {
    fn int_macro(&self, name: &str, _value: i64) -> Option<IntKind> {
        name.ends_with("_STRUCT_SIZE").then_some(IntKind::Custom {
            name: "usize",
            is_signed: false,
        })
    }
}
