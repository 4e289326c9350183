//! Facts and judgements as their files have them, merged.

use super::{Model, Versions};
use crate::diag::Diagnostics;
use crate::overlay;
use crate::schema::Schema;

impl Model {
    /// Merges facts (the main schema and those of headers that upstream deleted) with overlay
    /// files, given as (name, text).
    pub fn merge(
        schema: Schema,
        extra: Vec<Schema>,
        files: &[(String, String)],
        versions: Versions,
    ) -> Result<Model, Diagnostics> {
        let facts = join(schema, extra);
        let (judgements, overlay) = overlay::load(files, &[&facts])?;
        Ok(Model::new(facts, overlay, judgements, versions))
    }
}

/// Adds the headers of `extra` whose modules the main schema lacks.
pub fn join(mut schema: Schema, extra: Vec<Schema>) -> Schema {
    for header in extra.into_iter().flat_map(|e| e.headers) {
        if schema.headers.iter().all(|h| h.module != header.module) {
            schema.headers.push(header);
        }
    }
    schema
        .headers
        .sort_by(|a, b| (a.module != "core", &a.module).cmp(&(b.module != "core", &b.module)));
    schema
}
