//! The raw bindings, made of the facts: facts, rendered as C declarations, read by bindgen,
//! sorted into one module per header.
//!
//! bindgen sees only what [`c_header`] renders, never a real header, so that the bindings are a
//! function of the files in `schema/` and can be made on a machine that has no XLA tree.

mod bindgen_run;
mod error;
mod render;
mod split;

use std::collections::BTreeMap;
use std::path::PathBuf;

use pjrt_codegen::emit::{c_header, witness};
use pjrt_codegen::schema::{Header, Schema};

pub use error::Error;

/// Makes all derived files of `pjrt-sys`, by path relative to the repository's root.
///
/// `extra` are the facts of headers that upstream has deleted. libclang must be loadable; nothing
/// is written.
pub fn generate(schema: &Schema, extra: &[Schema]) -> Result<BTreeMap<PathBuf, String>, Error> {
    let mut sources = sources(schema, extra);
    let headers: Vec<&Header> = sources.iter().map(|source| source.header).collect();
    let items = bindgen_run::run(&c_header::unit(headers.iter().copied()))?;
    let mut modules = split::split(&headers, items)?;

    let folder = PathBuf::from("pjrt-sys/src");
    let mut files = BTreeMap::new();
    // A header may declare nothing but C++ functions.
    sources.retain(|source| modules.contains_key(source.header.module.as_str()));
    for source in &sources {
        let module = modules
            .remove(source.header.module.as_str())
            .unwrap_or_default();
        let path = folder.join(format!("{}.rs", source.header.module));
        files.insert(path, render::module(source, module));
    }
    let head = render::first_line(&schema_file(schema));
    files.insert(folder.join("modules.rs"), render::modules(&head, &sources));
    let headers: Vec<&Header> = sources.iter().map(|source| source.header).collect();
    let layout = format!("{head}{}", witness::rust(&headers));
    files.insert(PathBuf::from("pjrt-sys/tests/layout.rs"), layout);
    Ok(files)
}

/// A header and the file that holds its facts.
struct Source<'a> {
    header: &'a Header,
    file: String,
}

/// The headers of the schema, and those of the extra ones that it does not have itself.
fn sources<'a>(schema: &'a Schema, extra: &'a [Schema]) -> Vec<Source<'a>> {
    let mut out: Vec<Source<'a>> = Vec::new();
    for header in &schema.headers {
        out.push(Source {
            header,
            file: schema_file(schema),
        });
    }
    for old in extra {
        for header in &old.headers {
            if out
                .iter()
                .all(|source| source.header.module != header.module)
            {
                let file = format!("schema/extra/{}.json", header.module);
                out.push(Source { header, file });
            }
        }
    }
    out
}

fn schema_file(schema: &Schema) -> String {
    format!("schema/pjrt-{}.{}.json", schema.major, schema.minor)
}

#[cfg(test)]
mod tests;
