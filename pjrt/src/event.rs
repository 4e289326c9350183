//! Events: something that will have happened.

use crate::rt::{self, Api, Handle};
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
    pub fn on_ready(
        &self,
        #[cfg(not(pjrt_mutant = "callback_not_send"))] callback: impl FnOnce(Result<()>)
        + Send
        + 'static,
        #[cfg(pjrt_mutant = "callback_not_send")] callback: impl FnOnce(Result<()>) + 'static,
    ) -> Result<()> {
        #[cfg(pjrt_mutant = "callback_not_send")]
        let callback = rt::guard::as_send(callback);
        let api = self.api();
        let number = rt::waiting(Call {
            api,
            callback: Box::new(callback),
        });
        let input = raw::EventOnReadyIn::new(self.as_raw(), Some(happened), number);
        // SAFETY: the event is live; the callback finds what waits or nothing.
        let out = unsafe { raw::event_on_ready(api, input) };
        if out.is_err() {
            drop(rt::called::<Call>(number));
        }
        out.map(drop)
    }
}

unsafe extern "C" fn happened(error: *mut sys::PJRT_Error, number: *mut c_void) {
    rt::contained(|| {
        let Some(Call { api, callback }) = rt::called::<Call>(number) else {
            return;
        };
        callback(if error.is_null() {
            Ok(())
        } else {
            Err(rt::plugin_error(api, error, "PJRT_Event_OnReady"))
        });
    });
}
