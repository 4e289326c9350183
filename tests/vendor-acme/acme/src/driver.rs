//! What the table says of the driver: functions without a struct of arguments, flags and data.

use crate::{Acme, Limits, raw, sys};
use pjrt::kit::{self, Place};
use pjrt::{Device, Result};
use std::ffi::CStr;

const LIMITS: Place = Place {
    function: "PJRT_Acme_Extension",
    field: "limits",
};
const VERSION: Place = Place {
    function: "Acme_DriverVersion",
    field: "text",
};

impl Acme {
    /// Name and number of the driver.
    ///
    /// Calls `Acme_DriverVersion`.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the plugin's table lacks the function; `InvalidOutput` for what is no text.
    pub fn driver_version(&self) -> Result<&'static str> {
        // SAFETY: the function takes nothing.
        let text = unsafe { raw::acme_driver_version(self.table) }?;
        if text.is_null() {
            return Err(VERSION.invalid("no text"));
        }
        // SAFETY: not null; the text ends with NUL and is as old as the process.
        let text = unsafe { CStr::from_ptr(text) };
        text.to_str()
            .map_err(|_| VERSION.invalid("text that is not UTF-8"))
    }

    /// How often a device's clock has ticked.
    ///
    /// Calls the slot `ticks`.
    ///
    /// # Errors
    ///
    /// `ForeignHandle` for a device of another plugin; `Unimplemented` if the plugin's table lacks the
    /// function.
    pub fn ticks(&self, device: &Device) -> Result<i64> {
        kit::of_plugin(
            self.table.api(),
            device,
            "PJRT_Acme_Extension_ticks",
            "device",
        )?;
        // SAFETY: the device is live while it is borrowed, and of this plugin.
        unsafe { raw::acme_extension_ticks(self.table, device.as_raw()) }
    }

    /// Whether probes measure in the background.
    pub fn measures_in_background(&self) -> bool {
        raw::background(self.table)
    }

    /// What the board can bear; none if the driver does not say.
    ///
    /// # Errors
    ///
    /// `InvalidOutput` for an address that no struct can have.
    pub fn limits(&self) -> Result<Option<Limits>> {
        let limits: *const sys::Acme_Limits = self.table.table().0.limits;
        if limits.is_null() {
            return Ok(None);
        }
        // SAFETY: not null; the table points at one struct, which is as old as the table.
        let all = unsafe { kit::value_list::<Limits>(limits, 1, LIMITS) }?;
        Ok(all.into_iter().next())
    }
}
