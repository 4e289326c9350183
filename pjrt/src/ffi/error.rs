//! What a handler reports.

use crate::ErrorCode;
use std::fmt;

/// An error of a handler. XLA makes it the error of the run, or of the compilation where it comes
/// from the instantiation.
///
/// A handler that panics reports [`ErrorCode::INTERNAL`] with the panic's message.
#[derive(Clone, Debug)]
pub struct Error {
    code: ErrorCode,
    message: String,
}

impl Error {
    /// An error. [`ErrorCode::OK`] is none and becomes [`ErrorCode::UNKNOWN`].
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Error {
        let code = if code == ErrorCode::OK {
            ErrorCode::UNKNOWN
        } else {
            code
        };
        Error {
            code,
            message: message.into(),
        }
    }

    /// [`ErrorCode::INVALID_ARGUMENT`]: the module calls the handler in a way that it does not
    /// support.
    pub fn invalid_argument(message: impl Into<String>) -> Error {
        Error::new(ErrorCode::INVALID_ARGUMENT, message)
    }

    /// [`ErrorCode::INTERNAL`]: what must not happen did.
    pub fn internal(message: impl Into<String>) -> Error {
        Error::new(ErrorCode::INTERNAL, message)
    }

    pub(super) fn unimplemented(message: impl Into<String>) -> Error {
        Error::new(ErrorCode::UNIMPLEMENTED, message)
    }

    pub(super) fn failed_precondition(message: impl Into<String>) -> Error {
        Error::new(ErrorCode::FAILED_PRECONDITION, message)
    }

    /// Its code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Its message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Says in front who reports it.
    pub(super) fn within(self, handler: &str) -> Error {
        Error {
            code: self.code,
            message: format!("{handler}: {}", self.message),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        Error::new(error.code(), error.to_string())
    }
}

/// The error that a panic becomes.
pub(super) fn of_panic(payload: Box<dyn std::any::Any + Send>) -> Error {
    Error::internal(format!("the handler panicked: {}", panic_text(payload)))
}

/// The message of a panic.
pub(crate) fn panic_text(payload: Box<dyn std::any::Any + Send>) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        // Its destructor is somebody else's code and might panic again: it is not run.
        std::mem::forget(payload);
        "(the panic carries no text)".to_owned()
    }
}
