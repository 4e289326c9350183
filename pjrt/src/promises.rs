//! Promises that a plugin hands out and that are kept once: memory for a copy, the end of what a
//! donated buffer waits for.

use crate::rt::{self, Handle, Owner, Place, guard};
use crate::{Buffer, Error, ErrorCode, Event, Result, Transfer, raw, sys};
use std::ffi::{c_char, c_void};
use std::fmt;

const COPY: &str = "PJRT_Buffer_CopyRawToHostFuture";
const DONATE: &str = "PJRT_Buffer_DonateWithControlDependency";

/// A function that completes a promise, and its data: called once, which frees the data.
#[cfg_attr(pjrt_mutant = "one_shot_twice", derive(Clone))]
struct OneShot<A> {
    call: Option<unsafe extern "C" fn(*mut A)>,
    data: *mut c_void,
    /// The client, which the data may need.
    _owner: Option<Owner>,
}

// SAFETY: the data belongs to nobody else, and PJRT lets any thread complete it.
unsafe impl<A> Send for OneShot<A> {}

/// A copy of a buffer's bytes whose destination is named later. Dropped before, the copy is
/// CANCELLED.
pub struct RawCopyPromise {
    shot: OneShot<sys::PJRT_Buffer_CopyRawToHostFuture_Callback_Args>,
    event: Option<Event>,
    length: usize,
}

impl Buffer {
    /// Copies bytes of the array, as they lie on the device, to host memory that is named later.
    ///
    /// Calls `PJRT_Buffer_CopyRawToHostFuture`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a range that is not within the array; what the plugin reports. A
    /// platform that cannot says so through the event.
    pub fn copy_raw_to_host_later(&self, offset: i64, length: usize) -> Result<RawCopyPromise> {
        let api = self.api();
        rt::destructor::<Event>(api)?;
        let size = self.raw_range(COPY, offset, length)?;
        let input = raw::BufferCopyRawToHostFutureIn::new(self.as_raw(), offset, size);
        // SAFETY: the buffer is live and the range lies within it.
        let out = unsafe { raw::buffer_copy_raw_to_host_future(api, input) }?;
        let place = Place {
            function: COPY,
            field: "event",
        };
        let shot = OneShot {
            call: out.future_ready_callback,
            data: out.callback_data,
            _owner: rt::client_of(self),
        };
        let mut promise = RawCopyPromise {
            shot,
            event: None,
            length,
        };
        // SAFETY: the event is new and ours to destroy.
        promise.event = Some(unsafe { rt::owned(api, out.event, rt::client_of(self), place) }?);
        if promise.shot.call.is_none() {
            return Err(place.invalid("no function that names the destination"));
        }
        Ok(promise)
    }
}

impl RawCopyPromise {
    /// How many bytes are copied.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Names the destination. It comes back when the copy is done.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for memory of another length, and the error of a copy that has failed
    /// already; the copy is CANCELLED.
    pub fn provide(mut self, mut memory: Vec<u8>) -> Result<Transfer<Vec<u8>>> {
        if memory.len() != self.length {
            return Err(Error::InvalidArgument {
                function: COPY,
                argument: "dst",
                problem: format!("{} bytes were given for {}", memory.len(), self.length),
            });
        }
        let place = Place {
            function: COPY,
            field: "event",
        };
        let event = self.event.take().ok_or_else(|| place.invalid("no event"))?;
        if event.is_ready()? {
            // Not a wait: one for an event that is not ready after all would never end.
            event.error()?;
        }
        let destination: *mut u8 = memory.as_mut_ptr();
        self.complete(ErrorCode::OK, "", destination.cast());
        Ok(Transfer::new(event, memory))
    }

    fn complete(&mut self, code: ErrorCode, message: &str, destination: *mut c_void) {
        let Some(call) = self.shot.call.take() else {
            return;
        };
        let mut args = sys::PJRT_Buffer_CopyRawToHostFuture_Callback_Args::zeroed();
        args.struct_size = sys::PJRT_Buffer_CopyRawToHostFuture_Callback_Args_STRUCT_SIZE;
        args.callback_data = self.shot.data;
        args.error_code = code.as_raw();
        args.error_message = message.as_ptr().cast::<c_char>();
        args.error_message_size = message.len();
        args.dst = destination;
        // SAFETY: called once, with the data that came with it; the destination has the length
        // that was asked for and stays until the event.
        unsafe { call(&raw mut args) };
    }
}

impl Drop for RawCopyPromise {
    fn drop(&mut self) {
        if guard::off("one_shot_dropped") {
            return;
        }
        let message = "the promise to name the destination was dropped";
        self.complete(ErrorCode::CANCELLED, message, std::ptr::null_mut());
    }
}

impl fmt::Debug for RawCopyPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawCopyPromise")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// What a donated buffer waits for. Dropped unset, the buffer is CANCELLED.
#[cfg_attr(pjrt_mutant = "one_shot_twice", derive(Clone))]
pub struct Dependency {
    shot: OneShot<sys::PJRT_Buffer_DonateWithControlDependency_Callback_Args>,
}

impl Buffer {
    /// Turns the buffer into one that is ready only after something else happened, which
    /// [`Dependency::set`] tells.
    ///
    /// Calls `PJRT_Buffer_DonateWithControlDependency`.
    ///
    /// # Errors
    ///
    /// What the plugin reports, such as UNIMPLEMENTED; this buffer comes back with it.
    pub fn donate_with_control_dependency(
        self,
    ) -> std::result::Result<(Buffer, Dependency), Box<(Buffer, Error)>> {
        self.donated().map_err(|error| Box::new((self, error)))
    }

    fn donated(&self) -> Result<(Buffer, Dependency)> {
        let api = self.api();
        rt::destructor::<Buffer>(api)?;
        let input = raw::BufferDonateWithControlDependencyIn::new(self.as_raw());
        // SAFETY: the buffer is live, and given up if the call succeeds.
        let out = unsafe { raw::buffer_donate_with_control_dependency(api, input) }?;
        let dependency = Dependency {
            shot: OneShot {
                call: out.dependency_ready_callback,
                data: out.callback_data,
                _owner: rt::client_of(self),
            },
        };
        let place = Place {
            function: DONATE,
            field: "out_buffer",
        };
        // SAFETY: the buffer is new and ours to destroy; it needs the client.
        let buffer = unsafe { rt::owned(api, out.out_buffer, rt::client_of(self), place) }?;
        if dependency.shot.call.is_none() {
            return Err(place.invalid("no function that tells the end of the dependency"));
        }
        Ok((buffer, dependency))
    }
}

impl Dependency {
    /// Tells that it happened, or with a code and message why it never will.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a failure whose code is OK; the buffer is then CANCELLED.
    pub fn set(mut self, outcome: std::result::Result<(), (ErrorCode, &str)>) -> Result<()> {
        match outcome {
            Ok(()) => self.complete(ErrorCode::OK, ""),
            Err((ErrorCode::OK, _)) => {
                return Err(Error::InvalidArgument {
                    function: DONATE,
                    argument: "error_code",
                    problem: "OK is no failure: give the code of what went wrong".to_owned(),
                });
            }
            Err((code, message)) => self.complete(code, message),
        }
        Ok(())
    }

    fn complete(&mut self, code: ErrorCode, message: &str) {
        let Some(call) = self.shot.call.take() else {
            return;
        };
        let mut args = sys::PJRT_Buffer_DonateWithControlDependency_Callback_Args::zeroed();
        args.struct_size = sys::PJRT_Buffer_DonateWithControlDependency_Callback_Args_STRUCT_SIZE;
        args.callback_data = self.shot.data;
        args.error_code = code.as_raw();
        args.error_message = message.as_ptr().cast::<c_char>();
        args.error_message_size = message.len();
        // SAFETY: called once, with the data that came with it; the message is copied.
        unsafe { call(&raw mut args) };
    }
}

impl Drop for Dependency {
    fn drop(&mut self) {
        if guard::off("one_shot_dropped") {
            return;
        }
        self.complete(
            ErrorCode::CANCELLED,
            "what the donated buffer waits for was dropped",
        );
    }
}

impl fmt::Debug for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependency").finish_non_exhaustive()
    }
}
