//! Layer 3: a safe method with its receiver, parameters and result.

use super::call::Call;
use super::ctype::CType;
use super::inputs::{self, Input};
use super::names;
use super::outputs::{self, Output};
use crate::model::Model;
use crate::overlay::{FunctionEntry, Safe};
use proc_macro2::Ident;

/// A safe method.
pub struct Method<'m> {
    /// The checked call under it.
    pub call: Call<'m>,
    /// The judgements.
    pub entry: &'m FunctionEntry,
    /// C name of the receiver's type and the field that takes it; none for a call on the plugin.
    pub receiver: Option<(&'m str, Ident)>,
    /// Rust name.
    pub ident: Ident,
    /// Parameters.
    pub inputs: Vec<Input<'m>>,
    /// Parts of the result.
    pub outputs: Vec<Output<'m>>,
}

/// The receiver of a function: C name of the handle type and name of the field.
pub fn receiver<'m>(
    model: &'m Model,
    call: &Call<'m>,
    entry: &'m FunctionEntry,
) -> Option<(&'m str, &'m str)> {
    if entry.on.as_deref() == Some("none") {
        return None;
    }
    call.inputs.iter().find_map(|field| {
        let ty = CType::of_field(field.field)?;
        let (name, _) = model.overlay.handles.get_key_value(ty.pointer_to()?)?;
        (entry.on.as_deref().is_none_or(|on| on == name))
            .then_some((name.as_str(), field.field.name.as_str()))
    })
}

/// Lowers a function that is to be generated.
pub fn method<'m>(
    model: &'m Model,
    call: Call<'m>,
    entry: &'m FunctionEntry,
) -> Result<Method<'m>, String> {
    let on = receiver(model, &call, entry);
    if on.is_none() && entry.on.as_deref() != Some("none") {
        return Err("no input is a handle, and `on` does not say `none`".into());
    }
    let inputs = inputs::inputs(model, &call, on.map(|(_, field)| field))?;
    let outputs = outputs::outputs(model, &call, on.map(|(name, _)| name))?;
    let name = match &entry.method {
        Some(name) => name.clone(),
        None => names::method_name(&call.function.name, on.map(|(name, _)| name)),
    };
    Ok(Method {
        ident: names::ident(&name),
        receiver: on.map(|(name, field)| (name, names::ident(field))),
        inputs,
        outputs,
        call,
        entry,
    })
}

/// The generated methods of a handle type, or those of the plugin (`receiver` none), in the order
/// of the table; destructors are left out. Errors carry the function's name.
pub fn methods<'m>(model: &'m Model, on: Option<&str>) -> Result<Vec<Method<'m>>, Vec<String>> {
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
        if receiver(model, &call, entry).map(|(name, _)| name) != on {
            continue;
        }
        match method(model, call, entry) {
            Ok(method) => methods.push(method),
            Err(error) => errors.push(format!("{}: {error}", function.name)),
        }
    }
    if errors.is_empty() {
        Ok(methods)
    } else {
        Err(errors)
    }
}
