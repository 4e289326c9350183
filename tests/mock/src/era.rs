//! What the headers say at one commit: sizes, slots, structs, values.

use crate::calls::{self, Entry};
use crate::layout::Layout;
use pjrt_codegen::history::{self, History, StructBody};
use pjrt_codegen::overlay;
use std::any::type_name;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The main table.
pub(crate) const API: &str = "PJRT_Api";

/// The recorded versions of the headers.
pub(crate) fn history() -> &'static History {
    static HISTORY: OnceLock<History> = OnceLock::new();
    HISTORY.get_or_init(|| {
        let text = include_str!("../../../schema/history.json");
        match history::load("schema/history.json", text) {
            Ok(history) => history,
            Err(faults) => panic!("the history cannot be read: {faults}"),
        }
    })
}

/// The minors that a plugin can pose as, the oldest that is supported first.
pub fn minors() -> Vec<u32> {
    let oldest = oldest();
    let all = history().minors().into_iter();
    all.filter(|minor| *minor >= oldest).collect()
}

/// The newest minor of the headers.
pub fn newest() -> u32 {
    history().minors().into_iter().max().unwrap_or_default()
}

/// The oldest minor that the safe layer takes.
fn oldest() -> u32 {
    let name = "schema/overlay/support.toml".to_owned();
    let text = include_str!("../../../schema/overlay/support.toml").to_owned();
    match overlay::oldest(&[(name, text)]) {
        Ok(oldest) => oldest.get(API).copied().unwrap_or_default(),
        Err(faults) => panic!("the supported versions cannot be read: {faults}"),
    }
}

/// The commits of a minor whose declarations differ from those of the commit before, oldest first:
/// indices for [`crate::Builder::commit`].
pub fn commits(minor: u32) -> Vec<usize> {
    let states = history().states.iter().enumerate();
    let of_minor = states.filter(|(_, state)| state.minor == minor);
    of_minor.map(|(index, _)| index).collect()
}

/// Whether every slot of a commit's table is where the newest headers have it.
pub fn keeps_slots(commit: usize) -> bool {
    let Some(item) = history().structure(API) else {
        return false;
    };
    let (Some(then), Some(today)) = (item.at(commit), item.newest()) else {
        return false;
    };
    let place = |name: &str| {
        today
            .fields
            .iter()
            .find(|f| f.name == name)
            .map(|f| f.offset)
    };
    then.fields
        .iter()
        .all(|field| place(&field.name) == Some(field.offset))
}

/// A function that some table of the time has.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) table: &'static str,
    pub(crate) offset: usize,
    pub(crate) args: Option<Layout>,
    /// Whether it answers with an error at all.
    pub(crate) fails: bool,
    pub(crate) entry: Option<&'static Entry>,
}

/// The headers at a commit.
pub(crate) struct Era {
    pub(crate) state: usize,
    pub(crate) minor: u32,
    /// Minor of XLA's table for handlers.
    pub(crate) ffi: u32,
    pub(crate) functions: Vec<Function>,
    layouts: HashMap<&'static str, Layout>,
    values: BTreeMap<&'static str, Vec<i64>>,
    /// Bytes that are added to every struct, as a plugin of tomorrow may.
    more: usize,
}

impl Era {
    /// The headers at a commit; worked out once for each.
    pub(crate) fn of(state: usize, more: usize) -> &'static Era {
        static ERAS: Mutex<BTreeMap<(usize, usize), &'static Era>> = Mutex::new(BTreeMap::new());
        let mut eras = ERAS.lock().unwrap_or_else(PoisonError::into_inner);
        eras.entry((state, more))
            .or_insert_with(|| Box::leak(Box::new(Era::new(state, more))))
    }

    fn new(state: usize, more: usize) -> Era {
        let history = history();
        let layout = |name: &str, more: usize| {
            let item = history.structure(name)?;
            let (then, today) = (item.at(state)?, item.newest()?);
            let more = if then.kind == "args" { more } else { 0 };
            Some(Layout::new(name, then, today, more))
        };
        let mut functions = Vec::new();
        for item in &history.functions {
            let Some(body) = item.at(state) else { continue };
            let Some(offset) = history.slot_offset(body, state) else {
                continue;
            };
            let fails = body
                .signature
                .0
                .first()
                .is_some_and(|result| result != "void");
            functions.push(Function {
                name: &item.name,
                table: &body.table,
                offset: usize::try_from(offset).expect("a slot's offset fits"),
                // What cannot fail takes what callers of today give: errors are read with it.
                args: body
                    .args
                    .as_deref()
                    .and_then(|name| layout(name, if fails { more } else { 0 })),
                fails,
                entry: calls::all().get(item.name.as_str()),
            });
        }
        let structs = history.structs.iter();
        let layouts = structs.filter_map(|s| Some((s.name.as_str(), layout(&s.name, more)?)));
        let enums = history.enums.iter();
        let values = enums.filter_map(|e| {
            let values = e.at(state)?.values.iter().map(|(_, value)| *value);
            Some((e.name.as_str(), values.collect()))
        });
        Era {
            state,
            minor: history.states.get(state).map_or(0, |s| s.minor),
            ffi: history.states.get(state).and_then(|s| s.ffi).unwrap_or(0),
            functions,
            layouts: layouts.collect(),
            values: values.collect(),
            more,
        }
    }

    /// A struct as it was declared then.
    pub(crate) fn structure(&self, name: &str) -> Option<&'static StructBody> {
        history().structure(name)?.at(self.state)
    }

    /// Whether an enumeration had the value.
    pub(crate) fn knows(&self, enumeration: &str, value: i64) -> bool {
        let values = self.values.get(enumeration);
        self.more > 0 || values.is_some_and(|values| values.contains(&value))
    }

    /// Whether a struct of the time lacks a field that today's has.
    pub(crate) fn lacks_field<T>(&self, field: &str) -> bool {
        let there = self
            .layout::<T>()
            .and_then(|layout| self.structure(&layout.name));
        !there.is_some_and(|body| body.fields.iter().any(|f| f.name == field))
    }

    /// The layout of the struct that a type of the bindings stands for; none if it was not there.
    pub(crate) fn layout<T>(&self) -> Option<&Layout> {
        let name = type_name::<T>();
        let name = name.rsplit("::").next().unwrap_or(name);
        let layout = self.layouts.get(name);
        debug_assert!(layout.is_none_or(|l| l.today == size_of::<T>()), "{name}");
        layout
    }
}
