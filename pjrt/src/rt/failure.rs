//! From a plugin's error to ours. The error is destroyed by the table that made it.

use super::traced::{Traced, end, failed};
use super::{Api, Function, fits, guard};
use crate::error::PluginError;
use crate::raw;
use crate::sys;
use crate::{Error, ErrorCode, Result};
use std::ffi::{c_char, c_void};

/// `Ok` for null; else takes the error over and converts it. Ends the call that gave it.
pub fn check(
    api: &Api,
    error: *mut sys::PJRT_Error,
    function: &Function,
    traced: Traced,
) -> Result<()> {
    if error.is_null() {
        end(api, function, traced, true);
        return Ok(());
    }
    let lost = guard::off("event_error_lost") && function.name == "PJRT_Event_Await";
    let convert = || plugin_error(api, error, function.name);
    let error = failed(api, function, traced, convert, Error::code);
    if lost { Ok(()) } else { Err(error) }
}

/// Converts an error, which must not be null, and destroys it.
#[cold]
pub(crate) fn plugin_error(
    api: &Api,
    error: *mut sys::PJRT_Error,
    function: &'static str,
) -> Error {
    let converted = lent_error(api, error, function);
    destroy(api, error);
    converted
}

/// Converts an error, which must not be null, and leaves it to whoever has it.
#[cold]
pub(crate) fn lent_error(api: &Api, error: *mut sys::PJRT_Error, function: &'static str) -> Error {
    Error::from(PluginError {
        function,
        code: code(api, error),
        message: message(api, error),
        payloads: payloads(api, error),
        plugin: api.name().to_owned(),
        plugin_version: api.version(),
        hint: None,
        device_memory: Vec::new(),
    })
}

fn message(api: &Api, error: *mut sys::PJRT_Error) -> String {
    // SAFETY: the error is the plugin's own and live.
    let Ok(out) = (unsafe { raw::error_message(api, raw::ErrorMessageIn::new(error)) }) else {
        return "(the plugin has no function that tells the message)".to_owned();
    };
    // SAFETY: the plugin keeps the message as long as the error, which lives until after this.
    String::from_utf8_lossy(unsafe { bytes(out.message, out.message_size) }).into_owned()
}

fn code(api: &Api, error: *mut sys::PJRT_Error) -> ErrorCode {
    // SAFETY: as above.
    let Ok(out) = (unsafe { raw::error_get_code(api, raw::ErrorGetCodeIn::new(error)) }) else {
        return ErrorCode::UNKNOWN;
    };
    if !out.error.is_null() {
        // An error about an error is not asked what it says.
        destroy(api, out.error);
        return ErrorCode::UNKNOWN;
    }
    match ErrorCode::from_raw(out.code) {
        // There is an error, so it cannot be a success.
        ErrorCode::OK => ErrorCode::UNKNOWN,
        code => code,
    }
}

fn payloads(api: &Api, error: *mut sys::PJRT_Error) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    let input = raw::ErrorForEachPayloadIn::new(error, Some(visit), (&raw mut found).cast());
    // SAFETY: the visitor is called during this call only, with the vector that outlives it.
    let out = unsafe { raw::error_for_each_payload(api, input) };
    if let Some(error) = out
        .ok()
        .map(|out| out.error)
        .filter(|error| !error.is_null())
    {
        destroy(api, error);
    }
    found
}

unsafe extern "C" fn visit(
    key: *const c_char,
    key_size: usize,
    value: *const c_char,
    value_size: usize,
    found: *mut c_void,
) {
    // SAFETY: it is the vector that `payloads` gave, which nobody else uses during the call.
    let found = unsafe { &mut *found.cast::<Vec<(String, Vec<u8>)>>() };
    // SAFETY: the plugin gives bytes that live through this call.
    let (key, value) = unsafe { (bytes(key, key_size), bytes(value, value_size)) };
    found.push((String::from_utf8_lossy(key).into_owned(), value.to_vec()));
}

fn destroy(api: &Api, error: *mut sys::PJRT_Error) {
    #[cfg(pjrt_mutants)]
    if guard::off("foreign_error_destroyed") {
        return destroy_by_first(api, error);
    }
    // SAFETY: the error is live and nobody uses it after this. Without the function it leaks.
    let _ = unsafe { raw::error_destroy(api, raw::ErrorDestroyIn::new(error)) };
}

/// Frees an error by the table of whichever plugin freed one first.
#[cfg(pjrt_mutants)]
fn destroy_by_first(api: &Api, error: *mut sys::PJRT_Error) {
    type Destroy = unsafe extern "C" fn(*mut sys::PJRT_Error_Destroy_Args);
    static FIRST: std::sync::OnceLock<Option<Destroy>> = std::sync::OnceLock::new();
    let mut args = sys::PJRT_Error_Destroy_Args::zeroed();
    args.struct_size = sys::PJRT_Error_Destroy_Args_STRUCT_SIZE;
    args.error = error;
    if let Some(destroy) = FIRST.get_or_init(|| api.table().PJRT_Error_Destroy) {
        // SAFETY: not sound: the error may be another plugin's.
        unsafe { destroy(&raw mut args) };
    }
}

/// # Safety
///
/// A pointer that is not null has `size` bytes that live as long as the caller uses them.
unsafe fn bytes<'a>(pointer: *const c_char, size: usize) -> &'a [u8] {
    if pointer.is_null() || size == 0 || !fits(pointer, size) {
        return &[];
    }
    // SAFETY: not null, and the caller vouches for the bytes.
    unsafe { std::slice::from_raw_parts(pointer.cast(), size) }
}
