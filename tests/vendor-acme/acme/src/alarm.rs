//! Alarms: closures that the driver calls, and gives back when it calls them no more.

use crate::{Acme, raw};
use pjrt::kit::{self, Kept};
use pjrt::{Device, Result};
use std::borrow::Cow;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

type OnAlarm = dyn Fn(f64, &str) + Send + Sync;

unsafe extern "C" fn alarm(celsius: f64, text: *const c_char, size: usize, data: *mut c_void) {
    let text = if text.is_null() {
        Cow::Borrowed("")
    } else {
        // SAFETY: not null, of this size, and it lives through the call.
        String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(text.cast(), size) })
    };
    // SAFETY: the data is what was registered with this function.
    unsafe {
        kit::call_back::<OnAlarm>(data, |closure| {
            closure(celsius, &text);
            Ok(())
        });
    }
}

unsafe extern "C" fn end(data: *mut c_void) {
    // SAFETY: the data is what was registered with this function.
    unsafe { kit::let_go::<OnAlarm>(data) }
}

impl Acme {
    /// Has a closure called whenever a device is hotter than so many degrees Celsius; it is given the
    /// temperature and a text. It takes the place of the device's alarm before, which is called no more.
    ///
    /// The closure may be called by any thread. Its panic goes unnoticed.
    ///
    /// Calls `Acme_Device_OnAlarm`.
    ///
    /// # Errors
    ///
    /// `ForeignHandle` for a device of another plugin; what the plugin reports.
    pub fn on_alarm<F>(&self, device: &Device, above_celsius: f64, closure: F) -> Result<()>
    where
        F: Fn(f64, &str) + Send + Sync + 'static,
    {
        kit::of_plugin(self.table.api(), device, "Acme_Device_OnAlarm", "device")?;
        let kept = Kept::<OnAlarm>::new(Arc::new(closure));
        let input = raw::AcmeDeviceOnAlarmIn::new(
            device.as_raw(),
            above_celsius,
            Some(alarm),
            kept.data(),
            Some(end),
        );
        // SAFETY: the device is live while it is borrowed, and of this plugin; the functions take the
        // data that they are registered with, which is never freed.
        unsafe { raw::acme_device_on_alarm(self.table, input) }?;
        kept.keep_for_good();
        Ok(())
    }
}
