//! The extensions through which plugins take handlers.

use super::Handler;
use crate::rt::{OnPlugin, Table};
use crate::{Extension, Plugin, Result, raw};
use std::fmt;

/// The extension FFI: a plugin that has it takes handlers ([`Handler::register`]) and values for
/// them ([`super::UserType`]).
#[derive(Clone, Copy)]
pub struct Ffi {
    plugin: Plugin,
    table: &'static Table<raw::ffi::Table>,
}

impl Ffi {
    /// Whether the plugin takes handlers: the extension is older than the function for that.
    pub fn takes_handlers(&self) -> bool {
        self.table.table().0.register_handler.is_some()
    }

    /// As [`Handler::register`].
    ///
    /// # Errors
    ///
    /// As [`Handler::register`].
    pub fn register(&self, handler: &Handler) -> Result<()> {
        handler.register(&self.plugin)
    }
}

impl Extension for Ffi {
    const NAME: &'static str = "FFI";

    fn of(plugin: &Plugin) -> Result<Ffi> {
        let table = OnPlugin::api(plugin).extension()?;
        Ok(Ffi {
            plugin: *plugin,
            table,
        })
    }
}

/// The extension Gpu_Custom_Call: a plugin that has it takes handlers with several stages for its
/// devices ([`Handler::device`]).
#[derive(Clone, Copy)]
pub struct GpuCustomCall {
    plugin: Plugin,
    table: &'static Table<raw::gpu::Table>,
}

impl GpuCustomCall {
    /// Whether the plugin heeds [`super::HandlerBuilder::command_buffer_compatible`] where it is
    /// given with the registration. A handler tells it when it is asked, too.
    pub fn handles_traits(&self) -> bool {
        heeds_traits(self.table)
    }

    /// As [`Handler::register`].
    ///
    /// # Errors
    ///
    /// As [`Handler::register`].
    pub fn register(&self, handler: &Handler) -> Result<()> {
        handler.register(&self.plugin)
    }
}

/// [`GpuCustomCall::handles_traits`].
pub(super) fn heeds_traits(table: &Table<raw::gpu::Table>) -> bool {
    let flag = &raw const table.table().0.custom_call_handles_traits;
    // SAFETY: the flag is a byte of the table's. It is read as one, for the plugin might have put
    // there what is no `bool`; one that is older than the flag left it zero.
    unsafe { flag.cast::<u8>().read() != 0 }
}

impl Extension for GpuCustomCall {
    const NAME: &'static str = "Gpu_Custom_Call";

    fn of(plugin: &Plugin) -> Result<GpuCustomCall> {
        let table = OnPlugin::api(plugin).extension()?;
        Ok(GpuCustomCall {
            plugin: *plugin,
            table,
        })
    }
}

macro_rules! debug {
    ($($name:ident)*) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let name = stringify!($name);
                f.debug_struct(name).field("plugin", &self.plugin).finish()
            }
        })*
    };
}

debug! { Ffi GpuCustomCall }
