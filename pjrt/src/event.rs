//! Events: something that will have happened.

use crate::rt::{self, Api, Handle};
use crate::watch::Watch;
use crate::{Error, Result, raw, sys};
use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

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

    /// Waits for the event, so long at most. True if it has happened with success, false if the
    /// time has passed; the event can be waited for again. [`Event::wait`] has no limit.
    ///
    /// Calls `PJRT_Event_OnReady` the first time that an event is waited for like this or awaited.
    /// An event that never happens keeps what that callback needs, a few words, for good.
    ///
    /// Inside a callback of the plugin's the event may not happen as long as the callback runs.
    ///
    /// # Errors
    ///
    /// The error that the event happened with, however often it is asked for; what the plugin
    /// reports.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool> {
        match self.watch()?.wait_timeout(timeout) {
            Some(outcome) => outcome.map(|()| true),
            None => Ok(false),
        }
    }

    /// What tells the outcome to those who wait: one for the event, which the plugin was given.
    pub(crate) fn watch(&self) -> Result<Arc<Watch>> {
        if self.0.noted::<Arc<Watch>>().is_none() {
            self.0.note(Arc::<Watch>::default());
        }
        let Some(watch) = self.0.noted::<Arc<Watch>>() else {
            return Err(Error::InvalidArgument {
                function: "PJRT_Event_OnReady",
                argument: "event",
                problem: "another note is kept about it".to_owned(),
            });
        };
        watch.register(|callback| self.on_ready(callback))?;
        Ok(watch.clone())
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
