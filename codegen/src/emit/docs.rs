//! Documentation of generated items.

use proc_macro2::TokenStream;
use quote::quote;

/// Doc attributes of a text, one for each line.
pub fn lines(text: &str) -> TokenStream {
    let lines = text.trim().lines().map(|line| {
        if line.is_empty() {
            String::new()
        } else {
            format!(" {line}")
        }
    });
    quote!(#(#[doc = #lines])*)
}

/// A text on one line.
pub fn comment(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
