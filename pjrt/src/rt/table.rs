//! The table of an extension, copied like the main one.

use super::Api;
use crate::sys;
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
    /// A table without functions.
    fn zeroed() -> Self;
}

/// An extension's table; slots that the plugin does not have are null.
pub struct Table<T: 'static> {
    table: T,
    api: &'static Api,
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
        unsafe { Table::copy_of(api, node.cast(), T::zeroed()) }
    }
}

impl<T> Table<T> {
    /// A table without functions.
    pub(crate) fn empty(api: &'static Api, table: T) -> Table<T> {
        Table { table, api }
    }

    /// Copies the part that the plugin has into an empty table: whole words up to the smaller size,
    /// and the odd end of a table whose last field is narrower than a word.
    ///
    /// # Safety
    ///
    /// `at` is the first word of a table of this type of `api`'s plugin: its size in bytes, which it
    /// has. Any bits are a valid `T`.
    pub(crate) unsafe fn copy_of(api: &'static Api, at: NonNull<usize>, mut table: T) -> Table<T> {
        // SAFETY: the caller's promise.
        let reported = unsafe { at.read() };
        let length = reported.min(size_of::<T>());
        let word = size_of::<usize>();
        // A slot that is cut off is not there; a flag at the end is narrower than a word.
        let length = if reported >= size_of::<T>() {
            size_of::<T>()
        } else {
            length / word * word
        };
        // SAFETY: `length` is within both; the rest stays null.
        unsafe {
            std::ptr::copy_nonoverlapping(at.cast::<u8>().as_ptr(), (&raw mut table).cast(), length)
        };
        Table { table, api }
    }

    /// The table.
    pub fn table(&self) -> &T {
        &self.table
    }

    /// The plugin.
    pub fn api(&self) -> &'static Api {
        self.api
    }
}
