//! Calls as spans of the crate `tracing`.

use super::{SPANS, WATCHED, line};
use crate::ErrorCode;
use std::cell::RefCell;
use std::sync::atomic::Ordering;
use tracing::span::EnteredSpan;

thread_local! {
    /// One for each traced call that runs on the thread, whoever watches.
    static RUNNING: RefCell<Vec<Option<EnteredSpan>>> = const { RefCell::new(Vec::new()) };
}

/// Enters the span of a call.
pub(super) fn begin(function: &'static str, size: usize, plugin: &str) {
    let watched = WATCHED.load(Ordering::Relaxed) & SPANS != 0;
    let make =
        || tracing::trace_span!(target: "pjrt::trace", "pjrt", function, size, plugin).entered();
    // The place first: a subscriber that panics leaves it empty.
    let _ = RUNNING.try_with(|running| running.borrow_mut().push(None));
    if let Some(span) = watched.then(make) {
        let _ = RUNNING.try_with(|running| {
            if let Some(place) = running.borrow_mut().last_mut() {
                *place = Some(span);
            }
        });
    }
}

/// Tells the outcome and leaves the span.
pub(super) fn end(took: u64, code: Option<ErrorCode>) {
    let last = RUNNING.try_with(|running| running.borrow_mut().pop());
    if let Ok(Some(Some(span))) = last {
        let code = line::code_name(code);
        tracing::trace!(target: "pjrt::trace", code, ns = took);
        drop(span);
    }
}
