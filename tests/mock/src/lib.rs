//! A PJRT plugin that poses as any version of the API, for tests of its callers.
//!
//! It is made at run time of the recorded history of the headers: which slots a table has, how long
//! it says it is, where a struct keeps what, which values an enumeration knows. Behaviour is written
//! once, over today's structs; what a caller gives is brought to their form and the answers back, so
//! that no behaviour knows of versions. A plugin keeps books of its handles and tells what its caller
//! did wrong, and what it left behind.
//!
//! As a shared library it is described by the environment, for programs that load a plugin from a
//! file (package `pjrt-mock-file`): see [`api_of_environment`].
//!
//! ```
//! use pjrt_mock::Mock;
//!
//! let mock = Mock::builder().minor(81).build();
//! assert!(!mock.api().is_null());
//! assert!(mock.report().is_clean());
//! ```

mod buffer;
mod call;
mod callback;
mod calls;
mod client;
mod counts;
mod device;
mod element;
mod era;
mod event;
mod executable;
mod execute;
mod export;
mod ext;
mod failure;
mod fault;
mod foreign;
mod host;
mod key_value;
mod layout;
mod loaded;
mod make;
mod memory;
mod memory_of;
mod mock;
mod named;
mod plugin;
mod program;
mod proto;
mod ran;
mod registry;
mod stub;
mod table;
mod talk;
mod topology;
mod transfer;
mod work;

pub use era::{commits, keeps_slots, minors, newest};
pub use export::api_of_environment;
pub use failure::Failure;
pub use fault::Fault;
pub use foreign::Books;
pub use mock::{Builder, Mock, Report};
pub use ran::Ran;

/// The functions that have a behaviour.
pub fn implemented() -> Vec<&'static str> {
    calls::all().names().map(|(name, _)| name).collect()
}

/// The functions of the newest headers that have none yet: they answer so, once the head of the
/// caller's arguments was checked.
pub fn without_behaviour() -> Vec<&'static str> {
    let functions = era::history().functions.iter();
    let there = functions.filter(|f| f.is_there()).map(|f| f.name.as_str());
    there
        .filter(|name| calls::all().get(name).is_none())
        .collect()
}

/// Whether a function is one of the main table.
pub fn is_core(function: &str) -> bool {
    let found = era::history().function(function).and_then(|f| f.newest());
    found.is_some_and(|f| f.table == era::API)
}

/// Behaviours under names that no function ever had, and those over another struct than the function's.
pub fn misnamed() -> Vec<&'static str> {
    let wrong = calls::all().names().filter(|(name, args)| {
        let found = era::history().function(name).and_then(|f| f.newest());
        found.and_then(|f| f.args.as_deref()) != Some(*args)
    });
    wrong.map(|(name, _)| name).collect()
}
