//! Whether a text of judgements is accepted, and what the generator makes of it.

use crate::diag::Diagnostics;
use crate::model::{Model, Versions};
use crate::overlay::{self, Node};
use crate::schema::Schema;
use crate::vendor::File;

/// Name of what is tried, in messages.
const PROPOSAL: &str = "proposal";
/// Name of what `pjrt` itself says, in messages.
const UPSTREAM: &str = "pjrt's own judgements";

/// Facts, and judgements that are there already.
pub(super) struct Trial {
    facts: Schema,
    module: String,
    names: Vec<String>,
    trees: Vec<Node>,
}

impl Trial {
    /// Upstream's facts and judgements, and those of a vendor.
    pub(super) fn new(
        upstream: &Model,
        vendor: &Schema,
        existing: &File,
    ) -> Result<Trial, Diagnostics> {
        let mut facts = upstream.facts.clone();
        facts.headers.extend(vendor.headers.iter().cloned());
        let module = vendor.headers.first().map(|h| h.module.clone());
        let (name, text) = existing;
        Ok(Trial {
            facts,
            module: module.unwrap_or_default(),
            names: vec![UPSTREAM.to_owned(), name.clone()],
            trees: vec![
                upstream.judgements.clone(),
                overlay::parse_toml(text, 1, name)?,
            ],
        })
    }

    /// The model with more judgements.
    pub(super) fn model(&self, more: &str) -> Result<Model, Diagnostics> {
        let mut names = self.names.clone();
        let mut trees = self.trees.clone();
        trees.push(overlay::parse_toml(more, names.len(), PROPOSAL)?);
        names.push(PROPOSAL.to_owned());
        let tree = overlay::merge(&names, trees)?;
        let overlay = overlay::from_tree(&tree, &names, &[&self.facts])?;
        let facts = self.facts.clone();
        let model = Model::new(facts, overlay, tree, Versions::default());
        Ok(model.for_vendor(&self.module))
    }
}
