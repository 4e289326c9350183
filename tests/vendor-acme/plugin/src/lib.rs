//! A plugin that offers the extension Acme, written in Rust: the mock plugin, whose chain of extensions
//! has a table that [`pjrt::extension_server!`] made of the header's facts.
//!
//! A board is what one plugin drives. Functions of a C table are not told whose table it is, so each
//! board is a type of its own: [`board!`] declares one.
//!
//! ```
//! acme_plugin::board!(Bench);
//!
//! let mock = acme_plugin::plugin::<Bench>(acme_plugin::Revision::Newest);
//! // SAFETY: the table of the plugin lives as long as the process.
//! let plugin = unsafe { pjrt::Plugin::from_api(mock.api()) }?;
//! # Ok::<(), pjrt::Error>(())
//! ```

mod alarm;
mod driver;
mod first;
mod meter;
mod probe;
mod server;
mod sockets;

pub use driver::{Board, Counts, Driver};

use pjrt_mock::{Builder, Mock};
use server::facts::{AcmeTable, sys};
use std::mem::offset_of;

/// What the table of the extension is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revision {
    /// The table of the header.
    Newest,
    /// That of the header's first revision: it has no meters, and readings have no time.
    First,
    /// One that ends before a probe's samples: smaller than any that the header ever had.
    Short,
}

/// Declares a board: a type that stands for one plugin.
#[macro_export]
macro_rules! board {
    ($name:ident) => {
        struct $name;

        impl $crate::Board for $name {
            fn driver() -> &'static $crate::Driver {
                static DRIVER: $crate::Driver = $crate::Driver::new();
                &DRIVER
            }
        }
    };
}

/// The plugin of a board. A board has one.
pub fn plugin<B: Board>(revision: Revision) -> Mock {
    with::<B>(Mock::builder(), revision)
}

/// The same, where the rest of the plugin is as described.
pub fn with<B: Board>(builder: Builder, revision: Revision) -> Mock {
    let node = AcmeTable::new::<server::Acme<B>>().link(std::ptr::null_mut());
    let table: *mut sys::PJRT_Acme_Extension = node.cast();
    // SAFETY: the node is the head of a new table, which nobody else has yet.
    let head = unsafe { &mut *table };
    match revision {
        Revision::Newest => {}
        Revision::First => first::turn::<B>(head),
        Revision::Short => {
            head.base.struct_size = offset_of!(sys::PJRT_Acme_Extension, probe_samples);
        }
    }
    // SAFETY: the table is never freed, and this is its one plugin.
    let mock = unsafe { builder.extension_node(0, node) }.build();
    B::driver().begin(mock.books());
    mock
}
