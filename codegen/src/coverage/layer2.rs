//! The checked calls and their structs, read from what the macro makes of `generate!(calls ..)`.

use super::source::{Body, Crate, Origin};
use crate::lower::call;
use crate::model::Model;
use crate::schema::StructKind;
use std::collections::{BTreeMap, BTreeSet};

/// A struct that is filled through a constructor and setters.
#[derive(Clone, Debug, Default)]
pub struct Filled {
    /// Path from the root of the crate.
    pub path: String,
    /// Parameters of its constructor.
    pub params: Vec<String>,
    /// Fields with a setter.
    pub setters: BTreeSet<String>,
}

/// A checked call.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Path from the root of the crate.
    pub path: Vec<String>,
    /// Its inputs.
    pub input: Filled,
    /// Path of the struct of its outputs.
    pub output: String,
    /// Fields of that struct.
    pub outputs: BTreeSet<String>,
}

/// All checked calls by C name, and the structs that go into them by C name.
#[derive(Clone, Debug, Default)]
pub struct Layer2 {
    /// Calls.
    pub calls: BTreeMap<String, Checked>,
    /// Structs that callers fill and the generated code sizes.
    pub nested: BTreeMap<String, Filled>,
    /// Checked calls of the slots of objects' tables: paths by `TABLE.SLOT`.
    pub slots: BTreeMap<String, Vec<String>>,
    /// Names of the types that count references, by the slots that they count with.
    pub counted: BTreeMap<String, String>,
}

impl Layer2 {
    /// Finds them.
    pub fn of(model: &Model, source: &Crate) -> Layer2 {
        let bodies = || source.bodies.iter().filter(|b| b.origin == Origin::Layer2);
        let mut out = Layer2::default();
        for body in bodies() {
            for slot in body.uses.texts.iter().filter(|t| is_slot(model, t)) {
                match &body.owner {
                    None => _ = out.slots.insert(slot.clone(), body.full()),
                    Some(owner) => _ = out.counted.insert(slot.clone(), owner.clone()),
                }
            }
        }
        for body in bodies().filter(|b| b.owner.is_none()) {
            let function = body.uses.texts.iter().find(|t| model.function(t).is_some());
            let Some(function) = function else { continue };
            let path = |name: &str| [body.module.as_slice(), &[name.to_owned()]].concat();
            // Its structs stand in the same module.
            let own = |suffix: &str| {
                let mut names = body.signature.iter().filter(|n| n.ends_with(suffix));
                names.find(|n| source.types.contains_key(&path(n)))
            };
            let (Some(input), Some(output)) = (own("In"), own("Out")) else {
                continue;
            };
            let outputs = source.types.get(&path(output)).map(|d| d.fields.clone());
            let checked = Checked {
                path: body.full(),
                input: filled(bodies(), &path(input)),
                output: path(output).join("::"),
                outputs: outputs.unwrap_or_default(),
            };
            out.calls.insert(function.clone(), checked);
        }
        for header in &model.facts.headers {
            for structure in model.versioned_values(header) {
                let Some(nested) = call::nested(model, structure) else {
                    continue;
                };
                let mut path = vec!["raw".to_owned()];
                if header.module != "core" {
                    path.push(header.module.clone());
                }
                path.push(nested.ident.to_string());
                if source.types.contains_key(&path) {
                    out.nested
                        .insert(structure.name.clone(), filled(bodies(), &path));
                }
            }
        }
        out
    }
}

/// Whether a text is `TABLE.SLOT` of a table behind objects.
fn is_slot(model: &Model, text: &str) -> bool {
    let parts = text.split_once('.');
    let table = parts.and_then(|(table, slot)| Some((model.structure(table)?, slot)));
    table.is_some_and(|(table, slot)| {
        table.kind == StructKind::Vtable && table.fields.iter().any(|f| f.name == slot)
    })
}

fn filled<'a>(bodies: impl Iterator<Item = &'a Body>, path: &[String]) -> Filled {
    let mut out = Filled {
        path: path.join("::"),
        ..Filled::default()
    };
    let Some((name, module)) = path.split_last() else {
        return out;
    };
    for body in bodies.filter(|b| b.module == module && b.owner.as_deref() == Some(name)) {
        if body.name == "new" {
            out.params.clone_from(&body.params);
        } else if let Some(field) = body.name.strip_prefix("with_") {
            out.setters.insert(field.to_owned());
        }
    }
    out
}
