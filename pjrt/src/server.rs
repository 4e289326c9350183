//! The plugin's side: what a plugin written in Rust answers with. The first step of a server-side
//! kit: it serves the functions of one extension, see [`extension_server!`](crate::extension_server).

use crate::{Error, ErrorCode};
use std::fmt;

/// Why a call fails, as the code that answers it says it. The plugin makes its own `PJRT_Error` of it.
///
/// ```
/// use pjrt::ErrorCode;
/// use pjrt::server::Failure;
///
/// let failure = Failure::new(ErrorCode::NOT_FOUND, "no sensor of that name");
/// assert_eq!(failure.to_string(), "NOT_FOUND: no sensor of that name");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What kind of failure it is. `OK` says none and reaches the caller as `UNKNOWN`.
    pub code: ErrorCode,
    /// What was expected, what came, and what to do next.
    pub message: String,
}

impl Failure {
    /// A failure of that kind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Failure {
        Failure {
            code,
            message: message.into(),
        }
    }

    /// The caller gave something that cannot be meant.
    pub fn invalid_argument(message: impl Into<String>) -> Failure {
        Failure::new(ErrorCode::INVALID_ARGUMENT, message)
    }

    /// The plugin has a fault.
    pub fn internal(message: impl Into<String>) -> Failure {
        Failure::new(ErrorCode::INTERNAL, message)
    }

    /// The plugin does not do what a C function is for.
    pub fn unimplemented(function: &str) -> Failure {
        let message = format!("{function} is not implemented by this plugin");
        Failure::new(ErrorCode::UNIMPLEMENTED, message)
    }

    /// The same, with a code that says a failure.
    pub(crate) fn sound(mut self) -> Failure {
        if self.code == ErrorCode::OK {
            self.code = ErrorCode::UNKNOWN;
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}

/// For a plugin that asks another one: the failure is handed on.
impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let code = error.code();
        match error {
            Error::Plugin(error) => Failure::new(code, error.message),
            other => Failure::new(code, other.to_string()),
        }
    }
}
