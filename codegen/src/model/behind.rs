//! Tables that an extension points at: functions with a size and an error type of their own.

use super::Model;
use crate::lower::ctype::CType;
use crate::overlay::{Overlay, TableEntry};
use crate::schema::{Extension, Field, Function, Header, Schema, Slot};
use std::collections::BTreeMap;

/// The header of the extension that points at a table, by the table's C name.
#[derive(Clone, Debug, Default)]
pub(super) struct Behind(BTreeMap<String, usize>);

/// A table that an extension points at.
#[derive(Clone, Copy, Debug)]
pub struct TableBehind<'m> {
    /// C name of its struct.
    pub name: &'m str,
    /// The judgements.
    pub entry: &'m TableEntry,
    /// The header of the extension that points at it.
    pub through: &'m Header,
    /// That extension.
    pub extension: &'m Extension,
}

/// A slot that points at a table.
pub fn points_at(field: &Field, table: &str) -> bool {
    field.slot == Some(Slot::Data)
        && CType::of_field(field).is_some_and(|ty| ty.pointer_to() == Some(table))
}

impl Behind {
    pub(super) fn new(facts: &Schema, overlay: &Overlay) -> Behind {
        let places = overlay.tables.iter().filter_map(|(name, entry)| {
            let through = facts.headers.iter().position(|h| {
                let table = h.extension.as_ref().map(|e| e.table.as_str());
                let own = h.structs.iter().find(|s| Some(s.name.as_str()) == table);
                own.is_some_and(|table| {
                    let mut slots = table.fields.iter();
                    slots.any(|f| f.name == entry.via && points_at(f, name))
                })
            })?;
            Some((name.clone(), through))
        });
        Behind(places.collect())
    }
}

impl Model {
    /// A table that an extension points at.
    pub fn behind(&self, table: &str) -> Option<TableBehind<'_>> {
        let (name, through) = self.index.behind.0.get_key_value(table)?;
        let through = self.facts.headers.get(*through)?;
        Some(TableBehind {
            name,
            entry: self.overlay.tables.get(table)?,
            through,
            extension: through.extension.as_ref()?,
        })
    }

    /// The functions that read and free the errors of a table behind a pointer: the conversion of
    /// its errors calls them, and nothing else needs to.
    pub fn deals_with_errors(&self, function: &Function) -> bool {
        self.behind(&function.table)
            .is_some_and(|t| t.entry.error_functions().contains(&function.name.as_str()))
    }

    /// The module whose Rust module holds the safe form of a function: for a table behind a
    /// pointer, that of the extension.
    pub fn shown_in(&self, function: &str) -> Option<&str> {
        let table = self.function(function).map(|f| f.table.as_str());
        match table.and_then(|t| self.behind(t)) {
            Some(table) => Some(&table.through.module),
            None => self.module_of(function),
        }
    }
}
