//! What a handler sees of its call.

use super::array::{RawArray, Which};
use super::attribute::{Attribute, Attributes};
use super::borrow::{Operand, ResultMut};
use super::call_extension::CallExtension;
use super::deferred::{self, Deferred};
use super::frame::Frame;
use super::scratch::Scratch;
use super::{Error, Stage, UserType};
use crate::Element;
use crate::sys::ffi_api as c;
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;

/// Mark of a call in host memory: [`Call`]'s default.
#[derive(Debug)]
pub enum Host {}

/// Mark of a call in a device's memory.
#[derive(Debug)]
pub enum Device {}

/// Mark of a call that has no arrays: the instantiation.
#[derive(Debug)]
pub enum Instantiation {}

/// A call of a handler: operands, results, attributes, and what XLA tells of the run.
///
/// On the [`Host`] arrays are typed slices; on a [`Device`] they are addresses.
pub struct Call<'c, P = Host> {
    frame: &'c Frame<'c>,
    place: PhantomData<P>,
}

impl<'c, P> Call<'c, P> {
    pub(super) fn new(frame: &'c Frame<'c>) -> Call<'c, P> {
        Call {
            frame,
            place: PhantomData,
        }
    }

    /// The name that the handler was made with.
    pub fn handler(&self) -> &'c str {
        self.frame.handler
    }

    /// When the call happens.
    pub fn stage(&self) -> Stage {
        self.frame.stage
    }

    /// All attributes.
    pub fn attributes(&self) -> Attributes<'c> {
        self.frame.attributes
    }

    /// The value of an attribute: `call.attr::<f32>("factor")?`.
    ///
    /// # Errors
    ///
    /// As [`Attributes::get`].
    pub fn attr<T: Attribute<'c>>(&self, name: &str) -> Result<T, Error> {
        self.frame.attributes.get(name)
    }

    /// How many operands the call has.
    pub fn operand_count(&self) -> usize {
        self.frame.arrays.operand_count()
    }

    /// How many results the call has.
    pub fn result_count(&self) -> usize {
        self.frame.arrays.result_count()
    }

    /// Where an operand lies. Before the execution, and in the instantiation, nothing is there.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` if there are fewer operands.
    pub fn operand_raw(&self, index: usize) -> Result<&RawArray<'c>, Error> {
        self.frame.arrays.raw(Which::Operand(index))
    }

    /// Where a result lies.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` if there are fewer results.
    pub fn result_raw(&self, index: usize) -> Result<&RawArray<'c>, Error> {
        self.frame.arrays.raw(Which::Result(index))
    }

    fn context(&self) -> Result<*mut c::XLA_FFI_InvokeContext, Error> {
        let context = self.frame.context;
        if context.is_null() {
            return Err(Error::internal("XLA gives no context with this call"));
        }
        Ok(context)
    }

    /// The number of the device that the run is on, as XLA counts them; negative if it is not
    /// known.
    ///
    /// # Errors
    ///
    /// `UNIMPLEMENTED` if the plugin is too old.
    pub fn device_ordinal(&self) -> Result<i32, Error> {
        let xla = &self.frame.xla;
        let function = xla.slot("XLA_FFI_DeviceOrdinal_Get", |api: &c::XLA_FFI_Api| {
            api.XLA_FFI_DeviceOrdinal_Get
        })?;
        let mut args = c::XLA_FFI_DeviceOrdinal_Get_Args::zeroed();
        args.struct_size = c::XLA_FFI_DeviceOrdinal_Get_Args_STRUCT_SIZE;
        args.ctx = self.context()?;
        // SAFETY: the context is that of the call, which has not returned; the struct is whole.
        unsafe {
            let error = function(&raw mut args);
            xla.check(error, "XLA_FFI_DeviceOrdinal_Get")?;
        }
        Ok(args.device_ordinal)
    }

    /// What the programs of one logical run have in common.
    ///
    /// # Errors
    ///
    /// `UNIMPLEMENTED` if the plugin is too old.
    pub fn run_id(&self) -> Result<i64, Error> {
        let xla = &self.frame.xla;
        let function = xla.slot("XLA_FFI_RunId_Get", |api: &c::XLA_FFI_Api| {
            api.XLA_FFI_RunId_Get
        })?;
        let mut args = c::XLA_FFI_RunId_Get_Args::zeroed();
        args.struct_size = c::XLA_FFI_RunId_Get_Args_STRUCT_SIZE;
        args.ctx = self.context()?;
        // SAFETY: as in `device_ordinal`.
        unsafe {
            let error = function(&raw mut args);
            xla.check(error, "XLA_FFI_RunId_Get")?;
        }
        Ok(args.run_id)
    }

    /// What was attached to the call under a number, beyond what this crate knows of calls. None if
    /// nothing was.
    ///
    /// # Errors
    ///
    /// `UNIMPLEMENTED` if the plugin is too old: it came with XLA FFI 0.4.
    pub fn extension(&self, kind: i64) -> Result<Option<CallExtension<'c>>, Error> {
        CallExtension::find(self.frame, self.context()?, kind)
    }

    /// What was added to the run's context under a type.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` if the type is registered with another plugin; what the plugin reports
    /// if nothing of the type was added.
    ///
    /// # Safety
    ///
    /// The run was given a [`crate::ExecuteContext`], whatever it holds: plugins (0.81 to 0.114)
    /// read through a null pointer if it was not.
    pub unsafe fn user_data<T: Sync + 'static>(
        &self,
        user_type: &UserType<T>,
    ) -> Result<&'c T, Error> {
        let xla = &self.frame.xla;
        let mut type_id = user_type.id_for(xla)?;
        if self.frame.stage == Stage::INSTANTIATE {
            return Err(Error::failed_precondition(
                "user data belongs to a run, and this is the instantiation",
            ));
        }
        let function = xla.slot("XLA_FFI_InvokeContext_Get", |api: &c::XLA_FFI_Api| {
            api.XLA_FFI_InvokeContext_Get
        })?;
        let mut args = c::XLA_FFI_InvokeContext_Get_Args::zeroed();
        args.struct_size = c::XLA_FFI_InvokeContext_Get_Args_STRUCT_SIZE;
        args.ctx = self.context()?;
        args.type_id = &raw mut type_id;
        // SAFETY: the context is that of the call, and the caller vouches for what it holds.
        unsafe {
            let error = function(&raw mut args);
            xla.check(error, "XLA_FFI_InvokeContext_Get")?;
        }
        if args.data.is_null() || !args.data.cast::<T>().is_aligned() {
            return Err(Error::internal("the plugin gave no user data"));
        }
        // SAFETY: the id stands for `T`, and only `UserType::add` gives data under it, which is
        // a `&'static T`; `T` may be read from any thread.
        Ok(unsafe { &*args.data.cast::<T>() })
    }
}

impl<'c> Call<'c, Host> {
    /// The elements of an operand.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` if there are fewer operands, or the elements are of another type;
    /// `FAILED_PRECONDITION` while a result that shares its memory is borrowed.
    pub fn operand<T: Element>(&self, index: usize) -> Result<Operand<'_, T>, Error> {
        // SAFETY: the handler is registered for the host, and runs in the stage that has contents
        // (see `Handler`); XLA keeps the memory until the handler returns, and writes to none
        // of it meanwhile.
        unsafe { self.frame.arrays.operand(index) }
    }

    /// The elements of a result, to be written.
    ///
    /// The module may let a result share the memory of an operand (`output_operand_aliases`). Then
    /// only one of them can be borrowed at a time: write the result in place, without borrowing
    /// the operand, whose elements it holds at first; or copy the operand.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` if there are fewer results, or the elements are of another type;
    /// `FAILED_PRECONDITION` while it or an operand that shares its memory is borrowed.
    pub fn result_mut<T: Element>(&self, index: usize) -> Result<ResultMut<'_, T>, Error> {
        // SAFETY: as in `operand`.
        unsafe { self.frame.arrays.result(index) }
    }

    /// Runs a task on XLA's pool of threads. It may run after the handler has returned, on this
    /// thread, or after all others. Nobody learns of its panic.
    ///
    /// # Errors
    ///
    /// `UNIMPLEMENTED` if the run has no pool.
    pub fn schedule(&self, task: impl FnOnce() + Send + 'static) -> Result<(), Error> {
        self.context()?;
        deferred::schedule(self.frame, task)
    }

    /// How many threads XLA's pool has.
    ///
    /// # Errors
    ///
    /// `UNIMPLEMENTED` if the run has no pool.
    pub fn thread_count(&self) -> Result<i64, Error> {
        let xla = &self.frame.xla;
        let function = xla.slot("XLA_FFI_ThreadPool_NumThreads", |api: &c::XLA_FFI_Api| {
            api.XLA_FFI_ThreadPool_NumThreads
        })?;
        let mut count = 0;
        let mut args = c::XLA_FFI_ThreadPool_NumThreads_Args::zeroed();
        args.struct_size = c::XLA_FFI_ThreadPool_NumThreads_Args_STRUCT_SIZE;
        args.ctx = self.context()?;
        args.num_threads = &raw mut count;
        // SAFETY: as in `device_ordinal`; the number has a place.
        unsafe {
            let error = function(&raw mut args);
            xla.check(error, "XLA_FFI_ThreadPool_NumThreads")?;
        }
        Ok(count)
    }

    /// Lets the handler return before the results are there. The run waits until
    /// [`Deferred::finish`], which any thread may call.
    ///
    /// # Errors
    ///
    /// `UNIMPLEMENTED` if the plugin is too old for futures.
    pub fn defer(self) -> Result<Deferred, Error> {
        Deferred::new(self.frame)
    }

    /// As [`Call::defer`], and has the work done by XLA's pool of threads. Its panic becomes the
    /// error of the run.
    ///
    /// # Errors
    ///
    /// As [`Call::defer`]; `UNIMPLEMENTED` if the run has no pool.
    pub fn defer_to_pool(
        self,
        work: impl FnOnce(&Deferred) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        self.context()?;
        let deferred = Deferred::new(self.frame)?;
        // If the pool refuses, the call is dropped with the task, and this error counts.
        deferred::schedule(self.frame, move || deferred.run(work))
    }
}

impl<'c> Call<'c, Device> {
    /// The device's stream (on CUDA a `CUstream`), on which the handler queues its work.
    ///
    /// # Errors
    ///
    /// `UNIMPLEMENTED` if the platform has none.
    pub fn stream(&self) -> Result<*mut c_void, Error> {
        let xla = &self.frame.xla;
        let function = xla.slot("XLA_FFI_Stream_Get", |api: &c::XLA_FFI_Api| {
            api.XLA_FFI_Stream_Get
        })?;
        let mut args = c::XLA_FFI_Stream_Get_Args::zeroed();
        args.struct_size = c::XLA_FFI_Stream_Get_Args_STRUCT_SIZE;
        args.ctx = self.context()?;
        // SAFETY: as in `device_ordinal`.
        unsafe {
            let error = function(&raw mut args);
            xla.check(error, "XLA_FFI_Stream_Get")?;
        }
        Ok(args.stream)
    }

    /// Memory of the device's, for work that is queued on the stream before the value is dropped.
    ///
    /// # Errors
    ///
    /// What the plugin reports: no memory, an alignment that is no power of two or too large.
    pub fn scratch(&self, size: usize, alignment: usize) -> Result<Scratch<'c>, Error> {
        Scratch::new(self.frame, self.context()?, size, alignment)
    }
}

impl<P> fmt::Debug for Call<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("handler", &self.frame.handler)
            .field("stage", &self.frame.stage)
            .field("attributes", &self.frame.attributes)
            .finish_non_exhaustive()
    }
}
