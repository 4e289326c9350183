//! Errors of Megascale: who is told of them, and how they are gathered. An error's bytes are those
//! of its message.

use super::{hold, release};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::event::Sent;
use crate::failure::Failure;
use crate::memory_of::{bytes, string, text};
use pjrt_sys::megascale as sys;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What this plugin was told, and whom it tells.
#[derive(Default)]
struct Errors {
    handlers: Mutex<BTreeMap<String, Handler>>,
    /// The first error, which stands for all.
    first: Mutex<Option<Vec<u8>>>,
}

type Function = unsafe extern "C" fn(*const std::ffi::c_char, usize, *mut c_void);

/// A function of the caller with its data.
#[derive(Clone, Copy)]
struct Handler(Function, Sent<*mut c_void>);

/// Errors of several workers.
struct ErrorAggregator {
    errors: Mutex<Vec<(String, Vec<u8>)>>,
    active: AtomicBool,
}

/// What has come of them.
struct ErrorDigest {
    aggregator: Arc<ErrorAggregator>,
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Megascale_RegisterErrorHandler", register);
    all.add("PJRT_Megascale_UnregisterErrorHandler", unregister);
    all.add("PJRT_Megascale_ErrorAggregator_Create", create);
    all.add("PJRT_Megascale_ErrorAggregator_Delete", delete);
    all.add("PJRT_Megascale_ErrorDigest_Delete", delete_digest);
    all.add("PJRT_Megascale_ErrorAggregator_AddError", add);
    all.add("PJRT_Megascale_ErrorAggregator_ProcessAndShutdown", process);
    all.add("PJRT_Megascale_ErrorAggregator_LogErrorDigest", log);
    all.add("PJRT_Megascale_ErrorAggregator_Size", size);
    all.add("PJRT_Megascale_ErrorAggregator_Active", active);
    all.add("PJRT_Megascale_GetOrCreateRuntimeError", runtime_error);
}

fn register(call: &Call, args: &mut sys::PJRT_Megascale_RegisterErrorHandler_Args) -> Outcome {
    let name = string(args.handler_name, args.handler_name_size)?;
    let function = args.handler.ok_or_else(|| Failure::invalid("no handler"))?;
    let errors = call.inner.state::<Errors>();
    let mut handlers = errors
        .handlers
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    handlers.insert(name, Handler(function, Sent::new(args.user_data)));
    Ok(())
}

fn unregister(call: &Call, args: &mut sys::PJRT_Megascale_UnregisterErrorHandler_Args) -> Outcome {
    let name = string(args.handler_name, args.handler_name_size)?;
    let errors = call.inner.state::<Errors>();
    let mut handlers = errors
        .handlers
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if handlers.remove(&name).is_none() {
        let code = pjrt_sys::PJRT_Error_Code_NOT_FOUND;
        return Err(Failure::new(code, format!("no handler `{name}`")));
    }
    Ok(())
}

fn create(call: &Call, args: &mut sys::PJRT_Megascale_ErrorAggregator_Create_Args) -> Outcome {
    string(args.app_type, args.app_type_size)?;
    args.aggregator = call.give(Arc::new(ErrorAggregator {
        errors: Mutex::default(),
        active: AtomicBool::new(true),
    }));
    Ok(())
}

fn delete(call: &Call, args: &mut sys::PJRT_Megascale_ErrorAggregator_Delete_Args) -> Outcome {
    call.destroy::<ErrorAggregator>(args.aggregator).map(drop)
}

fn delete_digest(call: &Call, args: &mut sys::PJRT_Megascale_ErrorDigest_Delete_Args) -> Outcome {
    call.destroy::<ErrorDigest>(args.digest).map(drop)
}

fn add(call: &Call, args: &mut sys::PJRT_Megascale_ErrorAggregator_AddError_Args) -> Outcome {
    let aggregator = call.get::<ErrorAggregator>(args.aggregator)?;
    let worker = string(args.worker_id, args.worker_id_size)?;
    let error = bytes(args.serialized_error, args.serialized_error_size);
    if !aggregator.active.load(Ordering::SeqCst) {
        return Err(Failure::precondition("it was shut down"));
    }
    let mut errors = aggregator
        .errors
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    errors.push((worker, error.to_vec()));
    Ok(())
}

fn process(
    call: &Call,
    args: &mut sys::PJRT_Megascale_ErrorAggregator_ProcessAndShutdown_Args,
) -> Outcome {
    let aggregator = call.get::<ErrorAggregator>(args.aggregator)?;
    if !aggregator.active.swap(false, Ordering::SeqCst) {
        return Err(Failure::precondition("it was shut down before"));
    }
    args.digest = call.give(Arc::new(ErrorDigest { aggregator }));
    Ok(())
}

fn log(call: &Call, args: &mut sys::PJRT_Megascale_ErrorAggregator_LogErrorDigest_Args) -> Outcome {
    let aggregator = call.get::<ErrorAggregator>(args.aggregator)?;
    let digest = call.get::<ErrorDigest>(args.digest)?;
    match Arc::ptr_eq(&digest.aggregator, &aggregator) {
        true => Ok(()),
        false => Err(Failure::invalid("the digest is of another aggregator")),
    }
}

fn size(call: &Call, args: &mut sys::PJRT_Megascale_ErrorAggregator_Size_Args) -> Outcome {
    let aggregator = call.get::<ErrorAggregator>(args.aggregator)?;
    let errors = aggregator
        .errors
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    args.size = errors.len();
    Ok(())
}

fn active(call: &Call, args: &mut sys::PJRT_Megascale_ErrorAggregator_Active_Args) -> Outcome {
    let aggregator = call.get::<ErrorAggregator>(args.aggregator)?;
    args.active = aggregator.active.load(Ordering::SeqCst);
    Ok(())
}

/// The first error is new, and every handler is told of it, on another thread.
fn runtime_error(
    call: &Call,
    args: &mut sys::PJRT_Megascale_GetOrCreateRuntimeError_Args,
) -> Outcome {
    let message = bytes(args.status_message, args.status_message_size);
    let errors = call.inner.state::<Errors>();
    let mut first = errors.first.lock().unwrap_or_else(PoisonError::into_inner);
    args.is_new_error = first.is_none();
    let error = first.get_or_insert_with(|| message.to_vec()).clone();
    drop(first);
    let held = hold(call, error.clone());
    (
        args.serialized_error,
        args.serialized_error_size,
        args.error,
    ) = held;
    args.error_deleter = Some(release);
    if args.is_new_error {
        call.later(move |_| {
            let handlers = errors.handlers.lock();
            let handlers = handlers.unwrap_or_else(PoisonError::into_inner).clone();
            let (start, size) = text(&error);
            for Handler(function, data) in handlers.values() {
                // SAFETY: the function is the caller's; the bytes are there for the time of the call.
                unsafe { function(start, size, data.get()) };
            }
        });
    }
    Ok(())
}
