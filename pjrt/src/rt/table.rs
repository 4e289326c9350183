//! The table of an extension, copied like the main one.

use super::api::{copy_slots, refused};
use super::gate::{Gate, History, Version};
use super::{Api, Function};
use crate::{Error, sys};
use std::ptr::NonNull;

/// The C struct of an extension's table.
///
/// # Safety
///
/// The type begins with `PJRT_Extension_Base`, holds nothing but null-able functions, pointers and
/// plain values behind it, and belongs to the number.
pub unsafe trait TableType: Sized + 'static {
    /// Its number in the chain.
    const NUMBER: u32;
    /// What errors call it.
    const NAME: &'static str;
    /// What the history knows of it; offsets are those of the struct's words.
    const HISTORY: History;
    /// A table without functions.
    fn zeroed() -> Self;
}

/// An extension's table; slots that the plugin does not have, or has otherwise, are null.
pub struct Table<T: 'static> {
    table: T,
    api: &'static Api,
    version: Version,
    history: History,
    gates: Box<[Gate]>,
}

// SAFETY: a table is plain data that is never written after it is copied, and the functions of
// extensions follow the main API's rule that any thread may call.
unsafe impl<T> Send for Table<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Table<T> {}

impl<T: TableType> Table<T> {
    /// Copies the part that the plugin has.
    ///
    /// # Safety
    ///
    /// `node` is this extension's node in the chain of `api`'s plugin, as long as it says.
    pub(crate) unsafe fn copy(
        api: &'static Api,
        node: NonNull<sys::PJRT_Extension_Base>,
    ) -> Table<T> {
        // SAFETY: the caller's promise; the size is a node's first word.
        unsafe { Table::copy_of(api, node.cast(), T::zeroed(), T::HISTORY) }
    }
}

impl<T> Table<T> {
    /// A table without functions.
    pub(crate) fn empty(api: &'static Api, table: T, history: History) -> Table<T> {
        Table {
            table,
            api,
            version: Version::of(&history, api.minor(), 0, size_of::<T>()),
            history,
            gates: Box::default(),
        }
    }

    /// Copies the part that the plugin has into an empty table.
    ///
    /// # Safety
    ///
    /// `at` is the first word of a table of this type of `api`'s plugin: its size in bytes, which it
    /// has. Any bits are a valid `T`, and the history is that of its words.
    pub(crate) unsafe fn copy_of(
        api: &'static Api,
        at: NonNull<usize>,
        mut table: T,
        history: History,
    ) -> Table<T> {
        // SAFETY: the caller's promise.
        let reported = unsafe { at.read() };
        let version = Version::of(&history, api.minor(), reported, size_of::<T>());
        // What a version has in other places is told slot by slot.
        let end = version.end(history.ends).unwrap_or(reported);
        // SAFETY: the table is as long as it says, or as tables of its version that say so; the
        // caller promises the rest.
        let gates = unsafe { copy_slots(at, end, &mut table, version, &history) };
        Table {
            table,
            api,
            version,
            history,
            gates,
        }
    }

    /// The table.
    pub fn table(&self) -> &T {
        &self.table
    }

    /// The plugin.
    pub fn api(&self) -> &'static Api {
        self.api
    }

    /// The sizes of the arguments of the function in a slot that was not always as today.
    pub fn gate(&self, slot: usize) -> Gate {
        self.gates.get(slot).copied().unwrap_or_default()
    }

    /// The error for a function that the plugin lacks, or has otherwise.
    #[cold]
    pub fn absent(&self, function: &Function) -> Error {
        let mut gates = self.history.gates.iter();
        let rows = gates
            .find(|gated| gated.name == function.name)
            .map(|gated| gated.rows);
        let error = refused(self.api, function, self.version, rows.unwrap_or_default());
        match error {
            // What counts there is no version of PJRT.
            Error::Unimplemented {
                function,
                plugin_version,
                ..
            } if self.history.by_size => Error::Unimplemented {
                function,
                since: 0,
                plugin_version,
            },
            Error::IncompatibleLayout {
                function,
                plugin_version,
                ..
            } if self.history.by_size => Error::IncompatibleLayout {
                function,
                layout_since: 0,
                plugin_version,
            },
            other => other,
        }
    }
}
