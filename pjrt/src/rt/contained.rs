//! What every callback of ours runs in.

use super::reaper::on_plugin_thread;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs what a callback does: marked as the plugin's thread, and without unwinding into C.
pub(crate) fn contained(body: impl FnOnce()) {
    let run = || on_plugin_thread(body);
    if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
        // Dropping what was thrown could panic again.
        std::mem::forget(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_stays_inside() {
        contained(|| std::panic::resume_unwind(Box::new("thrown")));
    }
}
