//! What a partitioner's answers look like in C, and who frees them: the function that comes along.

use super::Partition;
use crate::sys::custom_partitioner as c;
use crate::{CallbackError, ErrorCode};
use std::ffi::c_void;

/// The version of the callbacks and their arguments; not that of the extension.
pub(super) const VERSION: i64 = 0;

type Outcome<T> = Result<T, CallbackError>;

/// Holds what an answer points to until the plugin frees it.
#[derive(Default)]
struct Held {
    texts: Vec<Vec<u8>>,
    spans: Vec<c::JAX_CustomCallPartitioner_string>,
}

fn span(text: &[u8]) -> c::JAX_CustomCallPartitioner_string {
    c::JAX_CustomCallPartitioner_string {
        data: text.as_ptr().cast(),
        size: text.len(),
    }
}

/// Whether arguments are of the version that is known here.
///
/// # Safety
///
/// `header` is that of a plugin's arguments.
pub(super) unsafe fn version(
    header: *const c::JAX_CustomCallPartitioner_version_and_error,
) -> Outcome<()> {
    // SAFETY: the caller's promise; the plugin set the version.
    let came = unsafe { (&raw const (*header).api_version).read() };
    if came == VERSION {
        return Ok(());
    }
    let text = format!("arguments of partitioners have version {VERSION} here, and {came} came");
    Err(CallbackError::new(ErrorCode::UNIMPLEMENTED, text))
}

/// Says who frees the answer, and whether it is an error. Plugins call the function in either case,
/// and set none of these fields before.
///
/// # Safety
///
/// `header` is that of a plugin's arguments.
unsafe fn finish(
    header: *mut c::JAX_CustomCallPartitioner_version_and_error,
    mut held: Box<Held>,
    error: Option<CallbackError>,
) {
    // SAFETY: the caller's promise: fields of ours to write.
    unsafe {
        (&raw mut (*header).has_error).write(error.is_some());
        if let Some(error) = error {
            held.texts = vec![error.message().as_bytes().to_vec()];
            let message = held.texts.first().map_or(span(&[]), |text| span(text));
            (&raw mut (*header).code).write(error.code().as_raw());
            (&raw mut (*header).error_msg).write(message);
        }
        (&raw mut (*header).data).write(Box::into_raw(held).cast());
        (&raw mut (*header).cleanup_fn).write(Some(free));
    }
}

/// Frees an answer. The plugin calls it once.
unsafe extern "C" fn free(held: *mut c_void) {
    if !held.is_null() {
        // SAFETY: the box of `finish`, which the plugin got once.
        drop(unsafe { Box::from_raw(held.cast::<Held>()) });
    }
}

/// # Safety
///
/// `args` are whole and the plugin's own.
pub(super) unsafe fn partition(
    args: *mut c::JAX_CustomCallPartitioner_Partition_Args,
    outcome: Outcome<Partition>,
) {
    let mut held = Box::new(Held::default());
    let mut failed = None;
    match outcome {
        Ok(made) => {
            // The bytes stay where they are when the vectors that own them are moved.
            let (module, result) = (span(&made.module), span(&made.result_sharding));
            held.spans = made.operand_shardings.iter().map(|s| span(s)).collect();
            held.texts = made.operand_shardings;
            held.texts.extend([made.module, made.result_sharding]);
            // SAFETY: the caller's promise: fields of ours to write.
            unsafe {
                (&raw mut (*args).mlir_module).write(module);
                (&raw mut (*args).result_sharding).write(result);
                (&raw mut (*args).args_sharding).write(held.spans.as_mut_ptr());
            }
        }
        Err(error) => failed = Some(error),
    }
    // SAFETY: as above.
    unsafe { finish(&raw mut (*args).header, held, failed) };
}

/// # Safety
///
/// As [`partition`].
pub(super) unsafe fn inference(
    args: *mut c::JAX_CustomCallPartitioner_InferShardingFromOperands_Args,
    outcome: Outcome<Option<Vec<u8>>>,
) {
    let (sharding, failed) = match outcome {
        Ok(sharding) => (sharding, None),
        Err(error) => (None, Some(error)),
    };
    // SAFETY: the caller's promise: fields of ours to write.
    unsafe {
        (&raw mut (*args).has_result_sharding).write(sharding.is_some());
        let text = sharding.unwrap_or_default();
        (&raw mut (*args).result_sharding).write(span(&text));
        let mut held = Box::new(Held::default());
        held.texts.push(text);
        finish(&raw mut (*args).header, held, failed);
    }
}

/// # Safety
///
/// As [`partition`].
pub(super) unsafe fn propagation(
    args: *mut c::JAX_CustomCallPartitioner_PropagateUserSharding_Args,
    outcome: Outcome<Vec<u8>>,
) {
    let mut held = Box::new(Held::default());
    let mut failed = None;
    match outcome {
        Ok(text) => {
            // SAFETY: the caller's promise: a field of ours to write. What was there belongs to
            // the plugin.
            unsafe { (&raw mut (*args).result_sharding).write(span(&text)) };
            held.texts.push(text);
        }
        Err(error) => failed = Some(error),
    }
    // SAFETY: as above.
    unsafe { finish(&raw mut (*args).header, held, failed) };
}
