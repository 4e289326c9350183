//! Events: something that will have happened.

use crate::rt::{self, Api, Handed, Handle};
use crate::{Result, raw, sys};
use std::ffi::c_void;

pjrt_macros::generate!(handle PJRT_Event);

/// What runs when an event has happened.
struct Call {
    api: &'static Api,
    callback: Box<dyn FnOnce(Result<()>) + Send>,
}

impl Event {
    /// Calls back with the outcome once the event has happened: on this thread, before this
    /// returns, if it already has; otherwise on a thread of the plugin's. The callback runs once,
    /// also when the event is dropped before. May be used several times on one event.
    ///
    /// Handles that the callback drops are destroyed on a thread of this crate. A panic in the
    /// callback ends the callback, and nobody hears of it.
    ///
    /// Calls `PJRT_Event_OnReady`.
    ///
    /// # Errors
    ///
    /// What the plugin reports; the callback is then dropped without being called.
    pub fn on_ready(&self, callback: impl FnOnce(Result<()>) + Send + 'static) -> Result<()> {
        let api = self.api();
        let (ours, theirs) = Handed::new(Call {
            api,
            callback: Box::new(callback),
        });
        let input = raw::EventOnReadyIn::new(self.as_raw(), Some(happened), theirs);
        // SAFETY: the event is live; the data lives until it is brought back, which is once.
        let out = unsafe { raw::event_on_ready(api, input) };
        if out.is_err() {
            // SAFETY: the pointer came with it.
            drop(unsafe { ours.take_back(theirs, rt::reached(&out)) });
        }
        out.map(drop)
    }
}

unsafe extern "C" fn happened(error: *mut sys::PJRT_Error, data: *mut c_void) {
    rt::contained(|| {
        // SAFETY: the plugin brings back, once, what it was given for this function.
        let Some(Call { api, callback }) = (unsafe { rt::taken::<Call>(data) }) else {
            return;
        };
        callback(if error.is_null() {
            Ok(())
        } else {
            Err(rt::plugin_error(api, error, "PJRT_Event_OnReady"))
        });
    });
}
