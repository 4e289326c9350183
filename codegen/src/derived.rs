//! Every file that is derived from facts and judgements, as text by path.

use crate::diag::{Diagnostic, Diagnostics};
use crate::expand::Invocation;
use crate::model::Model;
use crate::model::Versions;
use crate::schema;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The model's place in the repository.
pub const MODEL: &str = "pjrt/model.json";
/// The folder of mirrors: what each invocation of the macro expands to, for people to read.
pub const MIRRORS: &str = "tests/snapshots/expanded";
/// The modules that compile the mirrors in the tests.
pub const MIRROR_MODULES: &str = "tests/snapshots/expanded.rs";
/// Largest size of the model, in bytes.
pub const MODEL_LIMIT: usize = 600_000;

/// A file: path in the repository and text.
pub type File = (String, String);

/// The checked-in files that everything is derived from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The schema.
    pub schema: File,
    /// Schemas of headers that upstream deleted.
    pub extra: Vec<File>,
    /// Overlay files.
    pub overlay: Vec<File>,
    /// What the history says.
    pub versions: Versions,
    /// Rust files that invoke the macro.
    pub rust: Vec<File>,
}

impl Sources {
    /// Facts and judgements merged.
    pub fn model(&self) -> Result<Model, Diagnostics> {
        let mut found = Diagnostics::default();
        let mut load = |(name, text): &File| {
            schema::load(name, text)
                .map_err(|faults| found.extend(faults))
                .ok()
        };
        let main = load(&self.schema);
        let extra: Vec<_> = self.extra.iter().map(load).collect();
        match (main, extra.into_iter().collect::<Option<Vec<_>>>()) {
            (Some(main), Some(extra)) => {
                Model::merge(main, extra, &self.overlay, self.versions.clone())
            }
            _ => Err(found),
        }
    }
}

/// Sources that are read and invocations that are expanded, each once.
#[derive(Default)]
pub struct Expansions {
    tokens: BTreeMap<String, TokenStream>,
    files: BTreeMap<Invocation, Rc<syn::File>>,
}

impl Expansions {
    /// The tokens of a Rust file. A path stands for one text.
    pub fn tokens(&mut self, path: &str, text: &str) -> syn::Result<TokenStream> {
        if let Some(known) = self.tokens.get(path) {
            return Ok(known.clone());
        }
        let tokens: TokenStream = text.parse()?;
        self.tokens.insert(path.to_owned(), tokens.clone());
        Ok(tokens)
    }

    /// What an invocation expands to, by one model.
    pub fn file(&mut self, of: &Invocation, model: &Model) -> Result<Rc<syn::File>, String> {
        if let Some(known) = self.files.get(of) {
            return Ok(Rc::clone(known));
        }
        let file = syn::parse2(of.expand(model)?)
            .map_err(|e| format!("{}: the expansion is not Rust: {e}", of.mirror()))?;
        let file = Rc::new(file);
        self.files.insert(of.clone(), Rc::clone(&file));
        Ok(file)
    }
}

/// The model's text and the mirrors, by path.
pub fn files(sources: &Sources) -> Result<BTreeMap<String, String>, Diagnostics> {
    files_of(&sources.model()?, sources)
}

/// As [`files`], given the sources' model.
pub fn files_of(model: &Model, sources: &Sources) -> Result<BTreeMap<String, String>, Diagnostics> {
    files_with(model, sources, &mut Expansions::default())
}

/// As [`files_of`], given what was read and expanded before.
pub fn files_with(
    model: &Model,
    sources: &Sources,
    expansions: &mut Expansions,
) -> Result<BTreeMap<String, String>, Diagnostics> {
    let mut found = Diagnostics::default();
    let mut files = BTreeMap::new();
    let text = crate::model::to_json(model);
    if text.len() > MODEL_LIMIT {
        let problem = format!(
            "the model has {} bytes, and at most {MODEL_LIMIT} are allowed",
            text.len()
        );
        found.push(
            Diagnostic::new("D001", MODEL, problem)
                .help("every user's build reads it: make its form more compact"),
        );
    }
    files.insert(MODEL.to_owned(), text);
    let mut modules = Vec::new();
    for (path, text) in &sources.rust {
        for invocation in invocations_of(path, expansions.tokens(path, text))? {
            let file = expansions.file(&invocation, model);
            match file.map(|file| readable(&invocation, &file)) {
                Ok(text) => {
                    files.insert(format!("{MIRRORS}/{}", invocation.mirror()), text);
                    modules.push(invocation);
                }
                Err(problem) => found.push(
                    Diagnostic::new("D002", path, problem)
                        .help("complete the overlay or remove the invocation"),
                ),
            }
        }
    }
    modules.sort();
    files.insert(MIRROR_MODULES.to_owned(), mirror_modules(&modules));
    found.into_result(files)
}

/// A module for each mirror. Methods of the plugin are an `impl` of the type `Plugin` of the crate
/// that includes them.
fn mirror_modules(invocations: &[Invocation]) -> String {
    let mut text = String::from("// @generated by `cargo xtask codegen`. Do not edit.\n\n");
    for invocation in invocations {
        let file = invocation.mirror();
        let name = file.trim_end_matches(".rs");
        let import = if invocation.kind == "plugin" {
            " use crate::Plugin;"
        } else {
            ""
        };
        text.push_str("#[rustfmt::skip]\n#[allow(dead_code, missing_docs, non_snake_case)]\n");
        text.push_str(&format!(
            "mod {name} {{{import} include!(\"expanded/{file}\"); }}\n"
        ));
    }
    text
}

/// The invocations of the macro in a Rust file.
pub fn invocations(path: &str, text: &str) -> Result<Vec<Invocation>, Diagnostics> {
    invocations_of(path, Expansions::default().tokens(path, text))
}

fn invocations_of(
    path: &str,
    tokens: syn::Result<TokenStream>,
) -> Result<Vec<Invocation>, Diagnostics> {
    let fault = |message: String| {
        Diagnostics::from(Diagnostic::new("D003", path, message).help("the file must be Rust"))
    };
    let mut found = Vec::new();
    collect(tokens.map_err(|e| fault(e.to_string()))?, &mut found).map_err(fault)?;
    Ok(found)
}

fn collect(tokens: TokenStream, found: &mut Vec<Invocation>) -> Result<(), String> {
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let named = matches!(&tree, TokenTree::Ident(ident) if *ident == "generate");
        let bang = named && matches!(trees.peek(), Some(TokenTree::Punct(p)) if p.as_char() == '!');
        if bang {
            trees.next();
            if let Some(TokenTree::Group(group)) = trees.next() {
                found.push(Invocation::parse(group.stream())?);
            }
        } else if let TokenTree::Group(group) = tree {
            collect(group.stream(), found)?;
        }
    }
    Ok(())
}

/// The readable form of what an invocation expands to.
pub fn mirror(invocation: &Invocation, model: &Model) -> Result<String, String> {
    let file = Expansions::default().file(invocation, model)?;
    Ok(readable(invocation, &file))
}

/// Generated items as people read them.
pub fn text(items: TokenStream) -> Result<String, String> {
    let file = syn::parse2::<syn::File>(items).map_err(|e| e.to_string())?;
    Ok(comments(&prettyplease::unparse(&file)))
}

fn readable(invocation: &Invocation, file: &syn::File) -> String {
    let body = comments(&prettyplease::unparse(file));
    format!(
        "// @generated by `cargo xtask codegen`. Do not edit.\n// What `generate!({} {})` expands to.\n\n{body}",
        invocation.kind, invocation.name
    )
}

/// Turns the markers that carry SAFETY arguments into the comments they stand for. A marker stands
/// on one line, or its text has a line of its own.
fn comments(text: &str) -> String {
    const MARKER: &str = "::__rt::safety!(";
    let mut out = String::with_capacity(text.len());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((_, after)) = line.split_once(MARKER) else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let indent = line
            .get(..line.len() - line.trim_start().len())
            .unwrap_or_default();
        let argument = if after.is_empty() {
            let argument = lines.next().unwrap_or_default();
            lines.next();
            argument
        } else {
            after.trim_end_matches(");")
        };
        let argument = argument.trim();
        let argument = argument.strip_prefix('"').unwrap_or(argument);
        let argument = argument
            .strip_suffix('"')
            .unwrap_or(argument)
            .replace("\\\"", "\"")
            .replace("\\\\", "\\");
        comment(&format!("SAFETY: {argument}"), indent, &mut out);
    }
    out
}

/// Writes a comment in lines of a readable width.
fn comment(text: &str, indent: &str, out: &mut String) {
    const WIDTH: usize = 96;
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent.len() + 3 + line.len() + 1 + word.len() > WIDTH {
            out.push_str(&format!("{indent}// {line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push_str(&format!("{indent}// {line}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invocations_are_found_wherever_they_stand() {
        let found = invocations(
            "a.rs",
            "x!(generate); mod m { pjrt_macros::generate!(calls core); } generate! { enum PJRT_X }",
        );
        let names: Vec<String> = found.unwrap().iter().map(Invocation::mirror).collect();
        assert_eq!(names, ["calls_core.rs", "enum_PJRT_X.rs"]);
    }

    #[test]
    fn arguments_become_comments() {
        let text =
            comments("    ::pjrt::__rt::safety!(\"it is \\\"ours\\\"\");\n    unsafe { f() }\n");
        assert_eq!(text, "    // SAFETY: it is \"ours\"\n    unsafe { f() }\n");
        let text = comments("::pjrt::__rt::safety!(\n    \"long\"\n);\nx();\n");
        assert_eq!(text, "// SAFETY: long\nx();\n");
    }
}
