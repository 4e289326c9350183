//! Data that a plugin holds until it calls back, which happens once or never.

use super::reaper::on_plugin_thread;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// Our end of data that a plugin was given.
pub(crate) struct Handed<T>(Arc<Mutex<Option<T>>>);

impl<T: Send + 'static> Handed<T> {
    /// Packs data for a plugin. The pointer is for [`taken`], once.
    pub(crate) fn new(data: T) -> (Handed<T>, *mut c_void) {
        let shared = Arc::new(Mutex::new(Some(data)));
        let theirs = Arc::into_raw(Arc::clone(&shared));
        (Handed(shared), theirs.cast_mut().cast())
    }

    /// Takes the data back after a call that failed. If the call reached the plugin, nobody knows
    /// whether it still calls back: then the empty shell stays for it.
    ///
    /// # Safety
    ///
    /// `theirs` came with this, and unless the call reached the plugin, nobody has it.
    pub(crate) unsafe fn take_back(self, theirs: *mut c_void, reached: bool) -> Option<T> {
        if !reached {
            // SAFETY: the pointer is the counted reference that was made for the plugin, which
            // never got it.
            drop(unsafe { Arc::from_raw(theirs.cast::<Mutex<Option<T>>>().cast_const()) });
        }
        take(&self.0)
    }
}

/// What a plugin brings back; none if the call that gave it failed.
///
/// # Safety
///
/// The pointer is one of [`Handed::new`] for the same type, and was not brought back before.
pub(crate) unsafe fn taken<T>(theirs: *mut c_void) -> Option<T> {
    // SAFETY: the caller's promise: it is the plugin's counted reference, which ends here.
    let shared = unsafe { Arc::from_raw(theirs.cast::<Mutex<Option<T>>>().cast_const()) };
    take(&shared)
}

fn take<T>(shared: &Mutex<Option<T>>) -> Option<T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner).take()
}

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
    fn data_comes_back_once() {
        let (ours, theirs) = Handed::new(7);
        // SAFETY: the pointer is fresh and brought back once.
        assert_eq!(unsafe { taken::<i32>(theirs) }, Some(7));
        drop(ours);
        let (ours, theirs) = Handed::new(7);
        // SAFETY: nobody else has the pointer.
        assert_eq!(unsafe { ours.take_back(theirs, false) }, Some(7));
        let (ours, theirs) = Handed::new(7);
        // SAFETY: as above; a plugin that was reached may call back, and finds nothing.
        assert_eq!(unsafe { ours.take_back(theirs, true) }, Some(7));
        // SAFETY: the one time that it is brought back.
        assert_eq!(unsafe { taken::<i32>(theirs) }, None);
    }

    #[test]
    fn a_panic_stays_inside() {
        contained(|| std::panic::resume_unwind(Box::new("thrown")));
    }
}
