//! Where each call on a plugin begins and ends, for whoever watches.

use super::{Api, Function};
use crate::{ErrorCode, trace};
use std::sync::atomic::Ordering;

/// A call that runs. Whoever begins one ends it, on the same thread.
#[derive(Clone, Copy, Debug)]
pub struct Traced {
    /// When it began, in nanoseconds of the trace's own clock; 0 if nobody watches.
    pub(crate) began: u64,
    /// The size of the arguments that was sent; 0 where none is.
    pub(crate) size: usize,
}

/// Begins a call. While nobody watches, this reads one word.
#[inline]
pub fn begin(api: &Api, function: &Function, size: usize) -> Traced {
    match trace::WATCHED.load(Ordering::Relaxed) {
        0 => Traced { began: 0, size: 0 },
        _ => begun(api, function, size),
    }
}

#[cold]
fn begun(api: &Api, function: &Function, size: usize) -> Traced {
    trace::begin(api.name(), function.name, size)
}

/// Ends a call whose outcome is not asked any further.
#[inline]
pub fn end(api: &Api, function: &Function, traced: Traced, success: bool) {
    if traced.began != 0 {
        let code = if success { Some(ErrorCode::OK) } else { None };
        ended(api, function, traced, code);
    }
}

#[cold]
fn ended(api: &Api, function: &Function, traced: Traced, code: Option<ErrorCode>) {
    let took = trace::leave(traced);
    trace::end(api.name(), function.name, traced, took, code);
}

/// Ends a call whose error is converted, which makes other calls.
#[cold]
pub(super) fn failed<E>(
    api: &Api,
    function: &Function,
    traced: Traced,
    convert: impl FnOnce() -> E,
    code: impl FnOnce(&E) -> ErrorCode,
) -> E {
    let took = trace::leave(traced);
    let error = convert();
    trace::end(api.name(), function.name, traced, took, Some(code(&error)));
    error
}
