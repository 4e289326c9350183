//! XLA's own table for custom calls: errors, types, handlers and futures.

use super::custom_call::{self, Handlers};
use super::ffi::{self, UserType};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::event::Signal;
use crate::failure::Failure;
use crate::memory_of::string;
use pjrt_sys::ffi_api as sys;
use std::ffi::{CStr, CString};
use std::sync::Arc;

/// The table that handlers are given.
pub(crate) const API: &str = "XLA_FFI_Api";

/// An error of this table: no other table's functions take it.
pub(crate) struct Error {
    failure: Failure,
    text: CString,
}

impl Error {
    pub(crate) fn new(failure: Failure) -> Error {
        let text = CString::new(failure.text().replace('\0', " "));
        Error {
            text: text.unwrap_or_default(),
            failure,
        }
    }
}

/// What a handler says later.
struct Future(Arc<Signal>);

pub(crate) fn calls(all: &mut Calls) {
    all.add("XLA_FFI_Error_Create", error_create);
    all.add("XLA_FFI_Error_GetDetails", error_details);
    all.add("XLA_FFI_Error_Destroy", error_destroy);
    all.add("XLA_FFI_Type_Register", register_type);
    all.add("XLA_FFI_Handler_Register", register_handler);
    all.add("XLA_FFI_Future_Create", future_create);
    all.add("XLA_FFI_Future_SetAvailable", future_available);
    all.add("XLA_FFI_Future_SetError", future_error);
}

/// Takes an error of a handler.
pub(crate) fn taken(call: &Call, error: *mut sys::XLA_FFI_Error) -> Outcome {
    match call.destroy::<Error>(error)? {
        None => Ok(()),
        Some(error) => Err(error.failure.clone()),
    }
}

/// Waits for what a handler says later; null is nothing.
pub(crate) fn awaited(call: &Call, future: *mut sys::XLA_FFI_Future) -> Outcome {
    match call.get_or_none::<Future>(future)? {
        None => Ok(()),
        Some(waiting) => {
            let outcome = waiting.0.wait();
            drop(call.destroy::<Future>(future));
            outcome
        }
    }
}

fn error_create(call: &Call, args: &mut sys::XLA_FFI_Error_Create_Args) -> Outcome {
    if args.message.is_null() {
        return Err(call.violation("no message".to_owned()));
    }
    // SAFETY: the message is the caller's and ends with a zero.
    let message = unsafe { CStr::from_ptr(args.message) };
    let code = pjrt_sys::PJRT_Error_Code(args.errc.0);
    // The answer of this function is what it was asked for.
    Err(Failure::new(code, message.to_string_lossy()))
}

fn error_details(call: &Call, args: &mut sys::XLA_FFI_Error_GetDetails_Args) -> Outcome {
    let error = call.get::<Error>(args.error)?;
    args.message = error.text.as_ptr();
    args.errc = sys::XLA_FFI_Error_Code(error.failure.code);
    Ok(())
}

fn error_destroy(call: &Call, args: &mut sys::XLA_FFI_Error_Destroy_Args) -> Outcome {
    call.destroy::<Error>(args.error).map(drop)
}

fn register_type(call: &Call, args: &mut sys::XLA_FFI_Type_Register_Args) -> Outcome {
    let name = string(args.name.ptr, args.name.len)?;
    if args.type_id.is_null() {
        return Err(call.violation("no place for the type".to_owned()));
    }
    let deleter = match args.type_info.is_null() {
        true => None,
        false => call.read(args.type_info)?.deleter,
    };
    // SAFETY: the place is the caller's; types carry no size.
    let asked = unsafe { (*args.type_id).type_id };
    let number = ffi::add_type(call, name, UserType { deleter }, asked)?;
    // SAFETY: as above.
    unsafe { (*args.type_id).type_id = number };
    Ok(())
}

fn register_handler(call: &Call, args: &mut sys::XLA_FFI_Handler_Register_Args) -> Outcome {
    let name = string(args.name.ptr, args.name.len)?;
    let platform = string(args.platform.ptr, args.platform.len)?;
    let bundle = args.bundle;
    let handlers = Handlers {
        instantiate: bundle.instantiate,
        prepare: bundle.prepare,
        initialize: bundle.initialize,
        execute: bundle.execute,
        original: None,
    };
    custom_call::register(call, name, platform, handlers)
}

fn future_create(call: &Call, args: &mut sys::XLA_FFI_Future_Create_Args) -> Outcome {
    args.future = call.give(Arc::new(Future(Signal::new())));
    Ok(())
}

fn end(call: &Call, future: *mut sys::XLA_FFI_Future, outcome: Outcome) -> Outcome {
    match call.get::<Future>(future)?.0.set(outcome) {
        true => Ok(()),
        false => Err(call.violation("the future has ended before".to_owned())),
    }
}

fn future_available(call: &Call, args: &mut sys::XLA_FFI_Future_SetAvailable_Args) -> Outcome {
    end(call, args.future, Ok(()))
}

fn future_error(call: &Call, args: &mut sys::XLA_FFI_Future_SetError_Args) -> Outcome {
    let Some(error) = call.destroy::<Error>(args.error)? else {
        return Err(call.violation("no error".to_owned()));
    };
    end(call, args.future, Err(error.failure.clone()))
}
