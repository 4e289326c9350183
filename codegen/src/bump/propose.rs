//! Entries for people to complete. Which form an entry has is tried: one that says `generated` is
//! proposed where the generator then makes a method, with the defaults spelt out.

use crate::lower::ctype::CType;
use crate::lower::{call, inputs, method, names};
use crate::model::{API_TABLE, HEADER_FIELDS, Model};
use crate::overlay;
use crate::overlay::vocabulary::HOLE;
use crate::schema::{Direction, Enum, Field, Function, Struct, StructKind};
use crate::{derived::File, diag::Diagnostics};
use heck::ToSnakeCase;
use std::collections::BTreeSet;

/// A proposed entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Proposal {
    /// Text with holes.
    pub shown: String,
    /// What else to do, or to know.
    pub notes: Vec<String>,
}

/// An entry as it is shown, and as it is tried: with the holes filled.
#[derive(Clone, Debug, Default)]
struct Draft {
    shown: String,
    tried: String,
}

impl Draft {
    fn line(&mut self, text: &str) {
        self.shown.push_str(&format!("{text}\n"));
        self.tried.push_str(&format!("{text}\n"));
    }

    fn hole(&mut self, key: &str, hint: &str, tried: &str) {
        self.shown.push_str(&format!("{key} = \"{HOLE} {hint}\"\n"));
        self.tried.push_str(&format!("{key} = \"{tried}\"\n"));
    }

    fn doc_and_why(&mut self, doc: &str, why: &str) {
        self.hole("doc", doc, "Text.");
        self.hole("why", why, "text");
    }

    fn add(&mut self, other: &Draft) {
        self.shown.push_str(&other.shown);
        self.tried.push_str(&other.tried);
    }
}

const DOC: &str = "what it does, in our own words: shapes, units, when it fails";
const WHY: &str = "why this is sound: who owns what, what may be null, which threads may call";

/// An entry for a function. `before` has the names of the sections that were proposed already.
pub(super) fn function(
    model: &Model,
    files: &[File],
    name: &str,
    before: &mut BTreeSet<String>,
) -> Proposal {
    let mut proposal = Proposal::default();
    let Some(function) = model.function(name) else {
        return proposal;
    };
    if model.entry(name).is_some() {
        proposal
            .notes
            .push("its entry has no `safe`: add it".to_owned());
        return proposal;
    }
    // What the entry stands on is tried with it, and shown once.
    let mut around = Draft::default();
    for (section, draft, note) in sections(model, function) {
        around.tried.push_str(&draft.tried);
        if before.insert(section) {
            around.shown.push_str(&draft.shown);
            proposal.notes.push(note);
        }
    }
    let mut problem = None;
    for spelt_out in [true, false] {
        let mut draft = around.clone();
        draft.add(&generated(model, function, spelt_out));
        match tried(model, files, &draft.tried, function) {
            Ok(()) => {
                proposal.shown = draft.shown;
                return proposal;
            }
            Err(reason) => _ = problem.get_or_insert(reason),
        }
    }
    let reason = problem.unwrap_or_default();
    proposal.notes.push(format!(
        "no method can be generated ({reason}): write it by hand over `pjrt::raw`"
    ));
    let mut draft = around;
    draft.line(&format!("[function.{name}]"));
    draft.line("safe = \"hand-written\"");
    draft.hole("path", "pjrt::Type::method", "pjrt::Type::method");
    draft.doc_and_why(DOC, WHY);
    proposal.shown = draft.shown;
    proposal
}

/// Whether an entry is accepted and gives a method.
fn tried(model: &Model, files: &[File], entry: &str, function: &Function) -> Result<(), String> {
    let mut files = files.to_vec();
    files.push(("proposal".to_owned(), entry.to_owned()));
    let brief = |faults: Diagnostics| {
        let first = faults.iter().next();
        first.map_or_else(String::new, |f| f.message.clone())
    };
    let (judgements, overlay) = overlay::load(&files, &[&model.facts]).map_err(brief)?;
    let facts = model.facts.clone();
    let trial = Model::new(facts, overlay, judgements, model.versions.clone());
    if trial.entry(&function.name).is_some_and(|e| e.drop) {
        return Ok(());
    }
    method::named(&trial, &function.name).map(|_| ())
}

fn generated(model: &Model, function: &Function, spelt_out: bool) -> Draft {
    let mut draft = Draft::default();
    let structure = function.args.as_deref().and_then(|a| model.structure(a));
    draft.line(&format!("[function.{}]", function.name));
    draft.line("safe = \"generated\"");
    let takes_handle = structure
        .is_some_and(|s| call::inputs(model, function, s).any(|f| handle_of(model, f).is_some()));
    if destroys(model, function).is_some() {
        draft.line("drop = true");
    } else if function.table == API_TABLE && !takes_handle {
        draft.line("on = \"none\"");
    }
    draft.doc_and_why(DOC, WHY);
    let Some(structure) = structure else {
        return draft;
    };
    let mut lines = Vec::new();
    for field in call::payload(structure) {
        let mut keys = Vec::new();
        let given = model.direction(&function.name, field) != Direction::Out;
        if field.optional && given {
            keys.push("optional = true".to_owned());
        }
        if let Some(length) = likely_length(structure, field) {
            keys.push(format!("len = \"{length}\""));
        }
        if spelt_out && !given && field.ty.ends_with('*') {
            keys.push(match handle_of(model, field) {
                Some(handle) if is_destroyed(model, handle) => "owned = true".to_owned(),
                _ => "borrow = \"self\"".to_owned(),
            });
        }
        if !keys.is_empty() {
            lines.push(format!("{} = {{ {} }}", field.name, keys.join(", ")));
        }
    }
    if !lines.is_empty() {
        draft.line(&format!("[function.{}.field]", function.name));
        lines.iter().for_each(|line| draft.line(line));
    }
    draft
}

/// The length of a pointer whose name does not say it: the only one that nothing else claims.
pub(crate) fn likely_length<'s>(structure: &'s Struct, field: &Field) -> Option<&'s str> {
    let lacks = |f: &&Field| {
        let to = CType::parse(&f.ty);
        let named = to.as_ref().and_then(CType::pointer_to);
        let data =
            named.is_some_and(|n| crate::lower::ctype::primitive(n).is_some_and(|_| n != "void"));
        data && inputs::spelt_length(structure, &f.name).is_none()
    };
    if !lacks(&field) {
        return None;
    }
    let claimed: Vec<&str> = structure
        .fields
        .iter()
        .filter_map(|f| inputs::spelt_length(structure, &f.name))
        .collect();
    let mut free = structure.fields.iter().filter(|f| {
        let size = f.ty == "size_t" && !HEADER_FIELDS.contains(&f.name.as_str());
        size && !claimed.contains(&f.name.as_str())
    });
    let only = free.next().filter(|_| free.next().is_none())?;
    let alone = structure.fields.iter().filter(lacks).count() == 1;
    alone.then_some(only.name.as_str())
}

/// The object type that a field points to, with a judgement or not.
pub(crate) fn handle_of<'m>(model: &'m Model, field: &Field) -> Option<&'m str> {
    let ty = CType::of_field(field)?;
    let to = ty.pointee()?;
    let name = to.name().or_else(|| to.pointer_to())?;
    let headers = || model.facts.headers.iter();
    let opaques = headers().flat_map(|h| &h.opaques).map(|o| &o.name);
    let visible = headers().flat_map(|h| &h.structs);
    let visible = visible
        .filter(|s| s.kind == StructKind::Handle)
        .map(|s| &s.name);
    let mut all = opaques.chain(visible).map(String::as_str);
    all.find(|known| *known == name)
}

/// Words in the names of functions that free what they are given.
const FREES: [&str; 6] = [
    "destroy",
    "delete",
    "free",
    "release",
    "dispose",
    "deallocate",
];

/// Whether a function's name says that it frees what it is given.
pub(crate) fn frees(name: &str) -> bool {
    let snake = name.to_snake_case();
    snake.split('_').any(|word| FREES.contains(&word))
}

/// The function that frees an object, by its judgement or else by its name.
pub(crate) fn destructor<'m>(model: &'m Model, handle: &str) -> Option<&'m str> {
    if let Some(entry) = model.handle(handle) {
        return entry.destroy.as_deref();
    }
    let functions = || model.facts.headers.iter().flat_map(|h| &h.functions);
    let frees = |f: &&Function| {
        let args = f.args.as_deref().and_then(|a| model.structure(a));
        let mut given = args.into_iter().flat_map(call::payload);
        let takes = given
            .next()
            .is_some_and(|field| handle_of(model, field) == Some(handle));
        self::frees(&f.name) && takes && given.next().is_none()
    };
    functions().find(frees).map(|f| f.name.as_str())
}

fn is_destroyed(model: &Model, handle: &str) -> bool {
    destructor(model, handle).is_some()
}

/// The object that a function frees.
pub(crate) fn destroys<'m>(model: &'m Model, function: &Function) -> Option<&'m str> {
    let structure = model.structure(function.args.as_deref()?)?;
    let handle = call::payload(structure).find_map(|f| handle_of(model, f))?;
    (destructor(model, handle) == Some(function.name.as_str())).then_some(handle)
}

/// What the entry of a function stands on and is not there: its extension, the objects that it
/// takes and gives. Each with its name and what to do beside.
fn sections(model: &Model, function: &Function) -> Vec<(String, Draft, String)> {
    let mut found = Vec::new();
    let header = model.facts.headers.iter();
    let mut header = header.filter_map(|h| Some((h, h.extension.as_ref()?)));
    if let Some((header, extension)) = header.find(|(_, e)| e.table == function.table)
        && !model.overlay.extensions.contains_key(&extension.name)
    {
        let mut draft = Draft::default();
        draft.line(&format!("[extension.{}]", extension.name));
        draft.line(&format!("rust = \"{}\"", extension.name));
        draft.hole("doc", "what the extension offers", "Text.");
        draft.line("");
        let note = format!(
            "make pjrt/src/{module}.rs with `pjrt_macros::generate!(extension {module});`, and name it in pjrt/src/lib.rs",
            module = header.module
        );
        found.push((extension.name.clone(), draft, note));
    }
    let structure = function.args.as_deref().and_then(|a| model.structure(a));
    for field in structure.into_iter().flat_map(call::payload) {
        let Some(handle) = handle_of(model, field).filter(|h| model.handle(h).is_none()) else {
            continue;
        };
        let mut draft = Draft::default();
        draft.line(&format!("[handle.{handle}]"));
        draft.line(&format!("rust = \"{}\"", names::type_name(handle)));
        let freed = destructor(model, handle);
        if let Some(destroy) = freed {
            draft.line(&format!("destroy = \"{destroy}\""));
        }
        let share = if freed.is_some() { "unique" } else { "clone" };
        draft.hole("share", "clone or unique", share);
        draft.hole("threads", "send+sync, send or none", "none");
        draft.doc_and_why("what it is", "why it is shared so, and what threads may do");
        draft.line("");
        let note = format!(
            "`pjrt_macros::generate!(handle {handle});` makes its type: put it beside the other types of its module"
        );
        if found.iter().all(|(section, ..)| section != handle) {
            found.push((handle.to_owned(), draft, note));
        }
    }
    found
}

/// An entry for an enum.
pub(super) fn enumeration(model: &Model, of: &Enum) -> Proposal {
    let name = &of.name;
    let note =
        format!("`pjrt_macros::generate!(enum {name});` makes its type, in a module of pjrt");
    let mut draft = Draft::default();
    if !model.overlay.enums.contains_key(name) {
        draft.line(&format!("[enum.{name}]"));
        draft.line(&format!("rust = \"{}\"", names::type_name(name)));
        draft.hole("doc", "what the values say", "Text.");
    }
    Proposal {
        shown: draft.shown,
        notes: vec![note],
    }
}

/// Whether a struct can be copied into a generated type: plain, of one size, without judgement.
pub(crate) fn is_plain(model: &Model, of: &Struct) -> bool {
    let headed = of
        .fields
        .iter()
        .any(|f| HEADER_FIELDS.contains(&f.name.as_str()));
    let simple = of
        .fields
        .iter()
        .all(|f| f.members.is_empty() && f.signature.is_none());
    let known =
        model.overlay.values.contains_key(&of.name) || model.overlay.groups.contains_key(&of.name);
    of.kind == StructKind::Value && simple && !headed && !known
}

/// An entry for a plain struct.
pub(super) fn value(of: &Struct) -> Proposal {
    let name = &of.name;
    let mut draft = Draft::default();
    draft.line(&format!("[value.{name}]"));
    draft.line(&format!("rust = \"{}\"", names::type_name(name)));
    draft.doc_and_why(
        "what it says",
        "why copies of the fields say all that the struct says",
    );
    Proposal {
        shown: draft.shown,
        notes: vec![format!(
            "`pjrt_macros::generate!(value {name});` makes its type; or read it in code written by hand"
        )],
    }
}

/// Entries for what no safe form shows.
pub(super) fn skip(names: &[&str]) -> Proposal {
    let line = |name: &&str| format!("\"{name}\" = \"{HOLE} why callers do without it\"\n");
    Proposal {
        shown: names.iter().map(line).collect(),
        notes: Vec::new(),
    }
}
