//! The store that processes of one program share: a client's creator gives callbacks for it.

use crate::call::{Call, Outcome};
use crate::callback;
use crate::failure::Failure;
use crate::memory_of::{bytes, text};
use pjrt_sys as sys;

/// Key under which a new client puts how many devices it has.
const KEY: &str = "mock/devices";
/// Key that nobody puts.
const ABSENT: &str = "mock/absent";
const PATIENCE_MS: i32 = 1000;

/// Uses the store as a client of several processes does: puts, gets, tries to get.
pub(crate) fn exchange(
    call: &Call,
    args: &mut sys::PJRT_Client_Create_Args,
    devices: usize,
) -> Outcome {
    let value = devices.to_string();
    if let Some(put) = args.kv_put_callback {
        let mut given = sys::PJRT_KeyValuePutCallback_Args::zeroed();
        (given.key, given.key_size) = text(KEY.as_bytes());
        (given.value, given.value_size) = text(value.as_bytes());
        given.user_arg = args.kv_put_user_arg;
        callback::with_error(call, |error| {
            given.callback_error = error;
            call.calling(&mut given, |given| {
                // SAFETY: the callback is the caller's; the arguments are of this version.
                unsafe { put(given) }
            })
        })?;
    }
    if let Some(get) = args.kv_get_callback {
        let mut given = sys::PJRT_KeyValueGetCallback_Args::zeroed();
        (given.key, given.key_size) = text(KEY.as_bytes());
        given.timeout_in_ms = PATIENCE_MS;
        given.user_arg = args.kv_get_user_arg;
        callback::with_error(call, |error| {
            given.callback_error = error;
            // SAFETY: as above.
            call.calling(&mut given, |given| unsafe { get(given) })
        })?;
        let found = bytes(given.value, given.value_size).to_vec();
        if let Some(free) = given.value_deleter_callback {
            // SAFETY: the value is that of the callback, and is not used again.
            unsafe { free(given.value) };
        }
        if args.kv_put_callback.is_some() && found != value.as_bytes() {
            return Err(Failure::new(
                sys::PJRT_Error_Code_INTERNAL,
                "the store gives another value than was put",
            ));
        }
    }
    if let Some(try_get) = args.kv_try_get_callback {
        let mut given = sys::PJRT_KeyValueTryGetCallback_Args::zeroed();
        (given.key, given.key_size) = text(ABSENT.as_bytes());
        given.user_arg = args.kv_try_get_user_arg;
        let answer = callback::with_error(call, |error| {
            given.callback_error = error;
            // SAFETY: as above.
            call.calling(&mut given, |given| unsafe { try_get(given) })
        });
        match answer {
            Err(failure) if failure.code == sys::PJRT_Error_Code_NOT_FOUND.0 => {}
            Err(failure) => return Err(failure),
            Ok(()) => {
                if let Some(free) = given.value_deleter_callback {
                    // SAFETY: as above.
                    unsafe { free(given.value) };
                }
            }
        }
    }
    Ok(())
}
