//! What generated code stands on. Hidden: only the macro's output may use it, and it may change
//! with any version.
mod api;
mod chain;
mod failure;
mod handle;
mod lists;
mod owner;
mod read;
mod reaper;
mod table;

pub use api::{Api, Function};
pub use failure::check;
pub use handle::{
    Borrow, Handle, OnPlugin, Place, Shared, Unique, borrowed, borrowed_or_none, client_of,
    destructor, handles, index_below, of_plugin, owned, owned_or_none, owner_of, same_client,
    same_plugin,
};
pub use lists::{
    byte_strings, byte_strings_or_none, count, filled, filled_text, length, lower_named_values,
    room, rows, texts, texts_or_none, zeroed_items,
};
pub use owner::Owner;
pub use read::{held_bytes, held_named_values, named_values, slice, text};
pub(crate) use reaper::on_plugin_thread;
pub use table::{Table, TableType};

/// Carries the argument of a SAFETY comment through generated code; it stands for nothing.
#[doc(hidden)]
#[macro_export]
macro_rules! __safety {
    ($why:literal) => {};
}
pub use crate::__safety as safety;
