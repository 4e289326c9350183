//! Callbacks of callers that answer with an error.

use crate::call::{Call, Outcome};
use crate::failure::Failure;
use crate::mock::Inner;
use crate::stub;
use pjrt_sys as sys;
use std::cell::RefCell;
use std::ffi::c_char;
use std::sync::Arc;

thread_local! {
    /// The plugin whose caller is being called back on this thread.
    static CALLING: RefCell<Vec<Arc<Inner>>> = const { RefCell::new(Vec::new()) };
}

/// What callers make errors with.
unsafe extern "C" fn make_error(
    code: sys::PJRT_Error_Code,
    message: *const c_char,
    size: usize,
) -> *mut sys::PJRT_Error {
    let inner = CALLING.with_borrow(|calling| calling.last().cloned());
    // Outside of a callback nobody could tell whose error it is.
    let inner = inner.or_else(|| stub::at(0));
    inner.map_or(std::ptr::null_mut(), |inner| {
        inner.error(Failure::given(code, message, size))
    })
}

/// Runs a callback of the caller, which gets a function that makes errors, and takes its error.
pub(crate) fn with_error(
    call: &Call,
    run: impl FnOnce(*mut sys::PJRT_CallbackError) -> *mut sys::PJRT_Error,
) -> Outcome {
    let mut function: sys::PJRT_CallbackError = Some(make_error);
    CALLING.with_borrow_mut(|calling| calling.push(call.inner.clone()));
    let error = run(&raw mut function);
    CALLING.with_borrow_mut(Vec::pop);
    match call.destroy::<Failure>(error)? {
        None => Ok(()),
        Some(failure) => Err(Failure::clone(&failure)),
    }
}

impl Call {
    /// Calls back with arguments in the form of this version, and takes the outputs over.
    pub(crate) fn calling<A: Copy, R>(&self, args: &mut A, run: impl FnOnce(*mut A) -> R) -> R {
        let Some(layout) = self.era().layout::<A>() else {
            panic!("{} is not of this version", std::any::type_name::<A>());
        };
        let mut words = vec![0u64; layout.size.div_ceil(8).max(size_of::<A>().div_ceil(8))];
        let place = words.as_mut_ptr();
        // SAFETY: the words hold the struct in either form; its size comes first.
        unsafe {
            layout.write((&raw const *args).cast(), place.cast());
            place.write(layout.minimum as u64);
        }
        let result = run(place.cast());
        // SAFETY: as above.
        unsafe { layout.read(place.cast(), layout.size, (&raw mut *args).cast()) };
        result
    }
}
