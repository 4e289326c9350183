//! Events and promises of devices.
//!
//! A device event is what a plugin itself waits for: memory is there, a copy is done. It is not an
//! [`Event`](crate::Event) of the main API: an object of this kind carries a table of its own
//! functions, and whoever holds it counts a reference. Raw buffers give and take them.

mod future;
mod list;
mod own_error;
mod promise;
mod transfer;

pub use future::{DeviceEventFuture, DeviceTransferFuture};
pub(crate) use list::EventList;
pub use promise::DeviceEventPromise;
pub use transfer::DeviceTransfer;

use crate::error::PluginError;
use crate::raw::device_event as calls;
use crate::rt::{self, Api, OnPlugin, Owner, Place, Ref};
use crate::sys::device_event::{PJRT_DeviceEvent, PJRT_DeviceEvent_FunctionTable};
use crate::{Error, ErrorCode, Plugin, Result};
use std::ffi::c_void;
use std::fmt;
use std::sync::mpsc::channel;

pjrt_macros::generate!(enum PJRT_DeviceEvent_State);

/// More tables than this are no line of ancestors.
const DEEPEST: usize = 64;
const ERROR: &str = "PJRT_DeviceEvent_FunctionTable.get_error_if_present";
const AND_THEN: &str = "PJRT_DeviceEvent_FunctionTable.and_then";

/// Something that will have happened on a device. A clone is one more reference to the same event.
///
/// The C type is `PJRT_DeviceEvent`.
#[derive(Clone)]
pub struct DeviceEvent(Ref<calls::DeviceEventCounted>);

// SAFETY: references are counted atomically and events are watched from any thread: a plugin hands
// them from one of its threads to another.
unsafe impl Send for DeviceEvent {}
// SAFETY: as above.
unsafe impl Sync for DeviceEvent {}

/// The place of an event in its platform's queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DefinitionStream {
    /// The queue that the event was recorded on: a number of the platform's.
    pub stream: isize,
    /// Events of one queue happen in the order of these numbers.
    pub sequence_number: u64,
}

/// What runs when an event has happened.
struct Call {
    event: DeviceEvent,
    callback: Box<dyn FnOnce(Result<()>) + Send>,
}

impl DeviceEvent {
    /// Takes over a reference to an event that C code counted.
    ///
    /// # Errors
    ///
    /// `InvalidOutput` or `Unimplemented` for an event whose table does not say how references are
    /// counted; the reference is then still the caller's.
    ///
    /// # Safety
    ///
    /// The event is live and of this plugin, and the reference is the caller's to give away. It does
    /// not need a client, or the client lives as long as it.
    pub unsafe fn from_raw(plugin: &Plugin, event: PJRT_DeviceEvent) -> Result<DeviceEvent> {
        let place = Place {
            function: "PJRT_DeviceEvent",
            field: "device_event",
        };
        // SAFETY: the caller's promise.
        unsafe { DeviceEvent::owned(OnPlugin::api(plugin), event, None, place) }
    }

    /// Takes a reference over.
    ///
    /// # Safety
    ///
    /// Unless it is null, the event is live and of the plugin, the reference is the caller's to give
    /// away, and `parent` is what must outlive the event.
    pub(crate) unsafe fn owned(
        api: &'static Api,
        event: PJRT_DeviceEvent,
        parent: Option<Owner>,
        place: Place,
    ) -> Result<DeviceEvent> {
        if event.device_event.is_null() {
            return Err(place.invalid("null where an event must be"));
        }
        // SAFETY: the caller's promise.
        unsafe { Ref::owned(api, event, parent) }.map(DeviceEvent)
    }

    /// Counts a reference to an event of somebody else's.
    ///
    /// # Safety
    ///
    /// Unless it is null, the event is live and of the plugin, and `parent` is what must outlive it.
    pub(crate) unsafe fn borrowed(
        api: &'static Api,
        event: PJRT_DeviceEvent,
        parent: Option<Owner>,
        place: Place,
    ) -> Result<DeviceEvent> {
        if event.device_event.is_null() {
            return Err(place.invalid("null where an event must be"));
        }
        // SAFETY: the caller's promise.
        unsafe { Ref::borrowed(api, event, parent) }.map(DeviceEvent)
    }

    /// The C object, which lives as long as this.
    pub fn as_raw(&self) -> PJRT_DeviceEvent {
        self.0.object()
    }

    /// Gives the reference to C code, which gives it up by the event's own table.
    pub fn into_raw(self) -> PJRT_DeviceEvent {
        self.0.into_object()
    }

    pub(crate) fn api(&self) -> &'static Api {
        self.0.api()
    }

    /// Whether the event has happened, and how. A state that this version does not know is kept.
    ///
    /// Calls `get_state` of the event's table, which is there since PJRT 0.107.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the table lacks it.
    pub fn state(&self) -> Result<DeviceEventState> {
        // SAFETY: the event is live while this holds a reference.
        let state = unsafe { calls::device_event_vtable_get_state(self.api(), self.as_raw()) }?;
        Ok(DeviceEventState::from_raw(state))
    }

    /// The error that the event happened with, if it did. None before it has happened.
    ///
    /// Calls `get_error_if_present` of the event's table, which is there since PJRT 0.104.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the table lacks it.
    pub fn error(&self) -> Result<Option<Error>> {
        let api = self.api();
        // SAFETY: the event is live while this holds a reference.
        let out = unsafe { calls::device_event_vtable_get_error_if_present(api, self.as_raw()) }?;
        if out.returned == 0 {
            return Ok(None);
        }
        let place = Place {
            function: ERROR,
            field: "message",
        };
        // SAFETY: there is an error, so the message is filled; it lives as long as the event.
        let message = unsafe { rt::slice(out.message.cast::<u8>(), out.message_size, place) };
        let code = match ErrorCode::from_raw(out.code) {
            // There is an error, so it cannot be a success.
            ErrorCode::OK => ErrorCode::UNKNOWN,
            code => code,
        };
        Ok(Some(Error::from(PluginError {
            function: ERROR,
            code,
            message: String::from_utf8_lossy(message.unwrap_or_default()).into_owned(),
            payloads: Vec::new(),
            plugin: api.name().to_owned(),
            plugin_version: api.version(),
            hint: None,
            device_memory: Vec::new(),
        })))
    }

    /// Calls back with the outcome once the event has happened: on this thread, before this returns,
    /// if it already has; otherwise on a thread of the plugin's. The callback runs once, also when
    /// the event is dropped before. May be used several times on one event.
    ///
    /// Handles that the callback drops are destroyed on a thread of this crate. A panic in the
    /// callback ends the callback, and nobody hears of it.
    ///
    /// Calls `and_then` of the event's table, which is there since PJRT 0.104.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the table lacks it; the callback is then dropped without being called.
    pub fn on_ready(&self, callback: impl FnOnce(Result<()>) + Send + 'static) -> Result<()> {
        let number = rt::waiting(Call {
            event: self.clone(),
            callback: Box::new(callback),
        });
        let object = self.as_raw();
        // SAFETY: the event is live; the callback finds what waits or nothing.
        let out = unsafe {
            calls::device_event_vtable_and_then(self.api(), object, Some(happened), number)
        };
        if out.is_err() {
            drop(rt::called::<Call>(number));
        }
        out
    }

    /// Waits until the event has happened. Inside a plugin's callback that may be forever.
    ///
    /// # Errors
    ///
    /// The error that the event happened with; `Unimplemented` if its table cannot call back.
    pub fn wait(&self) -> Result<()> {
        let (sender, receiver) = channel();
        self.on_ready(move |outcome| {
            // Nobody else holds the receiver, which waits.
            let _ = sender.send(outcome);
        })?;
        let place = Place {
            function: AND_THEN,
            field: "callback",
        };
        let forgotten = |_| Err(place.invalid("an event that forgot whom to call"));
        receiver.recv().unwrap_or_else(forgotten)
    }

    /// Where the event stands in the platform's queues, if it stands in one that is known.
    ///
    /// Calls `get_definition_stream` of the event's table, which is there since PJRT 0.109.
    ///
    /// # Errors
    ///
    /// `Unimplemented` if the table lacks it, as that of an event that is no platform's may.
    pub fn definition_stream(&self) -> Result<Option<DefinitionStream>> {
        let (api, object) = (self.api(), self.as_raw());
        // SAFETY: the event is live while this holds a reference.
        let out = unsafe { calls::device_event_vtable_get_definition_stream(api, object) }?;
        Ok((out.returned != 0).then_some(DefinitionStream {
            stream: out.returned,
            sequence_number: out.sequence_number,
        }))
    }

    /// The table of the oldest ancestor: events of one plugin can stand for each other where they
    /// share it.
    fn root(&self) -> *const PJRT_DeviceEvent_FunctionTable {
        let mut object = self.as_raw();
        for _ in 0..DEEPEST {
            // SAFETY: the event is live, and may be used by each of its ancestors' tables.
            let parent = unsafe { calls::device_event_vtable_parent(self.api(), object) };
            match parent {
                Ok(parent) if !parent.is_null() && parent != object.vtable => {
                    object.vtable = parent;
                }
                // An older table has no ancestors.
                _ => break,
            }
        }
        object.vtable
    }
}

impl fmt::Debug for DeviceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceEvent")
            .field("plugin", &self.api().name())
            .finish_non_exhaustive()
    }
}

unsafe extern "C" fn happened(number: *mut c_void) {
    rt::contained(|| {
        let Some(Call { event, callback }) = rt::called::<Call>(number) else {
            return;
        };
        callback(match event.error() {
            Ok(None) => Ok(()),
            Ok(Some(error)) | Err(error) => Err(error),
        });
    });
}
