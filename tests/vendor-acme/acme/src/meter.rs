//! Meters: objects that carry a table of their functions and count their own references.

use crate::{Acme, Unit, raw};
use pjrt::kit::{self, Place, Ref};
use pjrt::{Device, Result};

const METER: Place = Place {
    function: "Acme_Device_Meter",
    field: "meter",
};

/// Measures a device all the time.
pub struct Meter(Ref<raw::AcmeMeterCounted>);

impl Acme {
    /// The meter of a device.
    ///
    /// Calls `Acme_Device_Meter`, which came with the second revision of the extension.
    ///
    /// # Errors
    ///
    /// `ForeignHandle` for a device of another plugin; `Unimplemented` if the plugin is older; what
    /// the plugin reports.
    pub fn meter(&self, device: &Device) -> Result<Meter> {
        kit::of_plugin(self.table.api(), device, "Acme_Device_Meter", "device")?;
        let input = raw::AcmeDeviceMeterIn::new(device.as_raw());
        // SAFETY: the device is live while it is borrowed, and of this plugin.
        let meter = unsafe { raw::acme_device_meter(self.table, input) }?.meter;
        if meter.is_null() {
            return Err(METER.invalid("no meter"));
        }
        // SAFETY: the meter is new and of this plugin, the reference is the caller's, and the meter
        // outlives nothing that the device's client holds.
        let meter = unsafe { Ref::owned(self.table.api(), meter, kit::owner_of(device)) }?;
        Ok(Meter(meter))
    }
}

impl Meter {
    /// How often the meter has ticked.
    ///
    /// Calls `ticks` of the meter's own table.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the table lacks it.
    pub fn ticks(&self) -> Result<i64> {
        // SAFETY: the meter lives while its reference is held.
        unsafe { raw::acme_meter_vtable_ticks(self.0.api(), self.0.object()) }
    }

    /// What it measures now.
    ///
    /// Calls `measure` of the meter's own table.
    ///
    /// # Errors
    ///
    /// What the plugin reports.
    pub fn measure(&self) -> Result<(f64, Unit)> {
        // SAFETY: the meter lives while its reference is held.
        let out = unsafe { raw::acme_meter_vtable_measure(self.0.api(), self.0.object()) }?;
        Ok((out.value, Unit::from_raw(out.unit)))
    }
}
