//! Errors: what a behaviour answers instead of outputs, and the objects that callers get of it.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::memory_of::{bytes, text};
use pjrt_sys as sys;
use std::ffi::{c_char, c_void};

/// An error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Code.
    pub code: u32,
    /// Message; bytes, for that of a caller need not be text.
    pub message: Vec<u8>,
    /// What comes with it, by key.
    pub payload: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Failure {
    /// An error with a code and a message.
    pub fn new(code: sys::PJRT_Error_Code, message: impl Into<String>) -> Failure {
        Failure {
            code: code.0,
            message: message.into().into_bytes(),
            payload: Vec::new(),
        }
    }

    /// An argument is wrong.
    pub fn invalid(message: impl Into<String>) -> Failure {
        Failure::new(sys::PJRT_Error_Code_INVALID_ARGUMENT, message)
    }

    /// The plugin cannot do it.
    pub fn unimplemented(message: impl Into<String>) -> Failure {
        Failure::new(sys::PJRT_Error_Code_UNIMPLEMENTED, message)
    }

    /// The state does not allow it.
    pub fn precondition(message: impl Into<String>) -> Failure {
        Failure::new(sys::PJRT_Error_Code_FAILED_PRECONDITION, message)
    }

    /// An error that a caller describes.
    pub(crate) fn given(code: sys::PJRT_Error_Code, message: *const c_char, size: usize) -> Self {
        let mut failure = Failure::new(code, "");
        failure.message = bytes(message, size).to_vec();
        failure
    }

    /// Its message, for people.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.message).into_owned()
    }
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Error_Destroy", destroy);
    all.add("PJRT_Error_Message", message);
    all.add("PJRT_Error_GetCode", code);
    all.add("PJRT_Error_ForEachPayload", payload);
}

fn destroy(call: &Call, args: &mut sys::PJRT_Error_Destroy_Args) -> Outcome {
    call.destroy::<Failure>(args.error).map(drop)
}

fn message(call: &Call, args: &mut sys::PJRT_Error_Message_Args) -> Outcome {
    let failure = call.get::<Failure>(args.error)?;
    // The object keeps the message in place.
    (args.message, args.message_size) = text(&failure.message);
    Ok(())
}

fn code(call: &Call, args: &mut sys::PJRT_Error_GetCode_Args) -> Outcome {
    let failure = call.get::<Failure>(args.error)?;
    args.code = sys::PJRT_Error_Code(failure.code);
    Ok(())
}

fn payload(call: &Call, args: &mut sys::PJRT_Error_ForEachPayload_Args) -> Outcome {
    let failure = call.get::<Failure>(args.error)?;
    let visitor = args.visitor.ok_or_else(|| Failure::invalid("no visitor"))?;
    for (key, value) in &failure.payload {
        let ((key, key_size), (value, value_size)) = (text(key), text(value));
        let user: *mut c_void = args.user_arg;
        // SAFETY: the visitor and its argument are the caller's, for the time of the call.
        unsafe { visitor(key, key_size, value, value_size, user) };
    }
    Ok(())
}
