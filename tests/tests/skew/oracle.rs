//! What the history says of an error: whether a plugin of this version must give it, and with which
//! versions. Nothing here is a list of ours.

use pjrt::Error;
use pjrt_codegen::history::{self, History, Item, Minors, StructBody};
use pjrt_codegen::model::Model;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// The recorded versions of the headers.
pub fn history() -> &'static History {
    static HISTORY: OnceLock<History> = OnceLock::new();
    HISTORY.get_or_init(|| {
        let text = include_str!("../../../schema/history.json");
        history::load("schema/history.json", text).unwrap_or_else(|faults| panic!("{faults}"))
    })
}

/// The first minor whose commits, and those of all later ones, have a function of the main table.
pub fn since(function: &str) -> i32 {
    let item = history().function(function).expect("a function");
    let minors = history().function_minors(item).expect("its minors");
    minors.safe_since.unwrap_or(minors.since).cast_signed()
}

/// The facts of the newest headers and what people judged of them.
pub fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| {
        let model = pjrt_codegen::model::from_json(include_str!("../../../pjrt/model.json"));
        model.unwrap_or_else(|faults| panic!("{faults:?}"))
    })
}

/// Tables of extensions by name, of the model.
fn tables() -> &'static BTreeMap<String, String> {
    static TABLES: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    TABLES.get_or_init(|| {
        let extensions = model()
            .facts
            .headers
            .iter()
            .filter_map(|h| h.extension.as_ref());
        extensions
            .map(|e| (e.name.clone(), e.table.clone()))
            .collect()
    })
}

/// The version of a plugin: its minor, and what its table says of its size.
#[derive(Clone, Copy, Debug)]
pub struct Version {
    pub minor: u32,
    pub reported: u64,
}

/// Minors of a function, or of a slot `TABLE.SLOT`.
fn minors(name: &str) -> Option<Minors> {
    if let Some(item) = history().function(name) {
        return history().function_minors(item);
    }
    let (table, slot) = name.split_once('.')?;
    let item = history().structure(table)?;
    let mut fields = history().field_minors(item).into_iter();
    fields
        .find(|(name, _)| *name == slot)
        .map(|(_, minors)| minors)
}

/// Minors of a field of a function's arguments, or of a struct that they lead to, or of a value of
/// the field's enumeration: whatever begins at that minor.
fn begins(function: &str, field: &str, since: u32) -> bool {
    let history = history();
    let newest = history.states.len() - 1;
    let mut structs: Vec<&str> = vec![function];
    if let Some(body) = history.function(function).and_then(|item| item.newest()) {
        structs.extend(history.reach(body, newest));
    }
    let items = structs.iter().filter_map(|name| history.structure(name));
    let of_field = |item: &Item<StructBody>| {
        let mut fields = history.field_minors(item).into_iter();
        let minors = fields.find(|(name, _)| *name == field).map(|(_, m)| m);
        if minors.is_some_and(|m| m.safe_since == Some(since)) {
            return true;
        }
        let found = item
            .newest()
            .and_then(|b| b.fields.iter().find(|f| f.name == field));
        let Some(found) = found else { return false };
        let words = found.ty.split(|c: char| !c.is_alphanumeric() && c != '_');
        let enums = words.filter_map(|word| history.enumeration(word));
        enums.into_iter().any(|item| {
            let mut values = history.value_minors(item).into_iter();
            values.any(|(_, m)| m.layout_since == Some(since))
        })
    };
    items.into_iter().any(of_field)
}

impl Version {
    /// The commits that a plugin of this version may be built of, for an item of a table.
    fn lacks<T>(&self, item: &Item<T>) -> bool {
        let states = history().consistent("PJRT_Api", self.minor, self.reported);
        states.iter().any(|state| item.at(*state).is_none())
    }

    /// Whether commits of this version have the first version of XLA's FFI, or none of today's major: handlers could not
    /// be asked for theirs then.
    fn has_first_handlers(&self) -> bool {
        let states = history().consistent("PJRT_Api", self.minor, self.reported);
        let mut states = states
            .iter()
            .filter_map(|state| history().states.get(*state));
        states.any(|state| state.ffi.is_none_or(|minor| minor == 0))
    }

    /// Whether an error is about a size that this version's commits do not agree about: who has the
    /// smaller one, and takes no other, cannot be told from who has the larger, which is sent.
    pub fn cannot_be_told(&self, error: &Error) -> bool {
        let Error::Plugin(error) = error else {
            return false;
        };
        let mut words = error
            .message
            .split([' ', ',', '.'])
            .filter(|word| !word.is_empty());
        let Some(item) = words.find_map(|word| history().structure(word)) else {
            return false;
        };
        let numbers: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
        let states = history().consistent("PJRT_Api", self.minor, self.reported);
        let bodies = states.iter().filter_map(|state| item.at(*state));
        let sizes: BTreeSet<u64> = bodies.filter_map(|body| body.struct_size).collect();
        let (Some(expected), Some(got)) = (numbers.first(), numbers.get(1)) else {
            return false;
        };
        sizes.contains(expected) && expected < got && sizes.last() == Some(got)
    }

    /// Why an error is not what the history says; none if it is.
    pub fn objection(&self, error: &Error) -> Option<String> {
        let plugin = (0, self.minor.cast_signed());
        let wrong = |what: String| Some(format!("{error}: {what}"));
        match error {
            Error::Unimplemented {
                function,
                since,
                plugin_version,
            } => {
                let Some(minors) = minors(function) else {
                    return wrong("the history knows no such function".into());
                };
                let real = minors.safe_since.unwrap_or(minors.since);
                if *plugin_version != plugin || *since != real {
                    return wrong(format!("it is there since {real}"));
                }
                let absent = history()
                    .function(function)
                    .is_none_or(|item| self.lacks(item));
                (real <= self.minor || !absent)
                    .then(|| format!("{error}: the plugin's version has it"))
            }
            Error::IncompatibleLayout {
                function,
                layout_since,
                plugin_version,
            } => {
                let Some(minors) = minors(function) else {
                    return wrong("the history knows no such function".into());
                };
                let real = minors.layout_since;
                if *plugin_version != plugin || real != Some(*layout_since) {
                    return wrong(format!("the layout holds since {real:?}"));
                }
                (*layout_since <= self.minor)
                    .then(|| format!("{error}: the plugin's version has that layout"))
            }
            Error::TooNew {
                function,
                field,
                since,
                plugin_version,
            } => {
                if *plugin_version != plugin || *since <= self.minor {
                    return wrong("the plugin's version knows it".into());
                }
                (!begins(function, field, *since))
                    .then(|| format!("{error}: nothing of that name begins then"))
            }
            Error::NoExtension {
                extension,
                chain_fault,
                plugin_version,
            } => {
                if *plugin_version != plugin {
                    return wrong("it is another plugin's".into());
                }
                if chain_fault.is_some() {
                    let base = history().structure("PJRT_Extension_Base").expect("nodes");
                    let minors = history().struct_minors(base).expect("their minors");
                    let since = minors.layout_since.expect("a version of today's nodes");
                    return (since <= self.minor)
                        .then(|| format!("{error}: nodes are as today since {since}"));
                }
                let table = tables().get(*extension).map(String::as_str);
                match table.and_then(|table| history().structure(table)) {
                    None => wrong(format!("the history knows no {extension}")),
                    Some(item) => {
                        (!self.lacks(item)).then(|| format!("{error}: the plugin's version has it"))
                    }
                }
            }
            // Handlers have a version of their own, which registration asks for.
            Error::InvalidArgument {
                argument: "handler",
                ..
            } if self.has_first_handlers() => None,
            _ => wrong("the plugin's version is no reason for it".into()),
        }
    }
}
