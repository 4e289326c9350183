//! Events: something that will have happened.

use crate::rt::Handle;
use crate::{Result, raw};

pjrt_macros::generate!(handle PJRT_Event);

impl Event {
    /// Waits until the event has happened, and gives its error if it carries one; also for an
    /// event that happened long ago.
    ///
    /// Calls `PJRT_Event_Await`.
    ///
    /// # Errors
    ///
    /// The error of the work that the event stands for.
    pub fn wait(&self) -> Result<()> {
        // SAFETY: the event is live while it is borrowed.
        let out = unsafe { raw::event_await(self.api(), raw::EventAwaitIn::new(self.as_raw())) }?;
        out.status.map_or(Ok(()), Err)
    }
}
