//! Calls that are finished after the handler has returned.

use super::array::Which;
use super::borrow::{Arrays, Operand, ResultMut};
use super::error::of_panic;
use super::frame::Frame;
use super::xla::Xla;
use super::{Error, Stage};
use crate::rt;
use crate::sys::ffi_api as c;
use crate::{Element, ErrorCode};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The future of a deferred call, completed once, when both the handler has returned and the work
/// is finished.
pub(super) struct Completion {
    xla: Xla,
    future: NonNull<c::XLA_FFI_Future>,
    state: Mutex<Progress>,
}

enum Progress {
    /// Neither.
    Both,
    /// The work is finished, the handler has not returned.
    Finished(Result<(), Error>),
    /// The handler has returned, the work goes on.
    Returned(Result<(), Error>),
    /// Both have happened.
    Done,
}

// SAFETY: a future may be completed from any thread, which is what it is for; only one thread
// does, which the lock decides.
unsafe impl Send for Completion {}
// SAFETY: as above.
unsafe impl Sync for Completion {}

impl Completion {
    fn new(xla: Xla) -> Result<Completion, Error> {
        if !xla.has_future_field() {
            return Err(xla.absent("XLA_FFI_CallFrame.future"));
        }
        // Looked at first, for a future that cannot be completed would be waited for forever.
        xla.slot("XLA_FFI_Future_SetAvailable", |api: &c::XLA_FFI_Api| {
            api.XLA_FFI_Future_SetAvailable
        })?;
        xla.slot("XLA_FFI_Future_SetError", |api: &c::XLA_FFI_Api| {
            api.XLA_FFI_Future_SetError
        })?;
        let create = xla.slot("XLA_FFI_Future_Create", |api: &c::XLA_FFI_Api| {
            api.XLA_FFI_Future_Create
        })?;
        let mut args = c::XLA_FFI_Future_Create_Args::zeroed();
        // The constant leaves the output out; the plugin compares with the same one.
        args.struct_size = c::XLA_FFI_Future_Create_Args_STRUCT_SIZE;
        // SAFETY: the struct is whole, and the error is a new one.
        unsafe {
            let error = create(&raw mut args);
            xla.check(error, "XLA_FFI_Future_Create")?;
        }
        let future = NonNull::new(args.future)
            .ok_or_else(|| Error::internal("XLA_FFI_Future_Create gave no future"))?;
        Ok(Completion {
            xla,
            future,
            state: Mutex::new(Progress::Both),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The work is finished. Nobody touches the call's memory after this.
    fn finish(&self, result: Result<(), Error>) {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, Progress::Done) {
            Progress::Both => *state = Progress::Finished(result),
            Progress::Returned(handler) => {
                drop(state);
                self.complete(handler.and(result));
            }
            // It happens once: `Deferred` is consumed.
            other => *state = other,
        }
    }

    /// The handler has returned, and XLA is about to get the future.
    pub(super) fn returned(&self, frame: &Frame<'_>, handler: Result<(), Error>) {
        frame.set_future(self.future);
        let mut state = self.lock();
        match std::mem::replace(&mut *state, Progress::Done) {
            Progress::Both => *state = Progress::Returned(handler),
            Progress::Finished(result) => {
                drop(state);
                self.complete(handler.and(result));
            }
            other => *state = other,
        }
    }

    fn complete(&self, result: Result<(), Error>) {
        let error = match &result {
            Ok(()) => std::ptr::null_mut(),
            Err(error) => self.xla.error(error),
        };
        // SAFETY: the future is completed here alone, once; XLA frees it after that, and it is not
        // used again. The error, if there is one, is handed over. Both functions are there:
        // `new` looked.
        unsafe {
            if error.is_null() {
                if let Ok(set) = self
                    .xla
                    .slot("XLA_FFI_Future_SetAvailable", |api: &c::XLA_FFI_Api| {
                        api.XLA_FFI_Future_SetAvailable
                    })
                {
                    let mut args = c::XLA_FFI_Future_SetAvailable_Args::zeroed();
                    args.struct_size = c::XLA_FFI_Future_SetAvailable_Args_STRUCT_SIZE;
                    args.future = self.future.as_ptr();
                    let failed = set(&raw mut args);
                    let _ = self.xla.check(failed, "XLA_FFI_Future_SetAvailable");
                }
            } else if let Ok(set) = self
                .xla
                .slot("XLA_FFI_Future_SetError", |api: &c::XLA_FFI_Api| {
                    api.XLA_FFI_Future_SetError
                })
            {
                let mut args = c::XLA_FFI_Future_SetError_Args::zeroed();
                args.struct_size = c::XLA_FFI_Future_SetError_Args_STRUCT_SIZE;
                args.future = self.future.as_ptr();
                args.error = error;
                let failed = set(&raw mut args);
                let _ = self.xla.check(failed, "XLA_FFI_Future_SetError");
            }
        }
    }
}

/// A call that goes on after its handler has returned: [`super::Call::defer`]. The run waits for
/// [`Deferred::finish`]; until then operands and results stay where they are.
///
/// Dropped unfinished it fails the run with [`ErrorCode::CANCELLED`].
pub struct Deferred {
    arrays: Arrays<'static>,
    completion: Option<Arc<Completion>>,
    handler: String,
}

// SAFETY: what it holds besides are addresses of memory that XLA keeps until the completion, and
// that this value alone gives out; borrows of them are counted by one thread at a time, for the
// value is not `Sync`.
unsafe impl Send for Deferred {}

impl Deferred {
    /// Defers a call. The caller gives up its own borrows of the call's arrays.
    pub(super) fn new(frame: &Frame<'_>) -> Result<Deferred, Error> {
        if frame.stage != Stage::EXECUTE {
            return Err(Error::failed_precondition(format!(
                "only a call of the stage {} can be finished later, and this is {}",
                Stage::EXECUTE,
                frame.stage
            )));
        }
        let completion = Arc::new(Completion::new(frame.xla)?);
        frame.deferred.replace(Some(completion.clone()));
        Ok(Deferred {
            arrays: frame.arrays.to_owned(),
            completion: Some(completion),
            handler: frame.handler.to_owned(),
        })
    }

    /// As [`super::Call::operand`].
    ///
    /// # Errors
    ///
    /// As [`super::Call::operand`].
    pub fn operand<T: Element>(&self, index: usize) -> Result<Operand<'_, T>, Error> {
        // SAFETY: only a call for the host can be deferred, in the stage that has contents; XLA
        // keeps the memory until the completion, which consumes `self`.
        unsafe { self.arrays.operand(index) }
    }

    /// As [`super::Call::result_mut`].
    ///
    /// # Errors
    ///
    /// As [`super::Call::result_mut`].
    pub fn result_mut<T: Element>(&self, index: usize) -> Result<ResultMut<'_, T>, Error> {
        // SAFETY: as above.
        unsafe { self.arrays.result(index) }
    }

    /// How many operands the call has.
    pub fn operand_count(&self) -> usize {
        self.arrays.operand_count()
    }

    /// How many results the call has.
    pub fn result_count(&self) -> usize {
        self.arrays.result_count()
    }

    /// Says that the results are written, or why they are not. Where the handler itself returned
    /// an error after deferring the call, that one counts.
    pub fn finish(mut self, result: Result<(), Error>) {
        self.complete(result);
    }

    /// Runs the work and finishes with what it returns.
    pub(super) fn run(self, work: impl FnOnce(&Deferred) -> Result<(), Error>) {
        let result = catch_unwind(AssertUnwindSafe(|| work(&self)));
        let result = result.unwrap_or_else(|panic| Err(of_panic(panic)));
        self.finish(result);
    }

    fn complete(&mut self, result: Result<(), Error>) {
        if let Some(completion) = self.completion.take() {
            completion.finish(result.map_err(|error| error.within(&self.handler)));
        }
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        let text = "the call was deferred and dropped unfinished";
        self.complete(Err(Error::new(ErrorCode::CANCELLED, text)));
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = (0..self.operand_count()).map(Which::Operand);
        let results = (0..self.result_count()).map(Which::Result);
        let arrays = which.chain(results);
        f.debug_struct("Deferred")
            .field("handler", &self.handler)
            .field("arrays", &arrays.count())
            .finish_non_exhaustive()
    }
}

/// Hands a task to XLA's pool of threads.
pub(super) fn schedule(
    frame: &Frame<'_>,
    task: impl FnOnce() + Send + 'static,
) -> Result<(), Error> {
    type Task = Box<dyn FnOnce() + Send>;
    unsafe extern "C" fn run(task: *mut std::ffi::c_void) {
        // SAFETY: XLA calls this once, with the box that `schedule` gave it.
        let task = unsafe { Box::from_raw(task.cast::<Task>()) };
        // Nobody is there to be told of a panic.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| rt::on_plugin_thread(task))) {
            let _ = of_panic(panic);
        }
    }
    let schedule = frame
        .xla
        .slot("XLA_FFI_ThreadPool_Schedule", |api: &c::XLA_FFI_Api| {
            api.XLA_FFI_ThreadPool_Schedule
        })?;
    let task: Task = Box::new(task);
    let task = Box::into_raw(Box::new(task));
    let mut args = c::XLA_FFI_ThreadPool_Schedule_Args::zeroed();
    args.struct_size = c::XLA_FFI_ThreadPool_Schedule_Args_STRUCT_SIZE;
    args.ctx = frame.context;
    args.task = Some(run);
    args.data = task.cast();
    // SAFETY: the context is the frame's own, during the call; `run` owns the task from now on.
    let scheduled = unsafe {
        let error = schedule(&raw mut args);
        frame.xla.check(error, "XLA_FFI_ThreadPool_Schedule")
    };
    if scheduled.is_err() {
        // SAFETY: the plugin refused the task, so nobody will run it.
        drop(unsafe { Box::from_raw(task) });
    }
    scheduled
}
