//! Events that happen when we say so.

use crate::rt::{self, Api, Handle, OnPlugin, guard};
use crate::{ErrorCode, Event, Plugin, Result, raw};
use std::sync::Arc;

/// An event of the caller's: it happens when it is set. Dropped unset it happens with the error
/// CANCELLED, so that nobody waits forever. Who waits does so within the plugin: if that refuses to
/// have the event happen, which [`OwnEvent::set`] tells, they wait on.
///
/// ```
/// # let plugin = pjrt_doc::mock();
/// use pjrt::{ErrorCode, OwnEvent};
///
/// let event = OwnEvent::create(&plugin)?;
/// let waiting = event.event();
/// assert!(!waiting.is_ready()?);
/// event.set(Err((ErrorCode::DATA_LOSS, "the disk is gone")))?;
/// assert_eq!(waiting.wait().unwrap_err().code(), ErrorCode::DATA_LOSS);
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Debug)]
#[cfg_attr(pjrt_mutant = "one_shot_twice", derive(Clone))]
pub struct OwnEvent {
    event: Arc<Event>,
    open: bool,
}

impl OwnEvent {
    /// An event that has not happened yet.
    ///
    /// Calls `PJRT_Event_Create`.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the plugin's table lacks it or the function that sets it; what the
    /// plugin reports.
    pub fn create(plugin: &Plugin) -> Result<OwnEvent> {
        let api: &'static Api = OnPlugin::api(plugin);
        rt::destructor::<Event>(api)?;
        if api.table().PJRT_Event_Set.is_none() {
            return Err(api.absent(&rt::Function {
                name: "PJRT_Event_Set",
                since: 0,
            }));
        }
        // SAFETY: the function takes nothing.
        let out = unsafe { raw::event_create(api, raw::EventCreateIn::new()) }?;
        let place = rt::Place {
            function: "PJRT_Event_Create",
            field: "event",
        };
        // SAFETY: the event is new and ours to destroy; it needs nothing but the plugin.
        let event: Event = unsafe { rt::owned(api, out.event, None, place) }?;
        Ok(OwnEvent {
            event: Arc::new(event),
            open: true,
        })
    }

    /// The event, to wait for or to watch.
    pub fn event(&self) -> Arc<Event> {
        Arc::clone(&self.event)
    }

    /// Makes the event happen, with success or with an error's code and message.
    ///
    /// Calls `PJRT_Event_Set`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for an error whose code is OK, after which the event is CANCELLED; what
    /// the plugin reports.
    pub fn set(mut self, outcome: std::result::Result<(), (ErrorCode, &str)>) -> Result<()> {
        let (code, message) = match outcome {
            Ok(()) => (ErrorCode::OK, ""),
            Err((code, message)) => {
                let api = self.event.api();
                rt::check_failure(api, code, "PJRT_Event_Set", "error_code")?;
                (code, message)
            }
        };
        self.finish(code, message)
    }

    fn finish(&mut self, code: ErrorCode, message: &str) -> Result<()> {
        self.open = false;
        let input = raw::EventSetIn::new(
            self.event.as_raw(),
            code.as_raw(),
            message.as_ptr().cast(),
            message.len(),
        );
        // SAFETY: the event is live, one of ours, and not set before; the message is copied.
        unsafe { raw::event_set(self.event.api(), input) }.map(drop)
    }
}

impl Drop for OwnEvent {
    fn drop(&mut self) {
        if self.open && !guard::off("one_shot_dropped") {
            // An error has nobody to go to.
            let _ = self.finish(
                ErrorCode::CANCELLED,
                "the event was dropped before it was set",
            );
        }
    }
}
