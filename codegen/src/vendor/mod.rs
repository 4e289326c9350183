//! A vendor's header: facts and judgements that stand outside this repository, merged with those of
//! upstream into one model, from which the same lowering and emission make the vendor's crate.

mod alike;
mod collisions;
pub mod invocation;
pub mod items;
pub mod revisions;
pub mod server;
#[cfg(all(test, feature = "tools"))]
mod tests;

pub use collisions::collisions;
pub use revisions::Revisions;

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{Model, Versions};
use crate::overlay::{self, UPSTREAM};
use crate::schema::{self, Header, Schema};

/// A file: name and text.
pub type File = (String, String);

/// Reads a vendor's facts, and the one header that they are about.
///
/// # Errors
///
/// The file is not what the extractor writes, or is about something else than one header.
pub fn facts((name, text): &File) -> Result<(Schema, Header), Diagnostics> {
    let schema = schema::load(name, text)?;
    match schema.headers.as_slice() {
        [header] if header.extension.is_some() => {
            let header = header.clone();
            Ok((schema, header))
        }
        others => {
            let found: Vec<&str> = others.iter().map(|h| h.module.as_str()).collect();
            let message = format!(
                "expected the facts of one header that declares an extension, found {} ({})",
                found.len(),
                found.join(", ")
            );
            Err(Diagnostic::new("N001", name, message)
                .help("make the file with `cargo xtask vendor new --header FILE --out DIR`")
                .into())
        }
    }
}

/// One model of upstream's, a vendor's facts, its judgements and, if there are any, the older
/// revisions of its header.
///
/// # Errors
///
/// All faults of the files, each at its place: names and numbers that are upstream's, types that
/// nobody declares, judgements that contradict the facts.
pub fn model(
    upstream: &Model,
    schema: &File,
    judgements: &[File],
    history: Option<&File>,
) -> Result<Model, Diagnostics> {
    let (own, header) = facts(schema)?;
    let mut found = collisions(&upstream.facts, &own, &schema.0);
    let older = history.map(revisions::read).transpose();
    let older = older.unwrap_or_else(|faults| {
        found.extend(faults);
        None
    });
    let mut names = vec![UPSTREAM.to_owned()];
    let mut trees = vec![upstream.judgements.clone()];
    for (name, text) in judgements {
        match overlay::parse_toml(text, names.len(), name) {
            Ok(tree) => {
                found.extend(collisions::entries(upstream, &own, &tree, name));
                trees.push(tree);
            }
            Err(faults) => found.extend(faults),
        }
        names.push(name.clone());
    }
    found.into_result(())?;
    let header = &header;
    let mut versions = upstream.versions.clone();
    let older = older.unwrap_or_default();
    let sized = older.sized(header);
    versions.gates.rows.extend(sized.gates.rows);
    versions.largest = sized.largest;
    let mut found =
        collisions::shared_arguments(&upstream.facts, header, &versions.gates, &schema.0);
    if let Some((name, _)) = history {
        found.extend(revisions::check(&older, header, name));
    }
    found.into_result(())?;
    merged(upstream, own, &names, trees, versions).map(|model| model.for_vendor(&header.module))
}

fn merged(
    upstream: &Model,
    own: Schema,
    names: &[String],
    trees: Vec<overlay::Node>,
    versions: Versions,
) -> Result<Model, Diagnostics> {
    let tree = overlay::merge(names, trees)?;
    let mut facts = upstream.facts.clone();
    facts.headers.extend(own.headers);
    let entries = overlay::from_tree(&tree, names, &[&facts])?;
    Ok(Model::new(facts, entries, tree, versions))
}
