//! Cancelling sends, on the receiver's side.

use super::refused;
use crate::rt::{self, Api, Owner, Place, Sorted};
use crate::{ErrorCode, Result, sys};
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

const CANCEL: &str = "PJRT_Transfers_CrossHostSendCancelNotifier";

type Function = sys::cross_host_transfers::PJRT_Transfers_CrossHostSendCancelNotifier;

/// The plugin's function that cancels, and what may be given to it.
pub(super) struct Cancel {
    api: &'static Api,
    client: Option<Owner>,
    function: Function,
    data: *mut c_void,
    /// The descriptors that were told.
    known: Vec<Vec<u8>>,
    /// The places of those that were cancelled.
    cancelled: Mutex<Sorted<usize, ()>>,
}

/// What waits for the plugin to say how a cancellation went.
struct Canceled {
    api: &'static Api,
    /// The client, which must be there until then.
    _client: Option<Owner>,
    done: Box<dyn FnOnce(Result<()>) + Send>,
}

impl Cancel {
    /// # Safety
    ///
    /// Function and data belong together, and may be used as long as this is.
    pub(super) unsafe fn new(
        api: &'static Api,
        client: Option<Owner>,
        function: Function,
        data: *mut c_void,
        known: Vec<Vec<u8>>,
    ) -> Cancel {
        Cancel {
            api,
            client,
            function,
            data,
            known,
            cancelled: Mutex::new(Sorted::new()),
        }
    }

    fn cancel(
        &self,
        descriptor: &[u8],
        (code, message): (ErrorCode, &str),
        done: Box<dyn FnOnce(Result<()>) + Send>,
    ) -> Result<()> {
        let Some(function) = self.function else {
            let place = Place {
                function: CANCEL,
                field: "cancel_notifier",
            };
            return Err(place.invalid("no function that cancels"));
        };
        rt::check_failure(self.api, code, CANCEL, "reason")?;
        let known = self.known.iter().position(|known| known == descriptor);
        let Some(place) = known else {
            let problem = "it is none of those that were told".to_owned();
            return Err(refused(CANCEL, "serialized_descriptor", problem));
        };
        let cancelled = self.cancelled.lock();
        let fresh = cancelled
            .unwrap_or_else(PoisonError::into_inner)
            .insert(place, ())
            .is_none();
        if !fresh {
            let problem = "it is cancelled already".to_owned();
            return Err(refused(CANCEL, "serialized_descriptor", problem));
        }
        let number = rt::waiting(Canceled {
            api: self.api,
            _client: self.client.clone(),
            done,
        });
        // SAFETY: function and data may be used, as whoever made this promised; the bytes and the
        // text are copied during the call; the callback finds what waits or nothing.
        unsafe {
            function(
                descriptor.as_ptr().cast(),
                descriptor.len(),
                code.as_raw(),
                message.as_ptr().cast(),
                message.len(),
                Some(canceled),
                number,
                self.data,
            );
        }
        Ok(())
    }
}

unsafe extern "C" fn canceled(error: *mut sys::PJRT_Error, number: *mut c_void) {
    rt::contained(|| {
        let Some(Canceled { api, _client, done }) = rt::called::<Canceled>(number) else {
            return;
        };
        done(if error.is_null() {
            Ok(())
        } else {
            // The plugin destroys its error when this returns.
            Err(rt::lent_error(api, error, CANCEL))
        });
    });
}

/// Cancels sends that will not come, while the closure runs that was given it.
///
/// [`Canceller::keep`] makes one that lasts.
pub struct Canceller<'a> {
    cancel: Cancel,
    during: PhantomData<&'a ()>,
}

impl Canceller<'_> {
    /// The lifetime is that for which function and data may be used.
    pub(super) fn new(cancel: Cancel) -> Self {
        Canceller {
            cancel,
            during: PhantomData,
        }
    }

    /// Tells the platform that nobody will send to a descriptor, and why: the buffer behind it
    /// fails with this reason instead of waiting. Only for a descriptor that no process sends to.
    /// When it is done, `done` is called once with the outcome, perhaps before this returns.
    ///
    /// Calls the `PJRT_Transfers_CrossHostSendCancelNotifier` that came with the descriptors.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a descriptor that was not told or is cancelled already and for a
    /// reason whose code is OK; `InvalidOutput` if the plugin gave no function that cancels.
    pub fn cancel(
        &self,
        descriptor: &[u8],
        reason: (ErrorCode, &str),
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<()> {
        self.cancel.cancel(descriptor, reason, Box::new(done))
    }

    /// The same for later: most often it is known only after a while that nobody will send.
    ///
    /// # Safety
    ///
    /// The plugin must let its function that cancels be called after the notifier has returned,
    /// from any thread. The header says nothing about it. In plugins built from XLA's sources
    /// through 0.114 nothing frees the function's data, so that it stays.
    pub unsafe fn keep(self) -> KeptCanceller {
        KeptCanceller(self.cancel)
    }
}

impl fmt::Debug for Canceller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller")
            .field("descriptors", &self.cancel.known.len())
            .finish_non_exhaustive()
    }
}

/// Cancels sends that will not come, at any time.
pub struct KeptCanceller(Cancel);

// SAFETY: whoever made it promised that the plugin's function may be called from any thread.
unsafe impl Send for KeptCanceller {}

impl KeptCanceller {
    /// As [`Canceller::cancel`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn cancel(
        &self,
        descriptor: &[u8],
        reason: (ErrorCode, &str),
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<()> {
        self.0.cancel(descriptor, reason, Box::new(done))
    }
}

impl fmt::Debug for KeptCanceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptCanceller")
            .field("descriptors", &self.0.known.len())
            .finish_non_exhaustive()
    }
}
