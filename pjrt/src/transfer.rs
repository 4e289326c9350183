//! Host memory that a plugin reads or writes after a call has returned.

use crate::rt::{Owner, guard};
use crate::{Event, Result};

/// Host memory in the hands of a plugin, until an event. The memory comes back from
/// [`Transfer::wait`] or `await`; dropped before, it is freed when the plugin has done with it.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
/// let buffer = client.buffer_from_slice(&[1u8, 2, 3, 4], &[4])?;
/// let transfer = buffer.copy_raw_to_host(1, 2)?;
/// // Other work goes here.
/// assert_eq!(transfer.wait()?, [2, 3]);
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Debug)]
pub struct Transfer<T: Send + 'static> {
    event: Event,
    memory: Option<T>,
    /// What the plugin needs until the event besides.
    also: Option<Owner>,
}

impl<T: Send + 'static> Transfer<T> {
    pub(crate) fn new(event: Event, memory: T) -> Transfer<T> {
        Transfer {
            event,
            memory: Some(memory),
            also: None,
        }
    }

    /// Keeps something else as long as the memory.
    pub(crate) fn keeping(mut self, also: Option<Owner>) -> Transfer<T> {
        self.also = also;
        self
    }

    /// The event: the plugin has done with the memory.
    pub fn event(&self) -> &Event {
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
    pub(crate) fn into_memory(mut self) -> Result<T> {
        self.memory.take().ok_or_else(|| {
            let place = crate::rt::Place {
                function: "PJRT_Event_Await",
                field: "event",
            };
            place.invalid("a transfer without memory")
        })
    }
}

impl<T: Send + 'static> Drop for Transfer<T> {
    fn drop(&mut self) {
        let Some(memory) = self.memory.take() else {
            return;
        };
        if self.event.is_ready().unwrap_or(false)
            || guard::off("cancelled_upload")
            || guard::off("download_cancelled")
        {
            return;
        }
        keep_until(Some(&self.event), (memory, self.also.take()));
    }
}

/// Keeps what a plugin uses until an event. Whatever happens, it is not freed before: the callback
/// holds it, and a plugin that does not take the callback, or gave no event, leaves it where it is.
pub(crate) fn keep_until<T: Send + 'static>(event: Option<&Event>, memory: T) {
    if guard::off("zero_copy_lifetime") {
        return;
    }
    let kept = Kept(Some(memory));
    if let Some(event) = event {
        let _ = event.on_ready(move |_| kept.free());
    }
}

/// Frees only when told to.
pub(crate) struct Kept<T>(pub(crate) Option<T>);

impl<T> Kept<T> {
    pub(crate) fn free(mut self) {
        self.0 = None;
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        std::mem::forget(self.0.take());
    }
}
