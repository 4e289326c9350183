//! Switches that turn guards off one by one, for the safety exam to see that somebody notices.
//!
//! Only a build with `--cfg pjrt_mutants` has them, and there the environment variable `PJRT_MUTANT`
//! names the row whose guard is off. In every other build the answer is a constant.

/// Whether the guard of this row is off.
#[cfg(not(pjrt_mutants))]
#[inline(always)]
pub(crate) const fn off(_row: &str) -> bool {
    false
}

/// Whether the guard of this row is off.
#[cfg(pjrt_mutants)]
pub(crate) fn off(row: &str) -> bool {
    static OFF: std::sync::OnceLock<Option<std::ffi::OsString>> = std::sync::OnceLock::new();
    let off = OFF.get_or_init(|| std::env::var_os("PJRT_MUTANT"));
    off.as_deref() == Some(std::ffi::OsStr::new(row))
}

/// What every type is: stands for a bound that is taken away.
#[cfg(pjrt_mutant = "kv_store_not_sync")]
#[allow(dead_code, missing_docs, reason = "of a build that nobody uses")]
pub trait Anything {}

#[cfg(pjrt_mutant = "kv_store_not_sync")]
impl<T: ?Sized> Anything for T {}

/// Takes any closure for one that may go to another thread.
#[cfg(pjrt_mutant = "callback_not_send")]
pub(crate) fn as_send<A>(closure: impl FnOnce(A) + 'static) -> impl FnOnce(A) + Send + 'static {
    struct AsSend<F>(F);
    // SAFETY: not sound. A build with this cfg only shows what compiles, and is never run.
    unsafe impl<F> Send for AsSend<F> {}
    impl<F> AsSend<F> {
        fn call<A>(self, argument: A)
        where
            F: FnOnce(A),
        {
            (self.0)(argument)
        }
    }
    let closure = AsSend(closure);
    move |argument| closure.call(argument)
}
