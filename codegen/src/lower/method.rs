//! Layer 3: a safe method with its receiver, parameters and result.

use super::call::Call;
use super::inputs::{self, Input};
use super::names;
use super::outputs::{self, Output};
use super::receiver;
pub use super::receiver::{Receiver, Subject};
use crate::model::Model;
use crate::overlay::FunctionEntry;
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

/// Lowers a function that is to be generated.
pub fn method<'m>(
    model: &'m Model,
    call: Call<'m>,
    entry: &'m FunctionEntry,
) -> Result<Method<'m>, String> {
    let subject = receiver::subject(model, call.function, entry);
    let receiver = receiver::receiver(model, call.function, entry, subject)?;
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

/// The generated methods of a receiver, in the order of the tables. Errors carry the function's
/// name.
pub fn methods<'m>(model: &'m Model, on: Receiver<'_>) -> Result<Vec<Method<'m>>, Vec<String>> {
    let receivers = model.receivers();
    let mut methods = Vec::new();
    let mut errors = receivers.errors.clone();
    for name in receivers.functions(on) {
        match named(model, name) {
            Ok(method) => methods.push(method),
            Err(error) => errors.push(format!("{name}: {error}")),
        }
    }
    if errors.is_empty() {
        Ok(methods)
    } else {
        Err(errors)
    }
}

/// Lowers the function of a name.
pub fn named<'m>(model: &'m Model, name: &str) -> Result<Method<'m>, String> {
    let function = model
        .function(name)
        .ok_or_else(|| format!("no function `{name}`"))?;
    let entry = model
        .entry(name)
        .ok_or_else(|| format!("no overlay entry for `{name}`"))?;
    let call = super::call::call(model, function).ok_or("its form has no checked call")?;
    method(model, call, entry)
}
