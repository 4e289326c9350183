//! Everything that the header of a vendor becomes: raw bindings, checked calls, safe types.

use crate::diag::{Diagnostic, Diagnostics};
use crate::emit;
use crate::model::Model;
use crate::schema::Header;
use proc_macro2::TokenStream;
use quote::quote;

/// The items of a vendor's crate, for the place where the macro is invoked.
///
/// # Errors
///
/// Every item that cannot be made, where possible at the entry that it is made of. `files` are the
/// names of the overlay's files, in the order of the model's judgements, upstream's first.
pub fn items(model: &Model, files: &[String]) -> Result<TokenStream, Diagnostics> {
    let mut found = Diagnostics::default();
    let Some(header) = model.vendor() else {
        let message = "the model is of no vendor's header";
        return Err(Diagnostic::new("N020", "extension", message).into());
    };
    let mut safe = Vec::new();
    let mut take = |made: Result<TokenStream, String>| match made {
        Ok(tokens) => safe.push(tokens),
        // A lowering may gather several.
        Err(errors) => {
            for error in errors.split("; ") {
                found.push(placed(model, files, error));
            }
        }
    };
    take(emit::extension::extension(model, header));
    let entries = &model.overlay;
    for name in entries.handles.keys().filter(|n| own(model, header, n)) {
        take(emit::handle::handle(model, name));
    }
    for name in entries.enums.keys().filter(|n| own(model, header, n)) {
        take(emit::enums::enumeration(model, name));
    }
    for name in entries.values.keys().filter(|n| own(model, header, n)) {
        take(emit::value::value(model, name));
    }
    let bindings = bindings(model, header).unwrap_or_else(|error| {
        found.push(placed(model, files, &error));
        TokenStream::new()
    });
    let calls = emit::calls::module(model, header);
    let positional = emit::positional::module(model, header);
    let name = header.extension.as_ref().map_or("", |e| e.name.as_str());
    let raw_doc = format!(
        " Checked calls of the extension {name}: `unsafe` functions over structs of raw values."
    );
    let (mut seen, mut once) = (std::collections::BTreeSet::new(), Diagnostics::default());
    for diagnostic in found {
        if seen.insert(diagnostic.to_string()) {
            once.push(diagnostic);
        }
    }
    once.into_result(quote! {
        #bindings
        #[doc = #raw_doc]
        #[allow(dead_code, reason = "there is a call for every function")]
        pub mod raw {
            #[allow(unused_imports, reason = "one rule for all headers")]
            use super::{raw, sys};
            #calls
            #positional
        }
        #(#safe)*
    })
}

/// The module of raw bindings.
pub(super) fn bindings(model: &Model, header: &Header) -> Result<TokenStream, String> {
    let bindings = emit::bindings::module(model, header)?;
    let name = header.extension.as_ref().map_or("", |e| e.name.as_str());
    let doc = format!(
        " Raw bindings of `{}`, which declares the extension {name}.",
        header.path
    );
    Ok(quote! {
        #[doc = #doc]
        #[allow(
            missing_docs,
            non_camel_case_types,
            non_snake_case,
            non_upper_case_globals,
            dead_code,
            reason = "names and shapes are those of the C header"
        )]
        pub mod sys {
            #[allow(unused_imports, reason = "one rule for all headers")]
            use super::sys;
            #bindings
        }
    })
}

/// Whether an item of the overlay belongs to the header.
fn own(model: &Model, header: &Header, name: &str) -> bool {
    model.home(name) == Some(header.module.as_str())
}

/// An error of lowering at the entry that it names, if it begins with a name that has one.
pub(super) fn placed(model: &Model, files: &[String], error: &str) -> Diagnostic {
    let name = error.split([':', '.', ' ']).next().unwrap_or_default();
    let mut sections = model.judgements.entries().iter();
    let entry = sections.find_map(|(_, section)| section.get(name));
    let diagnostic = |file: &str| Diagnostic::new("N021", file, error);
    match entry {
        Some(entry) => {
            let file = files.get(entry.file).map_or("overlay", String::as_str);
            diagnostic(file).at(entry.place.line, entry.place.column)
        }
        None => diagnostic(files.get(1).map_or("overlay", String::as_str)),
    }
    .help("complete the entry, or say `safe = \"hand-written\"` with the path of what you write over `raw`")
}
