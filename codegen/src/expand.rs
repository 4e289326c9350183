//! What an invocation of the macro stands for: `calls MODULE`, `plugin MODULE`, `extension MODULE`,
//! `handle C_TYPE`, `enum C_ENUM`, `value C_STRUCT`, `platform NAME`.

use crate::emit;
use crate::model::Model;
use crate::schema::Header;
use proc_macro2::{TokenStream, TokenTree};

/// What is to be generated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Invocation {
    /// `calls`, `plugin`, `extension`, `handle`, `enum`, `value` or `platform`.
    pub kind: String,
    /// The module or C name.
    pub name: String,
}

impl Invocation {
    /// Reads the macro's input.
    pub fn parse(tokens: TokenStream) -> Result<Invocation, String> {
        let words: Vec<String> = tokens
            .into_iter()
            .map(|tree| match tree {
                TokenTree::Ident(ident) => ident.to_string(),
                other => format!("`{other}`"),
            })
            .collect();
        match words.as_slice() {
            [kind, name]
                if [
                    "calls",
                    "plugin",
                    "extension",
                    "handle",
                    "enum",
                    "value",
                    "platform",
                ]
                .contains(&kind.as_str()) =>
            {
                Ok(Invocation {
                    kind: kind.clone(),
                    name: name.clone(),
                })
            }
            _ => Err(format!(
                "expected `calls MODULE`, `plugin MODULE`, `extension MODULE`, `handle C_TYPE`, `enum C_ENUM`, `value C_STRUCT` or `platform NAME`, found `{}`",
                words.join(" ")
            )),
        }
    }

    /// Name of the file that mirrors this invocation.
    pub fn mirror(&self) -> String {
        format!("{}_{}.rs", self.kind, self.name)
    }

    /// The generated items.
    pub fn expand(&self, model: &Model) -> Result<TokenStream, String> {
        match self.kind.as_str() {
            "calls" => Ok(emit::calls::module(model, self.header(model)?)),
            "extension" => emit::extension::extension(model, self.header(model)?),
            "plugin" => emit::plugin::methods(model, self.header(model)?),
            "handle" => emit::handle::handle(model, &self.name),
            "value" => emit::value::value(model, &self.name),
            "platform" => emit::platform::platform(model, &self.name),
            _ => emit::enums::enumeration(model, &self.name),
        }
    }

    fn header<'m>(&self, model: &'m Model) -> Result<&'m Header, String> {
        model.header(&self.name).ok_or_else(|| {
            let known: Vec<&str> = model
                .facts
                .headers
                .iter()
                .map(|h| h.module.as_str())
                .collect();
            format!(
                "no module `{}` in the model; it has {}",
                self.name,
                known.join(", ")
            )
        })
    }
}

/// Name of the model's file, beside the manifest of the crate that invokes the macro.
pub const MODEL_FILE: &str = "model.json";

/// Reads the model of the crate that is being compiled.
pub fn crate_model() -> Result<Model, String> {
    let folder = std::env::var("CARGO_MANIFEST_DIR")
        .map_err(|_| "CARGO_MANIFEST_DIR is not set: build with cargo")?;
    let path = std::path::Path::new(&folder).join(MODEL_FILE);
    let text = std::fs::read_to_string(&path)
        .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    crate::model::from_json(&text).map_err(|faults| faults.to_string())
}

/// What the macro gives to the compiler: the generated items, or an error that it prints.
pub fn tokens_or_error(tokens: TokenStream, model: Result<&Model, &str>) -> TokenStream {
    let expanded = model
        .map_err(str::to_owned)
        .and_then(|model| Invocation::parse(tokens)?.expand(model));
    match expanded {
        Ok(items) => items,
        Err(error) => quote::quote!(::core::compile_error!(#error);),
    }
}

/// An item that tells the compiler that the crate depends on the model's file. One is enough for a
/// crate, and the compiler holds the bytes of each.
pub fn dependency() -> TokenStream {
    quote::quote! {
        const _: &[u8] = ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", #MODEL_FILE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_invocation_says_what_is_expected() {
        let error =
            Invocation::parse("methods PJRT_Client".parse().unwrap_or_default()).unwrap_err();
        assert!(
            error.contains("`calls MODULE`") && error.contains("methods PJRT_Client"),
            "{error}"
        );
    }
}
