//! The table of an extension, copied like the main one.

use super::Api;

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

impl<T> Table<T> {
    /// The table.
    pub fn table(&self) -> &T {
        &self.table
    }

    /// The plugin.
    pub fn api(&self) -> &'static Api {
        self.api
    }
}
