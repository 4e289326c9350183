//! Which functions a change concerns, and which safe methods make their calls.

use std::collections::{BTreeMap, BTreeSet};

use super::types::*;
use super::view::View;
use crate::history::CHAIN;
use crate::history::compat::words;
use crate::lower::receiver::Receiver;
use crate::lower::{names, receiver};
use crate::model::Model;
use crate::overlay::Safe;

/// The functions whose arguments lead to each struct, enumeration or type of callback.
pub(super) struct Users<'a> {
    /// From a type to the types and functions that name it.
    of: BTreeMap<&'a str, BTreeSet<&'a str>>,
    functions: BTreeSet<&'a str>,
}

impl<'a> Users<'a> {
    pub(super) fn of(view: &View<'a>) -> Self {
        let mut users = Self {
            of: BTreeMap::new(),
            functions: view.functions.keys().copied().collect(),
        };
        // Objects with a vtable are used through functions, tables are said by their slots.
        let skipped = ["handle", "vtable", "api", "extension_table"];
        let known = |word: &'a str| match view.structs.get(word) {
            Some((_, body)) => !skipped.contains(&body.kind.as_str()),
            None => view.enums.contains_key(word) || view.callbacks.contains_key(word),
        };
        let mut named = |user: &'a str, ty: &'a str| {
            for word in words(ty).filter(|w| w.len() > 1) {
                if known(word) {
                    users.of.entry(word).or_default().insert(user);
                }
            }
        };
        for (name, (_, function)) in &view.functions {
            function.signature.0.iter().for_each(|ty| named(name, ty));
        }
        for (name, (_, signature)) in &view.callbacks {
            signature.0.iter().for_each(|ty| named(name, ty));
        }
        for (name, (_, body)) in &view.structs {
            if !skipped.contains(&body.kind.as_str()) {
                let fields = body.fields.iter().filter(|f| f.name != CHAIN);
                fields.for_each(|f| named(name, &f.ty));
            }
        }
        users
    }

    /// All functions that lead to a type.
    fn reaching(&self, ty: &'a str) -> BTreeSet<&'a str> {
        let (mut open, mut seen) = (vec![ty], BTreeSet::from([ty]));
        while let Some(ty) = open.pop() {
            for user in self.of.get(ty).into_iter().flatten() {
                if seen.insert(user) {
                    open.push(user);
                }
            }
        }
        seen.intersection(&self.functions).copied().collect()
    }
}

/// Fills in the functions of every change: those of the new set, or of the old for what is gone.
pub(super) fn functions(changes: &mut [Change], old: &View<'_>, new: &View<'_>) {
    let of = [Users::of(old), Users::of(new)];
    for change in changes {
        let users = match change.what {
            What::Removed => &of[0],
            _ => &of[1],
        };
        let view = match change.what {
            What::Removed => old,
            _ => new,
        };
        let owner = match change.kind {
            Kind::Function | Kind::Slot => {
                let own = view.functions.contains_key(change.name.as_str());
                change.functions.extend(own.then(|| change.name.clone()));
                continue;
            }
            Kind::Extension | Kind::Type => continue,
            Kind::Field => change.name.split_once('.').map(|(of, _)| of),
            Kind::Value => {
                let has = |values: &[(String, i64)]| values.iter().any(|(n, _)| *n == change.name);
                let mut enums = view.enums.iter();
                enums.find(|(_, (_, e))| has(&e.values)).map(|(n, _)| *n)
            }
            Kind::Struct | Kind::Enum | Kind::Callback => Some(change.name.as_str()),
        };
        let reaching = owner.map(|owner| users.reaching(owner)).unwrap_or_default();
        change.functions = reaching.into_iter().map(str::to_string).collect();
    }
}

/// The safe methods of `pjrt`, by the C function that they call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Methods(BTreeMap<String, String>);

impl Methods {
    /// What the overlay says: the path of what is written by hand, the method that is generated.
    pub fn of(model: &Model) -> Self {
        let functions = model.facts.headers.iter().flat_map(|h| &h.functions);
        let paths = functions.filter_map(|f| Some((f.name.clone(), path(model, &f.name)?)));
        Self(paths.collect())
    }

    /// The path of a function's method.
    pub fn get(&self, function: &str) -> Option<&str> {
        self.0.get(function).map(String::as_str)
    }

    pub(super) fn fill(&self, changes: &mut [Change]) {
        for change in changes {
            let paths = change.functions.iter().filter_map(|f| self.0.get(f));
            let paths: BTreeSet<&String> = paths.collect();
            change.methods = paths.into_iter().cloned().collect();
        }
    }
}

fn path(model: &Model, name: &str) -> Option<String> {
    let function = model.function(name)?;
    let entry = model.entry(name)?;
    if let Safe::HandWritten(path) = entry.safe.as_ref()? {
        return Some(path.clone());
    }
    // An error becomes ours: nobody calls these.
    if model.deals_with_errors(function) {
        return None;
    }
    let ty = |handle: &str| {
        let rust = &model.handle(handle)?.rust;
        Some(match model.home(handle)? {
            "core" => format!("pjrt::{rust}"),
            module => format!("pjrt::{module}::{rust}"),
        })
    };
    let subject = receiver::subject(model, function, entry);
    if entry.drop {
        let handles = &model.overlay.handles;
        let own = handles
            .iter()
            .find(|(_, h)| h.destroy.as_deref() == Some(name));
        let handle = own.map(|(handle, _)| handle.as_str());
        let handle = handle.or(subject.map(|s| s.handle))?;
        return Some(format!("<{} as Drop>::drop", ty(handle)?));
    }
    let given = entry.method.clone();
    let called = |on: Option<&str>| {
        let name = given.clone();
        let name = name.unwrap_or_else(|| names::method_name(&function.name, on));
        names::ident(&name)
    };
    match receiver::receiver(model, function, entry, subject).ok()? {
        Receiver::Handle(handle) => Some(format!("{}::{}", ty(handle)?, called(Some(handle)))),
        Receiver::Plugin(_) => Some(format!("pjrt::Plugin::{}", called(None))),
        Receiver::Extension(module) => {
            let extension = model.header(module).and_then(|h| h.extension.as_ref())?;
            let rust = &model.overlay.extensions.get(&extension.name)?.rust;
            let method = called(Some(&extension.name));
            Some(format!("pjrt::{module}::{rust}::{method}"))
        }
    }
}
