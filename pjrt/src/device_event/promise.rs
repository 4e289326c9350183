//! Promises of device events.

use super::{DeviceEvent, own_error};
use crate::raw::device_event as calls;
use crate::rt::{Api, OnPlugin, Place, Ref};
use crate::sys::device_event::PJRT_DeviceEventPromise;
use crate::{Error, ErrorCode, Plugin, Result};
use std::fmt;

const SET: &str = "PJRT_DeviceEventPromise_FunctionTable.set";

/// A device event that happens when it is told to. Dropped untold it happens with the error
/// CANCELLED, so that nobody waits forever.
///
/// No function of the API makes one: C code that does can hand it over.
///
/// The C type is `PJRT_DeviceEventPromise`, since PJRT 0.112.
pub struct DeviceEventPromise {
    /// None once it was kept.
    promise: Option<Ref<calls::DeviceEventPromiseCounted>>,
    api: &'static Api,
}

// SAFETY: references are counted atomically, and a promise is kept on any thread, once: keeping it
// takes it by value.
unsafe impl Send for DeviceEventPromise {}
// SAFETY: through a shared reference only the event is asked for, which never changes.
unsafe impl Sync for DeviceEventPromise {}

impl DeviceEventPromise {
    /// Takes over a promise that C code made, with one reference to it.
    ///
    /// # Errors
    ///
    /// `InvalidOutput` or `Unimplemented` for null, or for a promise whose table does not say how
    /// references are counted; the reference is then still the caller's.
    ///
    /// # Safety
    ///
    /// The promise is null, or live and of this plugin, and not kept yet; the reference is the
    /// caller's to give away, and nobody else keeps the promise.
    pub unsafe fn from_raw(
        plugin: &Plugin,
        promise: *mut PJRT_DeviceEventPromise,
    ) -> Result<DeviceEventPromise> {
        let api = OnPlugin::api(plugin);
        // SAFETY: the caller's promise; null is tested.
        let promise = unsafe { Ref::owned(api, promise, None) }?;
        Ok(DeviceEventPromise {
            promise: Some(promise),
            api,
        })
    }

    pub(crate) fn api(&self) -> &'static Api {
        self.api
    }

    /// The C object, which lives as long as this; null once it was kept.
    pub(crate) fn object(&self) -> *mut PJRT_DeviceEventPromise {
        let object = self.promise.as_ref().map(Ref::object);
        object.unwrap_or(std::ptr::null_mut())
    }

    /// The event that the promise is of.
    ///
    /// Calls `event` of the promise's table.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the table lacks it; `InvalidOutput` if there is no event.
    pub fn event(&self) -> Result<DeviceEvent> {
        let (api, object) = (self.api, self.object());
        // SAFETY: the promise is live while this holds a reference.
        let event = unsafe { calls::device_event_promise_vtable_event(api, object) }?;
        let place = Place {
            function: "PJRT_DeviceEventPromise_FunctionTable.event",
            field: "device_event",
        };
        // SAFETY: the event belongs to the promise, so it is live, and a reference is counted.
        unsafe { DeviceEvent::borrowed(api, event, None, place) }
    }

    /// Lets the event happen when another one does, and as that one does.
    ///
    /// Calls `set` of the promise's table, which takes the other event's reference over.
    ///
    /// # Errors
    ///
    /// `ForeignHandle` for an event of another plugin; `InvalidArgument` for one of another kind,
    /// which the plugin could not take for one of its own; `Unimplemented` if the table lacks it.
    /// The promise is CANCELLED then.
    pub fn set(self, event: DeviceEvent) -> Result<()> {
        if !std::ptr::eq(self.api, event.api()) {
            return Err(Error::ForeignHandle {
                function: SET,
                argument: "event",
                must_share: "plugin",
            });
        }
        if self.event()?.root() != event.root() {
            return Err(Error::InvalidArgument {
                function: SET,
                argument: "event",
                problem: "its kind has no ancestor in common with the promise's event".to_owned(),
            });
        }
        // SAFETY: both are live and of one plugin and kind; the promise is not kept yet.
        let out = unsafe {
            calls::device_event_promise_vtable_set(self.api, self.object(), event.as_raw())
        };
        if out.is_ok() {
            // The plugin has the reference.
            event.into_raw();
        }
        self.kept(out)
    }

    /// Lets the event happen now, with an error.
    ///
    /// Calls `set_error` of the promise's table.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for an error whose code is OK, after which the event is CANCELLED;
    /// `Unimplemented` if the table lacks it.
    pub fn set_error(self, code: ErrorCode, message: &str) -> Result<()> {
        crate::rt::check_failure(self.api, code, SET, "code")?;
        let out = self.fail(code, message);
        self.kept(out)
    }

    /// Lets the event happen now, with success.
    ///
    /// Calls `set_ready` of the promise's table.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the table lacks it.
    pub fn set_ready(self) -> Result<()> {
        // SAFETY: the promise is live and not kept yet.
        let out = unsafe { calls::device_event_promise_vtable_set_ready(self.api, self.object()) };
        self.kept(out)
    }

    /// Gives the promise to C code, which keeps it and gives the reference up.
    pub fn into_raw(mut self) -> *mut PJRT_DeviceEventPromise {
        let promise = self.promise.take();
        promise.map_or(std::ptr::null_mut(), Ref::into_object)
    }

    fn fail(&self, code: ErrorCode, message: &str) -> Result<()> {
        let error = own_error::create(code, message);
        // SAFETY: the promise is live and not kept yet; it takes the error over.
        let out =
            unsafe { calls::device_event_promise_vtable_set_error(self.api, self.object(), error) };
        if out.is_err() {
            // SAFETY: the function was not called, for it reports nothing itself.
            unsafe { own_error::take_back(error) };
        }
        out
    }

    /// Ends the promise: kept if the call reached it, else with CANCELLED.
    fn kept(mut self, out: Result<()>) -> Result<()> {
        if out.is_ok() {
            self.promise = None;
        }
        out
    }
}

impl Drop for DeviceEventPromise {
    fn drop(&mut self) {
        if self.promise.is_some() {
            // Without the function nothing can be told.
            let _ = self.fail(ErrorCode::CANCELLED, "the promise was dropped");
        }
    }
}

impl fmt::Debug for DeviceEventPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceEventPromise")
            .field("plugin", &self.api.name())
            .finish_non_exhaustive()
    }
}
