//! An invocation of a macro in a vendor's crate: the files that it names, and what it expands to.

use super::{File, items, model, server};
use crate::diag::{Diagnostic, Diagnostics};
use crate::expand::MODEL_FILE;
use crate::model::{Model, from_json};
use proc_macro2::{Literal, TokenStream, TokenTree};
use quote::quote;
use std::path::{Path, PathBuf};

/// Whose side of an extension is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// That of a plugin's callers.
    Client,
    /// The plugin's.
    Server,
}

impl Side {
    /// The macro.
    fn name(self) -> &'static str {
        match self {
            Side::Client => "extension!",
            Side::Server => "extension_server!",
        }
    }
}

/// The keys of the macros, and whether each must be given.
const KEYS: [(&str, bool); 3] = [("schema", true), ("overlay", true), ("history", false)];

/// The files that an invocation names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Facts.
    pub schema: String,
    /// Judgements: one file, or a list.
    pub overlay: Vec<String>,
    /// Older revisions of the header.
    pub history: Option<String>,
}

impl Files {
    /// Reads `schema = "acme.json", overlay = "acme.toml"`, in any order; `overlay` may be a list
    /// of files, `history` may be left out.
    ///
    /// # Errors
    ///
    /// What is spelt otherwise.
    pub fn parse(tokens: TokenStream) -> Result<Files, String> {
        let wanted = "expected `schema = \"acme.json\", overlay = \"acme.toml\"` and, for older revisions of the header, `history = \"acme.history.json\"`";
        let fault = |what: String| format!("{wanted}; found {what}");
        let mut files = Files::default();
        let mut given = Vec::new();
        let mut trees = tokens.into_iter().peekable();
        while let Some(tree) = trees.next() {
            let key = tree.to_string();
            if !KEYS.iter().any(|(name, _)| *name == key) {
                return Err(fault(format!("`{key}`")));
            }
            if given.contains(&key) {
                return Err(fault(format!("`{key}` twice")));
            }
            if !matches!(trees.next(), Some(TokenTree::Punct(p)) if p.as_char() == '=') {
                return Err(fault(format!("`{key}` without `=`")));
            }
            let value = trees.next().map(texts).transpose().map_err(&fault)?;
            let value = value.filter(|v| !v.is_empty());
            let value = value.ok_or_else(|| fault(format!("`{key}` without a file")))?;
            match (key.as_str(), value.as_slice()) {
                ("overlay", _) => files.overlay = value,
                ("schema", [one]) => files.schema = one.clone(),
                ("history", [one]) => files.history = Some(one.clone()),
                _ => return Err(fault(format!("several files for `{key}`"))),
            }
            given.push(key);
            match trees.next() {
                None => {}
                Some(TokenTree::Punct(p)) if p.as_char() == ',' => {}
                Some(other) => return Err(fault(format!("`{other}` in the place of a comma"))),
            }
        }
        let missing = |(key, must): &&(&str, bool)| *must && !given.iter().any(|g| g == key);
        match KEYS.iter().find(missing) {
            Some((key, _)) => Err(fault(format!("no `{key}`"))),
            None => Ok(files),
        }
    }

    /// All of them.
    fn all(&self) -> impl Iterator<Item = &String> {
        let first = std::iter::once(&self.schema).chain(&self.overlay);
        first.chain(&self.history)
    }
}

/// A text, or a list of texts.
fn texts(tree: TokenTree) -> Result<Vec<String>, String> {
    match tree {
        TokenTree::Literal(literal) => Ok(vec![text(&literal)?]),
        TokenTree::Group(group) => {
            let mut all = Vec::new();
            for tree in group.stream() {
                match tree {
                    TokenTree::Literal(literal) => all.push(text(&literal)?),
                    TokenTree::Punct(p) if p.as_char() == ',' => {}
                    // What a `macro_rules` passes on may stand in a group without delimiters.
                    TokenTree::Group(_) => all.extend(texts(tree)?),
                    other => return Err(format!("`{other}` in a list of files")),
                }
            }
            Ok(all)
        }
        other => Err(format!("`{other}` in the place of a file")),
    }
}

/// The text of a plain string literal.
fn text(literal: &Literal) -> Result<String, String> {
    let spelt = literal.to_string();
    let text = spelt.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    match text {
        Some(text) if !text.contains('\\') => Ok(text.to_owned()),
        _ => Err(format!("{spelt} in the place of a file's name in quotes")),
    }
}

/// What an invocation reads: the files' texts, and the model that they give with upstream's.
pub struct Loaded {
    /// Facts, judgements and history.
    pub model: Model,
    /// Names of the overlay's files, upstream's judgements first.
    pub names: Vec<String>,
}

/// Reads the files of an invocation, which stand in `folder`.
///
/// # Errors
///
/// Files that cannot be read, and all faults of what they say.
pub fn load(upstream: &Model, folder: &Path, files: &Files) -> Result<Loaded, Diagnostics> {
    let mut found = Diagnostics::default();
    let mut read = |name: &String| -> Option<File> {
        let path = folder.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Some((name.clone(), text)),
            Err(error) => {
                let message = format!("cannot read {}: {error}", path.display());
                found.push(
                    Diagnostic::new("N030", name, message)
                        .help("paths are relative to the folder of Cargo.toml"),
                );
                None
            }
        }
    };
    let schema = read(&files.schema);
    let overlay: Vec<_> = files.overlay.iter().map(&mut read).collect();
    let history = files.history.as_ref().map(&mut read);
    let overlay: Option<Vec<File>> = overlay.into_iter().collect();
    let (Some(schema), Some(overlay)) = (schema, overlay) else {
        return Err(found);
    };
    found.into_result(())?;
    let history = history.flatten();
    let model = model(upstream, &schema, &overlay, history.as_ref())?;
    let mut names = vec![crate::overlay::UPSTREAM.to_owned()];
    names.extend(files.overlay.iter().cloned());
    Ok(Loaded { model, names })
}

/// The definitions of `extension!` and `extension_server!` for the crate in `folder`, where upstream's
/// model is.
pub fn definition(folder: Option<PathBuf>) -> TokenStream {
    let Some(folder) = folder else {
        let error = "CARGO_MANIFEST_DIR is not set: build with cargo";
        return quote!(::core::compile_error!(#error););
    };
    // Windows takes both, and a literal is read back without escapes.
    let model = folder.join(MODEL_FILE).display().to_string();
    let model = model.replace('\\', "/");
    let (client, server) = (
        include_str!("extension.md"),
        include_str!("extension_server.md"),
    );
    quote! {
        #[doc = #client]
        #[macro_export]
        macro_rules! extension {
            ($($files:tt)*) => { ::pjrt::__rt::vendor_items! { #model $($files)* } };
        }
        #[doc = #server]
        #[macro_export]
        macro_rules! extension_server {
            ($($files:tt)*) => { ::pjrt::__rt::vendor_server_items! { #model $($files)* } };
        }
    }
}

/// What a macro gives to the compiler: the items, or an error for each fault. The first token is
/// the path of upstream's model, which the crate `pjrt` gives.
pub fn expand(side: Side, tokens: TokenStream, folder: Option<PathBuf>) -> TokenStream {
    tokens_of(side, tokens, folder).unwrap_or_else(errors)
}

/// The errors of a compiler.
fn errors(faults: Diagnostics) -> TokenStream {
    let errors = faults.into_iter().map(|fault| {
        let text = fault.to_string();
        quote!(::core::compile_error!(#text);)
    });
    quote!(#(#errors)*)
}

fn tokens_of(
    side: Side,
    tokens: TokenStream,
    folder: Option<PathBuf>,
) -> Result<TokenStream, Diagnostics> {
    let fault = |message: String| Diagnostics::from(Diagnostic::new("N031", side.name(), message));
    let folder =
        folder.ok_or_else(|| fault("CARGO_MANIFEST_DIR is not set: build with cargo".into()))?;
    let mut trees = tokens.into_iter();
    let at = match trees.next() {
        Some(TokenTree::Literal(literal)) => text(&literal).map_err(fault)?,
        _ => {
            let message = format!("invoke `pjrt::{}`, which knows its model", side.name());
            return Err(fault(message));
        }
    };
    let files = Files::parse(trees.collect()).map_err(fault)?;
    let upstream = std::fs::read_to_string(&at)
        .map_err(|e| fault(format!("cannot read {at}, the model of `pjrt`: {e}")))?;
    let upstream = from_json(&upstream)?;
    let loaded = load(&upstream, &folder, &files);
    // The files are watched even where they are at fault: mending them builds again.
    let watched = files.all().filter(|name| folder.join(name).is_file());
    let watched = watched.map(|name| folder.join(name).display().to_string());
    let watched = quote!(#(const _: &[u8] = ::core::include_bytes!(#watched);)*);
    let made = loaded.and_then(|loaded| match side {
        Side::Client => items::items(&loaded.model, &loaded.names),
        Side::Server => server::items(&loaded.model, &loaded.names),
    });
    let items = made.unwrap_or_else(errors);
    Ok(quote!(#watched #items))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Files, String> {
        Files::parse(text.parse().unwrap())
    }

    #[test]
    fn the_files_come_in_any_order() {
        let files = parse(r#"overlay = ["a.toml", "b.toml"], schema = "a.json","#).unwrap();
        assert_eq!(files.schema, "a.json");
        assert_eq!(files.overlay, ["a.toml", "b.toml"]);
        assert_eq!(files.history, None);
        let files = parse(r#"schema = "a.json", history = "h.json", overlay = "a.toml""#).unwrap();
        assert_eq!(files.history.as_deref(), Some("h.json"));
    }

    #[test]
    fn what_is_spelt_otherwise_is_told_with_what_is_expected() {
        for (text, told) in [
            ("", "no `schema`"),
            ("schema = \"a\"", "no `overlay`"),
            ("schema", "without `=`"),
            ("schema = ", "without a file"),
            ("schema = 3, overlay = \"a\"", "found 3 in the place of"),
            ("shcema = \"a\"", "`shcema`"),
            (
                "schema = \"a\" overlay = \"b\"",
                "`overlay` in the place of a comma",
            ),
            ("schema = \"a\", schema = \"b\"", "`schema` twice"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
            assert!(error.contains("expected `schema"), "{error}");
        }
    }
}
