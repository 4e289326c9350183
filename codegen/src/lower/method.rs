//! Layer 3: a safe method with its receiver, parameters and result.

use super::call::Call;
use super::ctype::CType;
use super::inputs::{self, Input};
use super::names;
use super::outputs::{self, Output};
use crate::model::Model;
use crate::overlay::{FunctionEntry, Safe, Share};
use proc_macro2::Ident;

/// A safe method.
pub struct Method<'m> {
    /// The checked call under it.
    pub call: Call<'m>,
    /// The judgements.
    pub entry: &'m FunctionEntry,
    /// What the method is called on.
    pub receiver: Receiver<'m>,
    /// The handle that borrowed outputs belong to: the receiver, or the first handle given.
    pub subject: Option<Subject<'m>>,
    /// Rust name.
    pub ident: Ident,
    /// Parameters.
    pub inputs: Vec<Input<'m>>,
    /// Parts of the result.
    pub outputs: Vec<Output<'m>>,
}

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
    call: &Call<'m>,
    entry: &FunctionEntry,
) -> Option<Subject<'m>> {
    if entry.on.as_deref() == Some("none") {
        return None;
    }
    call.inputs.iter().find_map(|field| {
        let ty = CType::of_field(field.field)?;
        let (name, handle) = model.overlay.handles.get_key_value(ty.pointer_to()?)?;
        (entry.on.as_deref().is_none_or(|on| on == name)).then_some(Subject {
            handle: name,
            field: &field.field.name,
            counted: handle.share == Share::Clone,
        })
    })
}

/// Methods of an extension live on the extension's type or on handle types of its own, never on
/// the handles of others, to which a vendor's crate could not add any.
fn receiver<'m>(
    model: &'m Model,
    call: &Call<'m>,
    entry: &FunctionEntry,
    subject: Option<Subject<'m>>,
) -> Result<Receiver<'m>, String> {
    let module = model
        .module_of(&call.function.name)
        .ok_or("no module declares it")?;
    match subject {
        Some(subject) if model.home(subject.handle) == Some(module) => {
            Ok(Receiver::Handle(subject.handle))
        }
        _ if !call.core => Ok(Receiver::Extension(module)),
        None if entry.on.as_deref() == Some("none") => Ok(Receiver::Plugin(module)),
        _ => Err("no input is a handle, and `on` does not say `none`".into()),
    }
}

/// Lowers a function that is to be generated.
pub fn method<'m>(
    model: &'m Model,
    call: Call<'m>,
    entry: &'m FunctionEntry,
) -> Result<Method<'m>, String> {
    let subject = subject(model, &call, entry);
    let receiver = receiver(model, &call, entry, subject)?;
    let taken = match receiver {
        Receiver::Handle(_) => subject.map(|s| s.field),
        _ => None,
    };
    let outputs = outputs::outputs(model, &call, subject)?;
    let inputs = inputs::inputs(model, &call, taken, &outputs)?;
    let name = match (&entry.method, receiver) {
        (Some(name), _) => name.clone(),
        (None, Receiver::Handle(handle)) => names::method_name(&call.function.name, Some(handle)),
        (None, Receiver::Plugin(_)) => names::method_name(&call.function.name, None),
        (None, Receiver::Extension(module)) => {
            let extension = model
                .header(module)
                .and_then(|h| h.extension.as_ref())
                .map(|e| e.name.as_str());
            names::method_name(&call.function.name, extension)
        }
    };
    Ok(Method {
        ident: names::ident(&name),
        receiver,
        subject,
        inputs,
        outputs,
        call,
        entry,
    })
}

/// The generated methods of a receiver, in the order of the tables; destructors are left out.
/// Errors carry the function's name.
pub fn methods<'m>(model: &'m Model, on: Receiver<'_>) -> Result<Vec<Method<'m>>, Vec<String>> {
    let mut methods = Vec::new();
    let mut errors = Vec::new();
    for function in model.facts.headers.iter().flat_map(|h| &h.functions) {
        let Some(entry) = model.entry(&function.name) else {
            continue;
        };
        if entry.safe != Some(Safe::Generated) || entry.drop {
            continue;
        }
        let Some(call) = super::call::call(model, function) else {
            errors.push(format!("{}: its form has no checked call", function.name));
            continue;
        };
        let found = receiver(model, &call, entry, subject(model, &call, entry));
        match found.and_then(|found| {
            if found == on {
                method(model, call, entry).map(Some)
            } else {
                Ok(None)
            }
        }) {
            Ok(method) => methods.extend(method),
            Err(error) => errors.push(format!("{}: {error}", function.name)),
        }
    }
    if errors.is_empty() {
        Ok(methods)
    } else {
        Err(errors)
    }
}
