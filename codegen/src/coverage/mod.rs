//! The coverage ledger: one verdict for every function, field, enum value and slot of the facts,
//! computed from the model on one side and the text of the sources on the other.
//!
//! Nothing here asks what the generator meant to do. The sources are parsed, every `generate!(..)`
//! in them is expanded where it stands, and the rules look at the functions that come of it. The
//! checked calls (what is generated in the module `raw`) touch every field by themselves, so they
//! show nothing; the other functions do.
//!
//! # Items
//!
//! - `functions`: the functions of the main table.
//! - `extension_slots`: every slot of every other table: extensions, second tables, vtables of
//!   objects; also flags, data pointers and deprecated slots.
//! - `fields`: every field of every struct, as the facts count them: slots among them, which share
//!   the verdict of the slot, and the members of unions instead of the unions.
//! - `enum_values`: every value of every enum.
//!
//! # Functions, and slots that hold one
//!
//! The overlay's `safe` says which verdict is claimed, and the code must bear it out:
//!
//! - *generated*: something that the macro makes, a method or a destructor, names the checked call
//!   (the slot itself, where the function's form has no checked call).
//! - *hand-written at PATH*: the path names a hand-written function, a method, or a type (then all
//!   its methods) of the parsed sources, and that, or what it calls, names the checked call. Calls
//!   are followed by name: into hand-written functions that a user cannot call by themselves,
//!   never into another public method (that is a safe form of its own, and the one to name), into
//!   generated code, or into implementations of foreign traits. Tests do not count.
//! - A claim that the code does not bear out is *dangling*: the function is undecided, and
//!   `coverage --check` names it.
//! - Without `safe` the function is undecided, also where code calls it already.
//!
//! # Fields of a function's arguments
//!
//! - `struct_size` and `extension_start`: generated, the checked call fills them; so is a field that
//!   the overlay calls `reserved`, which it leaves zero.
//! - An input counts where a body gives it: through the constructor of the checked call's struct,
//!   its setter, or by assignment. A null pointer or `None` that is spelt out does not count, nor
//!   does a spelt-out 0 for the length of such a null: a field that is always null is not covered.
//! - An output counts where a body reads it from what the checked call returned: by field or by
//!   pattern, through variables, closures and parameters of the output's type. An `inout` field
//!   counts where it is given and, unless it is a pointer, read.
//! - The verdict is then the function's. Fields of a function without a verdict have none.
//!
//! # Fields of other structs
//!
//! Values in arrays, nested structs, arguments of callbacks, objects, and tables but for their
//! slots: a field counts where a body has to do with the struct and names the field. A body has
//! to do with the structs that its signature, its text or the type it belongs to names, those that
//! the arguments of a checked call hold which it makes, and those inside them. Fields of `self`, of
//! a literal of another type, and of what a checked call returned are not meant. For a nested
//! struct with a generated constructor, the rules of inputs hold as well. A member of a union also counts where
//! a body uses the union without naming any member: it reads the union by its tag. The header of
//! such a struct (its size, its chain, an extension's `base`, what an object's table has before its
//! slots) has the verdict of the first other part that has one. The field of a table that the overlay
//! calls `reserved` is generated.
//!
//! # Slots without a function of the facts, and enum values
//!
//! A slot counts where a body that has to do with the table names it; a slot of an object's table
//! where a body makes its checked call, or a type holds references that are counted with it. The
//! pointer to such a table, in an object, counts where a body makes any of these calls. An enum value
//! is generated where a generated type of the enum has a constant of that number; else it counts
//! where code names its C constant.
//!
//! # Skipped
//!
//! `schema/skipped.toml` names a function, a slot, a struct (all its fields and slots), a field, an
//! enum or one of its values. An entry that decides nothing, for its name is not there or has a verdict
//! already, is stale, and a fault.
mod body;
mod called;
mod fields;
mod functions;
mod layer2;
mod ledger;
mod markdown;
mod mentions;
mod reach;
mod report;
mod skipped;
mod source;

pub use called::{CALLED, Called, Calls};
pub use ledger::{Count, Dangling, Item, Kind, Ledger, Verdict};
pub use markdown::markdown;
pub use report::{json, problems, text};
pub use skipped::{LIMIT, SKIPPED, Skip};

use crate::derived::{Expansions, File};
use crate::diag::Diagnostics;
use crate::model::{API_TABLE, Model};
use crate::schema::{Function, Header, Slot, Struct};
use functions::Evidence;
use layer2::Layer2;
use mentions::Mentions;
use reach::Reach;
use std::collections::{BTreeMap, BTreeSet};

/// The generated report's place in the repository.
pub const COVERAGE: &str = "COVERAGE.md";

/// Computes the ledger. `rust` is the sources of the safe crate; `skipped` and `called` the texts of
/// [`SKIPPED`] and [`CALLED`], empty where there is none.
pub fn ledger(
    model: &Model,
    rust: &[File],
    skipped: &str,
    called: &str,
) -> Result<Ledger, Diagnostics> {
    ledger_of(model, rust, skipped, called, &mut Expansions::default())
}

/// As [`ledger`], given what was read and expanded before.
pub fn ledger_of(
    model: &Model,
    rust: &[File],
    skipped: &str,
    called: &str,
    expansions: &mut Expansions,
) -> Result<Ledger, Diagnostics> {
    let skips = skipped::load(skipped)?;
    let called = if called.trim().is_empty() {
        Called::default()
    } else {
        Called::load(called)?
    };
    let source = source::read(model, rust, expansions)?;
    let layer2 = Layer2::of(model, &source);
    let reach = Reach::new(&source);
    let mentions = Mentions::of(model, &source, &layer2);
    let evidence = Evidence {
        model,
        source: &source,
        layer2: &layer2,
        reach: &reach,
        mentions: &mentions,
    };
    let mut book = Book {
        evidence: &evidence,
        skips: &skips,
        used: BTreeSet::new(),
        ledger: Ledger {
            skips: skips.clone(),
            faults: source.faults.clone(),
            called,
            ..Ledger::default()
        },
        functions: BTreeMap::new(),
    };
    let tables = || model.facts.headers.iter().flat_map(|h| &h.functions);
    for function in tables().filter(|f| !f.table.is_empty()) {
        book.function(function);
    }
    for header in &model.facts.headers {
        book.header(header);
    }
    book.close()
}

struct Book<'a> {
    evidence: &'a Evidence<'a>,
    skips: &'a BTreeMap<String, Skip>,
    used: BTreeSet<&'a str>,
    ledger: Ledger,
    /// Verdicts of functions by name.
    functions: BTreeMap<&'a str, Verdict>,
}

impl<'a> Book<'a> {
    /// The reason for skipping any of these names.
    fn skip(&mut self, names: &[&str]) -> Option<Verdict> {
        let mut entries = names.iter().filter_map(|n| self.skips.get_key_value(*n));
        let (name, skip) = entries.next()?;
        self.used.insert(name);
        Some(Verdict::Skipped(skip.reason.clone()))
    }

    /// An undecided item is skipped if one of its names is.
    fn decide(&mut self, verdict: Verdict, names: &[&str]) -> Verdict {
        if !verdict.is_undecided() {
            return verdict;
        }
        self.skip(names).unwrap_or(verdict)
    }

    fn function(&mut self, function: &'a Function) {
        let (verdict, dangling) = self.evidence.function(function);
        self.ledger.dangling.extend(dangling);
        let slot = format!("{}.{}", function.table, function.slot);
        let verdict = self.decide(verdict, &[&function.name, &slot, &function.table]);
        self.functions.insert(&function.name, verdict);
    }

    fn header(&mut self, header: &'a Header) {
        for structure in &header.structs {
            let slots = self.slots(header, structure);
            self.fields(header, structure, &slots);
        }
        for of in &header.enums {
            let verdicts = self.evidence.values(of);
            for (value, verdict) in of.values.iter().zip(verdicts) {
                let verdict = self.decide(verdict, &[&value.name, &of.name]);
                self.ledger.items.push(Item {
                    kind: Kind::EnumValue,
                    module: header.module.clone(),
                    owner: of.name.clone(),
                    name: value.name.clone(),
                    since: self.evidence.model.versions.since.get(&value.name).copied(),
                    follows: false,
                    verdict,
                });
            }
        }
    }

    /// The slots of a table, whose verdicts are given by the field's name.
    fn slots(&mut self, header: &'a Header, table: &'a Struct) -> BTreeMap<&'a str, Verdict> {
        let mut out = BTreeMap::new();
        for field in table.fields.iter().filter(|f| f.slot.is_some()) {
            let place = format!("{}.{}", table.name, field.name);
            let mut functions = header.functions.iter();
            let function = functions.find(|f| f.table == table.name && f.slot == field.name);
            let (name, verdict) = match function {
                Some(function) => {
                    let known = self.functions.get(function.name.as_str()).cloned();
                    let none = || Verdict::Undecided("no verdict".into());
                    (function.name.clone(), known.unwrap_or_else(none))
                }
                None => {
                    let verdict = match field.slot {
                        Some(Slot::Deprecated) => Verdict::Undecided(
                            "a deprecated slot without a reason to skip it".into(),
                        ),
                        _ => self.evidence.slot(table, field),
                    };
                    let verdict = self.decide(verdict, &[&place, &table.name]);
                    (place, verdict)
                }
            };
            out.insert(field.name.as_str(), verdict.clone());
            let kind = if table.name == API_TABLE {
                Kind::Function
            } else {
                Kind::Slot
            };
            let model = self.evidence.model;
            let later = format!("{}.{}", table.name, field.name);
            self.ledger.items.push(Item {
                kind,
                module: header.module.clone(),
                owner: table.name.clone(),
                since: model
                    .since(&name)
                    .or_else(|| model.versions.since.get(&later).copied()),
                name,
                follows: false,
                verdict,
            });
        }
        out
    }

    fn fields(
        &mut self,
        header: &'a Header,
        structure: &'a Struct,
        slots: &BTreeMap<&'a str, Verdict>,
    ) {
        let model = self.evidence.model;
        let all = model.facts.headers.iter().flat_map(|h| &h.functions);
        let mut takers = all
            .filter(|f| !f.table.is_empty() && f.args.as_deref() == Some(structure.name.as_str()));
        let function = takers.next();
        let taken = function.and_then(|f| Some((f, self.functions.get(f.name.as_str())?.clone())));
        let mut decided = match &taken {
            Some((function, verdict)) => self.evidence.args(structure, function, verdict),
            None => Vec::new(),
        };
        let checked = !decided.is_empty();
        if !checked {
            decided = self.evidence.fields(structure);
        }
        for (field, verdict) in &mut decided {
            let name = format!("{}.{field}", structure.name);
            let mut names: Vec<&str> = vec![&name, &structure.name];
            names.extend(function.map(|f| f.name.as_str()));
            let own = std::mem::replace(verdict, Verdict::Undecided(String::new()));
            *verdict = self.decide(own, &names);
        }
        if !checked {
            fields::headers_follow(structure, &mut decided, slots);
        }
        let undecided = taken.is_some_and(|(_, verdict)| verdict.is_undecided());
        let slots = slots
            .iter()
            .map(|(name, v)| ((*name).to_owned(), v.clone(), true));
        let others = decided.into_iter().map(|(name, v)| (name, v, undecided));
        for (field, verdict, follows) in others.chain(slots) {
            let name = format!("{}.{field}", structure.name);
            self.ledger.items.push(Item {
                kind: Kind::Field,
                module: header.module.clone(),
                owner: structure.name.clone(),
                since: model.versions.since.get(&name).copied(),
                name,
                follows,
                verdict,
            });
        }
    }

    /// What is left: skips that decide nothing, recorded names that are not there.
    fn close(mut self) -> Result<Ledger, Diagnostics> {
        for (name, skip) in self.skips {
            if !self.used.contains(name.as_str()) {
                self.ledger.stale.push(Dangling {
                    name: name.clone(),
                    problem: format!(
                        "{SKIPPED}:{}: it names nothing of the facts that lacks a verdict",
                        skip.line
                    ),
                });
            }
        }
        let model = self.evidence.model;
        let recorded = self.ledger.called.functions();
        let unknown = recorded.into_iter().filter(|f| model.function(f).is_none());
        self.ledger.unknown = unknown.map(str::to_owned).collect();
        Ok(self.ledger)
    }
}
