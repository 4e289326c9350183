//! Verdicts of functions: what the overlay says, held against the code.

use super::layer2::Layer2;
use super::ledger::{Dangling, Verdict};
use super::mentions::Mentions;
use super::reach::Reach;
use super::source::{Body, Crate, Origin};
use crate::lower::names;
use crate::model::Model;
use crate::overlay::Safe;
use crate::schema::Function;

/// What the rules look at.
pub struct Evidence<'a> {
    /// Facts and judgements.
    pub model: &'a Model,
    /// The crate.
    pub source: &'a Crate,
    /// Its checked calls.
    pub layer2: &'a Layer2,
    /// Its functions by name.
    pub reach: &'a Reach<'a>,
    /// Which structs they have to do with.
    pub mentions: &'a Mentions<'a>,
}

impl<'a> Evidence<'a> {
    /// All functions outside the checked calls.
    pub fn bodies(&self) -> impl Iterator<Item = &'a Body> {
        self.mentions.bodies()
    }

    /// The functions that make a call by themselves: the checked one, or, where the function has
    /// none, the slot of the table.
    fn makers(&self, function: &'a Function) -> Vec<&'a Body> {
        match self.layer2.calls.get(&function.name) {
            Some(call) => self.mentions.making(&call.path).collect(),
            None => {
                let slot = names::ident(&function.slot).to_string();
                let near = self.mentions.with(&function.table);
                near.filter(|b| b.uses.fields.contains(&slot)).collect()
            }
        }
    }

    /// The verdict of a function, and what is wrong with the overlay's.
    pub fn function(&self, function: &'a Function) -> (Verdict, Option<Dangling>) {
        let dangling = |problem: String| {
            let found = Dangling {
                name: function.name.clone(),
                problem: problem.clone(),
            };
            (Verdict::Undecided(problem), Some(found))
        };
        let makers = self.makers(function);
        let of = |origin| makers.iter().find(move |b| b.origin == origin);
        let entry = self.model.entry(&function.name);
        match entry.and_then(|e| e.safe.as_ref()) {
            Some(Safe::Generated) => match of(Origin::Generated) {
                Some(body) => (Verdict::Generated(place(body)), None),
                None => dangling(
                    "the overlay says `generated`, and nothing that the macro makes in the \
                         sources calls it"
                        .to_owned(),
                ),
            },
            Some(Safe::HandWritten(path)) => match self.reach.item(path) {
                Err(problem) => dangling(problem),
                Ok(start) => {
                    let reached = self.reach.from(&start);
                    let mut bodies = reached.iter().filter_map(|i| self.source.bodies.get(*i));
                    if bodies.any(|b| makers.iter().any(|m| std::ptr::eq(*m, b))) {
                        (Verdict::HandWritten(path.clone()), None)
                    } else {
                        dangling(format!("`{path}` does not reach its call"))
                    }
                }
            },
            None => {
                let maker = of(Origin::Written).or_else(|| of(Origin::Generated));
                let text = match (entry, maker) {
                    (_, Some(body)) => {
                        format!("no `safe` in the overlay, yet `{}` calls it", body.label())
                    }
                    (Some(_), None) => "no `safe` in the overlay".to_owned(),
                    (None, None) => "no entry in the overlay".to_owned(),
                };
                (Verdict::Undecided(text), None)
            }
        }
    }
}

/// Where a generated function is, for readers.
fn place(body: &Body) -> String {
    match (&body.owner, &body.of_trait) {
        (Some(owner), Some(_)) if body.name == "destroy" => format!("Drop of {owner}"),
        _ => body.label(),
    }
}
