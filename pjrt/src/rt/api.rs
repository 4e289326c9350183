//! A plugin as the calls see it: a copy of its table that is as long as ours.

use super::chain::Chain;
use crate::sys;
use crate::{Error, Result};
use std::ffi::c_void;
use std::ptr::NonNull;

/// A C function, for errors.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// First minor version that has it; 0 where that is not recorded.
    pub since: u32,
}

/// A loaded plugin. It lives as long as the process.
pub struct Api {
    /// Slots that the plugin does not have are null.
    table: sys::PJRT_Api,
    original: NonNull<sys::PJRT_Api>,
    /// What errors call the plugin.
    name: String,
    chain: Chain,
}

// SAFETY: the table is plain data that is never written after the start, and PJRT's functions may
// be called from any thread; the original is only handed out as a pointer.
unsafe impl Send for Api {}
// SAFETY: as above.
unsafe impl Sync for Api {}

impl Api {
    /// Copies the part of the table that the plugin has.
    ///
    /// # Safety
    ///
    /// `original` points to a plugin's table, which is at least as long as the size it reports and
    /// lives as long as the process.
    pub(crate) unsafe fn copy(original: NonNull<sys::PJRT_Api>, name: String) -> Api {
        // SAFETY: the size is the first word of every table.
        let reported = unsafe { original.cast::<usize>().read() };
        let ours = size_of::<sys::PJRT_Api>();
        let slot = size_of::<*const c_void>();
        // Only whole slots: one that is cut off is not there.
        let length = reported.min(ours) / slot * slot;
        let mut table = sys::PJRT_Api::zeroed();
        // SAFETY: `length` is within both; the rest stays null. Any bits are a valid slot.
        unsafe {
            std::ptr::copy_nonoverlapping(
                original.cast::<u8>().as_ptr(),
                (&raw mut table).cast(),
                length,
            );
        }
        // SAFETY: the field is the plugin's own, or null if its table is that short.
        let chain = unsafe { Chain::read(table.extension_start, minor(&table)) };
        Api {
            table,
            original,
            name,
            chain,
        }
    }

    /// The table; functions that the plugin lacks are null.
    pub fn table(&self) -> &sys::PJRT_Api {
        &self.table
    }

    /// The plugin's own table.
    pub(crate) fn original(&self) -> NonNull<sys::PJRT_Api> {
        self.original
    }

    /// What errors call the plugin.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Version: major and minor.
    pub fn version(&self) -> (i32, i32) {
        let version = &self.table.pjrt_api_version;
        (version.major_version, version.minor_version)
    }

    /// Minor version.
    pub fn minor(&self) -> u32 {
        minor(&self.table)
    }

    /// The extensions.
    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The error for a function that the plugin lacks.
    #[cold]
    pub fn absent(&self, function: &Function) -> Error {
        Error::Unimplemented {
            function: function.name,
            since: function.since,
            plugin_version: self.version(),
        }
    }

    /// Refuses a field that the plugin is too old to know.
    pub fn knows(&self, function: &Function, field: &'static str, since: u32) -> Result<()> {
        if self.minor() >= since {
            return Ok(());
        }
        Err(Error::TooNew {
            function: function.name,
            field,
            since,
            plugin_version: self.version(),
        })
    }
}

fn minor(table: &sys::PJRT_Api) -> u32 {
    u32::try_from(table.pjrt_api_version.minor_version).unwrap_or(0)
}
