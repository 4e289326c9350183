//! The entry of a function: what its args say by type, name and mark.

use super::brief;
use super::doubt::{self, Doubt};
use super::entry::Entry;
use super::names::rust_type;
use super::trial::Trial;
use crate::bump::propose;
use crate::diag::Diagnostics;
use crate::lower::ctype::CType;
use crate::lower::outputs::{Output, OutputKind};
use crate::lower::{call, inputs, method};
use crate::model::Model;
use crate::overlay::vocabulary::HOLE;
use crate::schema::{Direction, Field, Function, Struct};
use std::collections::BTreeMap;

/// What every entry says beside what is inferred from its own fields.
const READ: &str = "what is given is used during the call alone, as everywhere in PJRT";

/// The entries of functions. `active` is the text of the entries that they stand on.
pub(super) fn entries<'f>(
    trial: &Trial,
    active: &str,
    functions: &[&'f Function],
    comments: &BTreeMap<String, String>,
) -> Result<Vec<(&'f Function, Draft, Entry)>, Diagnostics> {
    let model = trial.model(active)?;
    let drafts: Vec<Draft> = functions
        .iter()
        .map(|f| Draft::of(&model, f, comments))
        .collect();
    // All at once; only where that is refused, one by one.
    let text: String = drafts.iter().map(|d| d.entry(&[]).active()).collect();
    let all = trial.model(&format!("{active}{text}"));
    let mut found = Vec::new();
    for (function, mut draft) in functions.iter().zip(drafts) {
        let alone;
        let with = match &all {
            Ok(with) => Ok(with),
            Err(_) => {
                alone = trial.model(&format!("{active}{}", draft.entry(&[]).active()));
                alone.as_ref().map_err(brief)
            }
        };
        let entry = with.and_then(|with| draft.tried(with));
        let entry = entry.unwrap_or_else(|reason| draft.hand_written(&reason));
        found.push((*function, draft, entry));
    }
    Ok(found)
}

/// The fields of memory that the plugin lends: how long is said by no type.
fn lent(outputs: &[Output<'_>]) -> Vec<String> {
    let lends = |kind: &OutputKind| {
        matches!(
            kind,
            OutputKind::Text(_)
                | OutputKind::Slice { .. }
                | OutputKind::Enums { .. }
                | OutputKind::Texts { .. }
                | OutputKind::Rows { .. }
                | OutputKind::NamedValues(_)
        )
    };
    let lent = outputs.iter().filter(|o| lends(&o.kind));
    lent.map(|o| o.field.to_owned()).collect()
}

/// What was inferred of a function.
#[derive(Default)]
pub(super) struct Draft {
    name: String,
    /// What the header says.
    said: Option<String>,
    /// Name of the extension.
    extension: String,
    /// It has no struct of arguments.
    positional: bool,
    drops: bool,
    /// Name of the method, where the C name gives no good one.
    method: Option<String>,
    /// Name of the struct of several outputs.
    result: Option<String>,
    /// Keys by field.
    fields: Vec<(String, Vec<String>)>,
    reasons: Vec<String>,
    holes: Vec<(String, String)>,
    /// Why no method can be generated.
    by_hand: Option<String>,
}

impl Draft {
    fn of(model: &Model, function: &Function, comments: &BTreeMap<String, String>) -> Draft {
        let slot = format!("{}.{}", function.table, function.slot);
        let args = function.args.clone().unwrap_or_default();
        let names = [&function.name, &args, &slot];
        let extension = model.vendor().and_then(|h| h.extension.as_ref());
        let mut draft = Draft {
            name: function.name.clone(),
            extension: extension.map_or_else(String::new, |e| e.name.clone()),
            said: names.into_iter().find_map(|n| comments.get(n)).cloned(),
            positional: function.args.is_none(),
            ..Draft::default()
        };
        if let Some(handle) = propose::destroys(model, function) {
            draft.drops = true;
            draft
                .reasons
                .push(format!("it frees the last handle on a `{handle}`"));
        }
        let structure = function.args.as_deref().and_then(|a| model.structure(a));
        let Some(structure) = structure else {
            return draft;
        };
        for field in call::payload(structure) {
            draft.field(model, function, structure, field);
        }
        for doubt in doubt::of(model, function, structure) {
            match doubt {
                Doubt::ByHand(reason) => draft.by_hand = Some(reason),
                Doubt::Hole(decide, proposal) => draft.holes.push((decide, proposal)),
            }
        }
        draft
    }

    fn key(&mut self, field: &str, key: String) {
        match self.fields.iter_mut().find(|(name, _)| name == field) {
            Some((_, keys)) if keys.contains(&key) => {}
            Some((_, keys)) => keys.push(key),
            None => self.fields.push((field.to_owned(), vec![key])),
        }
    }

    fn field(&mut self, model: &Model, function: &Function, structure: &Struct, field: &Field) {
        let name = field.name.as_str();
        let out = doubt::is_out_by_name(field);
        if out {
            self.key(name, "dir = \"out\"".to_owned());
            self.reasons
                .push(format!("the name of `{name}` says that it comes out"));
        }
        let given = !out && model.direction(&function.name, field) != Direction::Out;
        if given && model.callback(&field.ty).is_some() {
            self.callback(structure, field);
            return;
        }
        if field.optional && given && field.ty.contains('*') {
            self.key(name, "optional = true".to_owned());
            self.reasons
                .push(format!("the header calls `{name}` optional"));
        }
        if let Some(length) = propose::likely_length(structure, field) {
            self.key(name, format!("len = \"{length}\""));
            self.reasons
                .push(format!("`{length}` is the only length for `{name}`"));
        }
        if given || !field.ty.ends_with('*') {
            return;
        }
        if let Some((holder, deleter)) = freed(structure, field) {
            let key = match &holder {
                Some(holder) => format!(
                    "holder = \"{}\", deleter = \"{}\"",
                    holder.name, deleter.name
                ),
                None => format!("deleter = \"{}\"", deleter.name),
            };
            self.key(name, key);
            for other in holder
                .into_iter()
                .chain([deleter])
                .filter(|f| f.dir.is_none())
            {
                self.key(&other.name, "dir = \"out\"".to_owned());
            }
            self.reasons.push(format!(
                "`{name}` comes with the function that frees it, `{}`",
                deleter.name
            ));
            return;
        }
        let Some(handle) = propose::handle_of(model, field) else {
            return;
        };
        let visible = model.structure(handle).is_some();
        if visible && propose::destructor(model, handle).is_none() {
            self.by_hand = Some(format!(
                "`{name}` is an object with a table of its own: does the caller get a reference to give up, or is it lent?"
            ));
            return;
        }
        let holds = structure.fields.iter().any(|f| deletes(f, &field.ty));
        let array = CType::of_field(field)
            .is_some_and(|ty| ty.pointee().is_some_and(|to| to.pointer_to().is_some()));
        match propose::destructor(model, handle) {
            _ if holds => {}
            Some(_) if !array && !doubt::is_new(function, handle) => self.holes.push((
                format!("is `{name}` new, for the caller to free, or lent?"),
                format!("{name} = {{ owned = true }}, or {name} = {{ borrow = \"self\" }}"),
            )),
            Some(destroy) if !array => {
                self.key(name, "owned = true".to_owned());
                self.reasons
                    .push(format!("`{name}` is new, and freed with `{destroy}`"));
            }
            Some(_) => {
                self.by_hand = Some(format!(
                    "who frees the objects in `{name}`, and what holds the array?"
                ));
            }
            None => {
                self.key(name, "borrow = \"self\"".to_owned());
                self.reasons.push(format!("no function frees what `{name}` gives, so it belongs to what the function is called on"));
            }
        }
    }

    fn callback(&mut self, structure: &Struct, field: &Field) {
        let data = structure.fields.iter().find(|f| f.ty == "void*");
        let deleter = structure.fields.iter().find(|f| deletes(f, "void*"));
        if let Some(data) = data {
            self.key(&field.name, format!("user_data = \"{}\"", data.name));
        }
        if let Some(deleter) = deleter {
            self.by_hand = Some(format!("`{}` gives the callback's data back", deleter.name));
            return;
        }
        self.holes.push((
            format!(
                "until when is `{}` called, and by which threads?",
                field.name
            ),
            "as long as the process; or name the key of the call that ends it with `keyed_by`"
                .to_owned(),
        ));
    }

    /// The entry, if a method is made of it.
    fn tried(&mut self, with: &Model) -> Result<Entry, String> {
        if with.entry(&self.name).is_some_and(|e| e.drop) {
            return Ok(self.entry(&[]));
        }
        if let Some(reason) = &self.by_hand {
            return Err(reason.clone());
        }
        if !self.holes.is_empty() {
            return Ok(self.entry(&[]));
        }
        let method = method::named(with, &self.name)?;
        // The C name of a pointer's type may say that it is one.
        let ident = method.ident.to_string();
        self.method = ident.strip_suffix("_fn").map(str::to_owned);
        if method.outputs.len() > 1 {
            self.result = Some(rust_type(&self.name, &self.extension, &mut Vec::new()));
        }
        Ok(self.entry(&lent(&method.outputs)))
    }

    /// The entry for what no method can be generated of.
    pub(super) fn hand_written(&self, reason: &str) -> Entry {
        let mut entry = Entry::new("function", &self.name);
        let reason = match self.positional {
            true => "it has no struct of arguments",
            false => reason,
        };
        entry.line("safe = \"hand-written\"");
        entry.hole(
            "path",
            &format!("no method can be generated ({reason})"),
            "write one over `raw`, and name it here: crate::Type::method",
        );
        entry.doc(self.said.as_ref(), &format!("Calls `{}`.", self.name));
        entry.line(format!(
            "why = \"{HOLE} who owns what, what may be null, which threads may call\""
        ));
        entry
    }

    /// `lent` are outputs of memory that the plugin lends.
    fn entry(&self, lent: &[String]) -> Entry {
        let name = &self.name;
        let mut entry = Entry::new("function", name);
        entry.line("safe = \"generated\"");
        if self.drops {
            entry.line("drop = true");
        }
        if let Some(method) = &self.method {
            entry.text("method", method);
        }
        if let Some(result) = &self.result {
            entry.text("result", result);
        }
        entry.doc(self.said.as_ref(), &format!("Calls `{name}`."));
        let mut reasons = self.reasons.clone();
        reasons.push(READ.to_owned());
        let why = format!("inferred: {}", reasons.join("; "));
        if lent.is_empty() && self.holes.is_empty() {
            entry.text("why", &why);
        } else {
            entry.line(format!("why = \"{why}; {HOLE}\""));
        }
        for (decide, proposal) in &self.holes {
            entry.open(decide, proposal, true);
        }
        let mut fields = self.fields.clone();
        for field in lent {
            entry.open(
                &format!("for how long may what `{field}` points to be read?"),
                "borrow = \"self\" if as long as what the function is called on; \"process\" if for good; else write it by hand and copy",
                true,
            );
            let key = format!("borrow = \"{HOLE}\"");
            match fields.iter_mut().find(|(name, _)| name == field) {
                Some((_, keys)) => keys.push(key),
                None => fields.push((field.clone(), vec![key])),
            }
        }
        if !fields.is_empty() {
            entry.line(format!("[function.{name}.field]"));
            for (field, keys) in fields {
                entry.line(format!("{field} = {{ {} }}", keys.join(", ")));
            }
        }
        entry
    }
}

/// Whether a field is a function that frees something of a type.
fn deletes(field: &Field, ty: &str) -> bool {
    let signature = field.signature.as_ref();
    signature.is_some_and(|s| {
        s.returns == "void" && matches!(s.params.as_slice(), [only] if only.ty == ty)
    })
}

/// What holds an output's memory, and the function that frees that. None where it is not the only
/// output that can be meant.
fn freed<'s>(structure: &'s Struct, field: &Field) -> Option<(Option<&'s Field>, &'s Field)> {
    let has_length = |f: &&Field| inputs::spelt_length(structure, &f.name).is_some();
    let out = structure
        .fields
        .iter()
        .filter(|f| f.dir == Some(Direction::Out));
    let mut out = out.filter(|f| f.ty.ends_with('*')).filter(has_length);
    let only = out
        .next()
        .filter(|f| f.name == field.name && out.next().is_none())?;
    let mut deleters = structure.fields.iter().filter(|f| {
        let signature = f.signature.as_ref();
        signature.is_some_and(|s| s.returns == "void" && s.params.len() == 1)
    });
    let deleter = deleters.next().filter(|_| deleters.next().is_none())?;
    if deletes(deleter, &only.ty) {
        return Some((None, deleter));
    }
    let mut holders = structure.fields.iter();
    let holder = holders.find(|f| deletes(deleter, &f.ty))?;
    Some((Some(holder), deleter))
}
