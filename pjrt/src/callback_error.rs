//! What a callback of ours tells a plugin when it fails.

use crate::{Error, ErrorCode, sys};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// The failure of a callback, which the plugin is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackError {
    code: ErrorCode,
    message: String,
}

impl CallbackError {
    /// An error with a code and a message. The code OK, which is no failure, becomes UNKNOWN.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> CallbackError {
        let code = match code {
            ErrorCode::OK => ErrorCode::UNKNOWN,
            code => code,
        };
        CallbackError {
            code,
            message: message.into(),
        }
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Makes an error of the plugin's; null if it gives no way to make one.
    ///
    /// # Safety
    ///
    /// `make` is null, or what the plugin gave the callback that is running.
    pub(crate) unsafe fn give(&self, make: *mut sys::PJRT_CallbackError) -> *mut sys::PJRT_Error {
        // SAFETY: the caller's promise.
        let make = unsafe { make.as_ref() }.copied().flatten();
        let Some(make) = make else {
            return ptr::null_mut();
        };
        let message = self.message.as_bytes();
        // SAFETY: the plugin copies the message during the call; the error is the plugin's.
        unsafe { make(self.code.as_raw(), message.as_ptr().cast(), message.len()) }
    }
}

/// Runs a callback of ours; its panic becomes an error (INTERNAL) with its message.
pub(crate) fn caught<T>(
    body: impl FnOnce() -> Result<T, CallbackError>,
) -> Result<T, CallbackError> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = format!("the callback panicked: {}", crate::ffi::panic_text(panic));
        Err(CallbackError::new(ErrorCode::INTERNAL, text))
    })
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for CallbackError {}

impl From<Error> for CallbackError {
    fn from(error: Error) -> CallbackError {
        CallbackError::new(error.code(), error.to_string())
    }
}
