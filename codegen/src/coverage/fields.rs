//! Verdicts of fields, of slots that hold no regular function, and of enum values: what the bodies
//! of the crate do with them.

use super::body::Argument;
use super::functions::Evidence;
use super::layer2::{Checked, Filled};
use super::ledger::Verdict;
use super::source::{Body, Origin};
use crate::lower::{inputs, names};
use crate::model::HEADER_FIELDS;
use crate::schema::{Direction, Enum, Field, Function, Struct, StructKind};
use std::collections::BTreeMap;

/// The struct that every node of the extension chain begins with.
const CHAIN_NODE: &str = "PJRT_Extension_Base";

/// The first body that fits; a generated one if there is one.
fn first<'a>(
    bodies: impl Iterator<Item = &'a Body>,
    fits: impl Fn(&Body) -> bool,
) -> Option<&'a Body> {
    let mut found = bodies.filter(|b| fits(b));
    let first = found.next()?;
    let generated = |b: &&Body| b.origin == Origin::Generated;
    Some(if generated(&first) {
        first
    } else {
        found.find(generated).unwrap_or(first)
    })
}

fn covered(body: &Body) -> Verdict {
    match body.origin {
        Origin::Generated => Verdict::Generated(body.label()),
        _ => Verdict::HandWritten(body.label()),
    }
}

/// The field tells the struct's size or links it to others.
fn is_header(field: &Field) -> bool {
    HEADER_FIELDS.contains(&field.name.as_str())
        || (field.ty == CHAIN_NODE && field.offset == 0 && field.slot.is_none())
}

impl<'a> Evidence<'a> {
    /// Verdicts of the fields of a function's argument struct, by name.
    pub fn args(
        &self,
        structure: &Struct,
        function: &Function,
        verdict: &Verdict,
    ) -> Vec<(String, Verdict)> {
        let Some(checked) = self.layer2.calls.get(&function.name) else {
            return Vec::new();
        };
        let call = checked.path.join("::");
        let fields = structure.fields.iter().map(|field| {
            let zero = self.model.reserved(&function.name, &field.name);
            let decided = if zero || HEADER_FIELDS.contains(&field.name.as_str()) {
                Verdict::Generated(call.clone())
            } else {
                match (verdict, self.argument(structure, function, field, checked)) {
                    (Verdict::Generated(at), Ok(())) => Verdict::Generated(at.clone()),
                    (Verdict::HandWritten(at), Ok(())) => Verdict::HandWritten(at.clone()),
                    (Verdict::Generated(_) | Verdict::HandWritten(_), Err(missing)) => {
                        Verdict::Undecided(missing.to_owned())
                    }
                    _ => Verdict::Undecided("its function has no verdict".to_owned()),
                }
            };
            (field.name.clone(), decided)
        });
        fields.collect()
    }

    /// Whether the safe forms of a function give or read a field; else what is missing.
    fn argument(
        &self,
        structure: &Struct,
        function: &Function,
        field: &Field,
        checked: &Checked,
    ) -> Result<(), &'static str> {
        let ident = names::ident(&field.name).to_string();
        let direction = self.model.direction(&function.name, field);
        if direction != Direction::Out {
            self.given(structure, Some(function), &ident, &checked.input)?;
        }
        // What comes back through a pointer is read through what was given.
        let through = direction == Direction::InOut && field.ty.ends_with('*');
        if direction == Direction::In || through {
            return Ok(());
        }
        if !checked.outputs.contains(&ident) {
            return Err("the checked call does not hand it back");
        }
        let places = [checked.path.join("::"), checked.output.clone()];
        let reads = |place: &String| self.mentions.accessing(place, &ident).next().is_some();
        if places.iter().any(reads) {
            Ok(())
        } else {
            Err("never read")
        }
    }

    /// Whether some body gives a field of a struct that has a constructor and setters.
    fn given(
        &self,
        structure: &Struct,
        function: Option<&Function>,
        ident: &str,
        filled: &Filled,
    ) -> Result<(), &'static str> {
        let mut set = self.mentions.accessing(&filled.path, ident);
        if set.next().is_some() {
            return Ok(());
        }
        let Some(position) = filled.params.iter().position(|p| p == ident) else {
            return Err(if filled.setters.contains(ident) {
                "its setter is never called"
            } else {
                "the checked call does not take it"
            });
        };
        let mut missing = "nothing passes it";
        for body in self.mentions.constructing(&filled.path) {
            for (path, arguments) in &body.uses.constructions {
                if *path != filled.path {
                    continue;
                }
                match arguments.get(position) {
                    Some(Argument::Given) => return Ok(()),
                    Some(Argument::Zero)
                        if !self
                            .is_length_of_null(structure, function, ident, filled, arguments) =>
                    {
                        return Ok(());
                    }
                    Some(_) => missing = "always null",
                    None => {}
                }
            }
        }
        Err(missing)
    }

    fn is_length_of_null(
        &self,
        structure: &Struct,
        function: Option<&Function>,
        ident: &str,
        filled: &Filled,
        arguments: &[Argument],
    ) -> bool {
        structure.fields.iter().any(|pointer| {
            let said = function
                .and_then(|f| self.model.field_entry(&f.name, &pointer.name))
                .and_then(|e| e.len.as_deref());
            let length = said.or_else(|| inputs::spelt_length(structure, &pointer.name));
            let own = names::ident(&pointer.name).to_string();
            let position = filled.params.iter().position(|p| *p == own);
            length.is_some_and(|l| names::ident(l) == ident)
                && position.and_then(|p| arguments.get(p)) == Some(&Argument::Null)
        })
    }

    /// Verdicts of the fields of any other struct, members of unions included, by name. Slots of
    /// tables are left to [`Evidence::slot`].
    pub fn fields(&self, structure: &Struct) -> Vec<(String, Verdict)> {
        let nested = self.layer2.nested.get(&structure.name);
        let mut out = Vec::new();
        for field in structure.fields.iter().filter(|f| f.slot.is_none()) {
            if field.members.is_empty() {
                out.push((field.name.clone(), self.field(structure, field, nested)));
                continue;
            }
            for member in &field.members {
                let whole = || first(self.mentions.with(&structure.name), |b| b.uses.whole_union);
                let verdict = match self.field(structure, member, None) {
                    Verdict::Undecided(missing) => {
                        whole().map_or(Verdict::Undecided(missing), covered)
                    }
                    decided => decided,
                };
                out.push((member.name.clone(), verdict));
            }
        }
        out
    }

    fn field(&self, structure: &Struct, field: &Field, nested: Option<&Filled>) -> Verdict {
        let ident = names::ident(&field.name).to_string();
        let table = self.model.overlay.tables.get(&structure.name);
        if table.is_some_and(|t| t.reserved.as_deref() == Some(&field.name)) {
            return Verdict::Generated("reserved: copied with the rest, and not looked at".into());
        }
        if let Some(filled) = nested
            && HEADER_FIELDS.contains(&field.name.as_str())
        {
            return Verdict::Generated(filled.path.clone());
        }
        let literal = (structure.name.clone(), ident.clone());
        let names = |b: &Body| b.uses.fields.contains(&ident) || b.uses.literals.contains(&literal);
        if let Some(body) = first(self.mentions.with(&structure.name), names) {
            return covered(body);
        }
        let Some(filled) = nested else {
            // The pointer to an object's own table: its checked calls go through it.
            let table = field.ty.trim_start_matches("const ").trim_end_matches('*');
            let called = |b: &Body| {
                let slots = self.layer2.slots.iter();
                let mut own = slots.filter(|(slot, _)| slot.split('.').next() == Some(table));
                own.any(|(_, path)| b.uses.paths.contains(path))
            };
            if let Some(body) = first(self.bodies(), called) {
                return covered(body);
            }
            return Verdict::Undecided("no code names it".to_owned());
        };
        match self.given(structure, None, &ident, filled) {
            Ok(()) => {
                let set = self.mentions.accessing(&filled.path, &ident);
                let made = self.mentions.constructing(&filled.path);
                let body = first(set, |_| true).or_else(|| first(made, |_| true));
                body.map_or_else(|| Verdict::HandWritten(filled.path.clone()), covered)
            }
            Err(missing) => Verdict::Undecided(missing.to_owned()),
        }
    }

    /// The verdict of a slot that is no function of the facts: it is read somewhere.
    ///
    /// A slot of an object's table also where code makes its checked call, or holds references that
    /// are counted with it.
    pub fn slot(&self, table: &Struct, field: &Field) -> Verdict {
        let name = format!("{}.{}", table.name, field.name);
        if let Some(path) = self.layer2.slots.get(&name)
            && let Some(body) = first(self.mentions.making(path), |_| true)
        {
            return covered(body);
        }
        if let Some(counted) = self.layer2.counted.get(&name) {
            let mut types = self.source.types.iter();
            let holder = types.find(|(_, definition)| definition.names.contains(counted));
            if let Some((path, _)) = holder {
                return Verdict::HandWritten(path.join("::"));
            }
        }
        let ident = names::ident(&field.name).to_string();
        let found = first(self.mentions.with(&table.name), |b| {
            b.uses.fields.contains(&ident)
        });
        found.map_or_else(
            || Verdict::Undecided("no code reads it".to_owned()),
            covered,
        )
    }

    /// Verdicts of an enum's values, in their order.
    pub fn values(&self, of: &Enum) -> Vec<Verdict> {
        let entry = self.model.overlay.enums.get(&of.name);
        let made = entry.and_then(|e| {
            let rust = names::ident(&e.rust).to_string();
            let mut types = self.source.types.iter();
            let (path, definition) =
                types.find(|(path, d)| d.generated && path.last() == Some(&rust))?;
            Some((path.join("::"), definition))
        });
        let values = of.values.iter().map(|value| {
            if let Some((path, definition)) = &made
                && definition.numbers.contains(&value.value)
            {
                return Verdict::Generated(path.clone());
            }
            match first(self.mentions.naming(&value.name), |_| true) {
                Some(body) => covered(body),
                None => Verdict::Undecided("no generated type has it, no code names it".into()),
            }
        });
        values.collect()
    }
}

/// A struct's header stands with the rest: it has the verdict of the first part that has one.
pub fn headers_follow(
    structure: &Struct,
    decided: &mut [(String, Verdict)],
    slots: &BTreeMap<&str, Verdict>,
) {
    let headers: Vec<&str> = structure
        .fields
        .iter()
        .filter(|f| is_header(f) || (structure.kind == StructKind::Vtable && f.slot.is_none()))
        .map(|f| f.name.as_str())
        .collect();
    let payload = decided.iter();
    let payload = payload.filter(|(name, _)| !headers.contains(&name.as_str()));
    let mut parts = slots.values().chain(payload.map(|(_, v)| v));
    let verdict = match parts.find(|v| v.is_covered()) {
        Some(Verdict::Generated(_)) => Verdict::Generated("with the rest of it".into()),
        Some(Verdict::HandWritten(_)) => Verdict::HandWritten("with the rest of it".into()),
        _ => return,
    };
    for (name, own) in decided {
        if headers.contains(&name.as_str()) && own.is_undecided() {
            *own = verdict.clone();
        }
    }
}
