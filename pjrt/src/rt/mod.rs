//! What generated code stands on. Hidden: only the macro's output may use it, and it may change
//! with any version.
mod api;
mod behind;
mod callback;
mod chain;
mod checks;
mod contained;
mod failure;
mod gate;
pub(crate) mod guard;
mod handle;
mod lists;
mod numbered;
mod owner;
mod platform;
mod read;
mod reaper;
#[cfg(feature = "extension-kit")]
mod serve;
mod sorted;
mod table;
mod traced;
mod value;
mod vtable;
mod waiting;

pub use crate::device_memory::exhausted;
pub use crate::ffi::gate::compiling;
pub use crate::interop::{Parent, borrow_raw, from_raw};
pub use api::{Api, Function};
pub use behind::{TableBehind, check_own};
pub use callback::{Kept, Registered, call_back, let_go};
pub use checks::{
    Lower, Lowered, Message, Parsed, check_after, check_element_type, check_failure, check_one_of,
    check_option_types, check_rank, check_sizes, message, message_or_none, reached,
};
pub(crate) use contained::contained;
pub use failure::check;
pub(crate) use failure::{lent_error, plugin_error};
pub use gate::{Gate, Gated, History, Room, Row};
pub(crate) use handle::About;
pub use handle::{
    Borrow, Handle, OnPlugin, Place, Shared, Unique, borrowed, borrowed_or_none, client_of,
    destructor, handles, index_below, keep_also, of_plugin, owned, owned_or_none, owner_of,
    same_client, same_plugin,
};
pub(crate) use lists::owned_list;
pub use lists::{
    byte_strings, byte_strings_or_none, count, filled, filled_text, index_or_none, length,
    lower_named_values, pointer_or_null, product, room, rows, texts, texts_or_none, zeroed_items,
};
pub(crate) use numbered::{Numbered, numbered};
pub use owner::Owner;
#[cfg(feature = "extension-kit")]
pub use pjrt_macros::{vendor_items, vendor_server_items};
pub use platform::{Platform, PlatformOption};
pub(crate) use read::fits;
pub use read::{free_later, held_bytes, held_named_values, named_values, part, slice, text};
#[cfg(feature = "dlpack")]
pub(crate) use reaper::destroy;
pub(crate) use reaper::on_plugin_thread;
#[cfg(feature = "extension-kit")]
pub use serve::{Must, Served, ServedField, Way, answer, caught, or_zero, serve};
pub(crate) use sorted::Sorted;
pub use table::{Table, TableType};
pub use traced::{Traced, begin, end};
pub use value::{Value, ValueMemory, live, value_list, zeroed_values};
pub use vtable::{Counted, Counting, Ref, Slot, object, reaches};
pub(crate) use waiting::{called, waiting};

/// Carries the argument of a SAFETY comment through generated code; it stands for nothing.
#[doc(hidden)]
#[macro_export]
macro_rules! __safety {
    ($why:literal) => {};
}
pub use crate::__safety as safety;
