//! The extensions that the plugin has.

use crate::era::Era;
use pjrt_sys as sys;

/// Tables that have behaviour, each with its number.
const TABLES: &[(&str, sys::PJRT_Extension_Type)] = &[];

/// The extensions of a version: names of the tables and numbers.
pub(crate) fn of(era: &Era) -> Vec<(&'static str, u32)> {
    let there = TABLES
        .iter()
        .filter(|(table, _)| era.structure(table).is_some());
    there.map(|(table, number)| (*table, number.0)).collect()
}
