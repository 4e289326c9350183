//! What the methods of the safe layer are called on.

use super::call;
use super::ctype::CType;
use crate::model::{API_TABLE, Model};
use crate::overlay::{FunctionEntry, Safe, Share};
use crate::schema::Function;
use std::collections::BTreeMap;

/// What a method is called on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver<'m> {
    /// A handle: C name of its type.
    Handle(&'m str),
    /// The plugin: a function of this module that takes no handle.
    Plugin(&'m str),
    /// The extension of this module.
    Extension(&'m str),
}

/// A handle among a function's inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'m> {
    /// C name of its type.
    pub handle: &'m str,
    /// The field that takes it.
    pub field: &'m str,
    /// Handles of its type are counted.
    pub counted: bool,
}

/// The first input that is a handle, or the first of the type that `on` names.
pub fn subject<'m>(
    model: &'m Model,
    function: &'m Function,
    entry: &FunctionEntry,
) -> Option<Subject<'m>> {
    if entry.on.as_deref() == Some("none") {
        return None;
    }
    let structure = model.structure(function.args.as_deref()?)?;
    call::inputs(model, function, structure).find_map(|field| {
        let ty = CType::of_field(field)?;
        let (name, handle) = model.overlay.handles.get_key_value(ty.pointer_to()?)?;
        (entry.on.as_deref().is_none_or(|on| on == name)).then_some(Subject {
            handle: name,
            field: &field.name,
            counted: handle.share == Share::Clone,
        })
    })
}

/// Methods of an extension live on the extension's type or on handle types of its own, never on
/// the handles of others, to which a vendor's crate could not add any.
pub fn receiver<'m>(
    model: &'m Model,
    function: &'m Function,
    entry: &FunctionEntry,
    subject: Option<Subject<'m>>,
) -> Result<Receiver<'m>, String> {
    let module = model
        .shown_in(&function.name)
        .ok_or("no module declares it")?;
    match subject {
        Some(subject) if model.home(subject.handle) == Some(module) => {
            Ok(Receiver::Handle(subject.handle))
        }
        _ if function.table != API_TABLE => Ok(Receiver::Extension(module)),
        None if entry.on.as_deref() == Some("none") => Ok(Receiver::Plugin(module)),
        _ => Err("no input is a handle, and `on` does not say `none`".into()),
    }
}

/// The functions that become methods, by their receiver, in the order of the tables.
#[derive(Clone, Debug, Default)]
pub struct Receivers {
    handles: BTreeMap<String, Vec<String>>,
    plugins: BTreeMap<String, Vec<String>>,
    extensions: BTreeMap<String, Vec<String>>,
    /// What has no receiver, and why.
    pub errors: Vec<String>,
}

impl Receivers {
    /// Sorts the functions that are to be generated; destructors are left out.
    pub fn of(model: &Model) -> Receivers {
        let mut all = Receivers::default();
        for function in model.facts.headers.iter().flat_map(|h| &h.functions) {
            let Some(entry) = model.entry(&function.name) else {
                continue;
            };
            let made = entry.safe == Some(Safe::Generated) && !entry.drop;
            if !made || model.deals_with_errors(function) {
                continue;
            }
            let subject = subject(model, function, entry);
            let (map, name) = match receiver(model, function, entry, subject) {
                Ok(Receiver::Handle(name)) => (&mut all.handles, name),
                Ok(Receiver::Plugin(name)) => (&mut all.plugins, name),
                Ok(Receiver::Extension(name)) => (&mut all.extensions, name),
                Err(error) => {
                    all.errors.push(format!("{}: {error}", function.name));
                    continue;
                }
            };
            let functions = map.entry(name.to_owned()).or_default();
            functions.push(function.name.clone());
        }
        all
    }

    /// Names of the functions of a receiver.
    pub fn functions(&self, on: Receiver<'_>) -> &[String] {
        let (map, name) = match on {
            Receiver::Handle(name) => (&self.handles, name),
            Receiver::Plugin(name) => (&self.plugins, name),
            Receiver::Extension(name) => (&self.extensions, name),
        };
        map.get(name).map_or(&[], Vec::as_slice)
    }
}
