//! Host memory that a plugin reads or writes until a device event.

use super::DeviceEvent;
use crate::Result;
use crate::rt::{Owner, Place};
use crate::transfer::Kept;

/// Host memory in the hands of a plugin, until a device event. The memory comes back from
/// [`DeviceTransfer::wait`] or `await`; dropped before, it is freed when the plugin has done with it.
#[derive(Debug)]
pub struct DeviceTransfer<T: Send + 'static> {
    event: DeviceEvent,
    memory: Option<T>,
    /// What the plugin needs until the event besides.
    also: Option<Owner>,
}

impl<T: Send + 'static> DeviceTransfer<T> {
    pub(crate) fn new(event: DeviceEvent, memory: T, also: Option<Owner>) -> DeviceTransfer<T> {
        DeviceTransfer {
            event,
            memory: Some(memory),
            also,
        }
    }

    /// The event: the plugin has done with the memory.
    pub fn event(&self) -> &DeviceEvent {
        &self.event
    }

    /// Waits until the plugin has done with the memory, and gives it back.
    ///
    /// # Errors
    ///
    /// The error of the transfer, or of what it waited for.
    pub fn wait(self) -> Result<T> {
        self.event.wait()?;
        self.into_memory()
    }

    /// The memory, once the event has happened with success.
    pub(super) fn into_memory(mut self) -> Result<T> {
        let place = Place {
            function: "PJRT_DeviceEvent_FunctionTable.and_then",
            field: "callback",
        };
        let memory = self.memory.take();
        memory.ok_or_else(|| place.invalid("a transfer without memory"))
    }
}

impl<T: Send + 'static> Drop for DeviceTransfer<T> {
    fn drop(&mut self) {
        let Some(memory) = self.memory.take() else {
            return;
        };
        // Whatever happens, the memory is not freed before the event: the callback holds it, and
        // a plugin that does not take the callback leaves it where it is.
        let kept = Kept(Some((memory, self.also.take())));
        let _ = self.event.on_ready(move |_| kept.free());
    }
}
