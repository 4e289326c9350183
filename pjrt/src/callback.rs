//! The extension through which a plugin tells of what happens to it.

use crate::rt::{self, Kept};
use crate::sys::callback as c;
use crate::{Client, ErrorCode, Result, raw};
use std::borrow::Cow;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

pjrt_macros::generate!(extension callback);
pjrt_macros::generate!(enum PJRT_Callback_Type);
pjrt_macros::generate!(enum PJRT_Callback_Tpu_SliceFailureType);

const REGISTER: &str = "PJRT_Register_Callback";
const INVOKE: &str = "PJRT_Callback_InvokeCallback";

/// The error after which a runtime is about to end the process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prefatal<'a> {
    /// Its code.
    pub code: ErrorCode,
    /// Its message; bytes that are not UTF-8 are replaced.
    pub message: Cow<'a, str>,
}

type OnPrefatal = dyn Fn(&Prefatal<'_>) + Send + Sync;
type OnSliceFailure = dyn Fn(SliceFailure) + Send + Sync;

unsafe extern "C" fn prefatal(args: *mut c_void, data: *mut c_void) {
    let args = args.cast::<c::PJRT_Callback_PrefatalArgs>();
    // SAFETY: the plugin gives arguments that live through this call, null or as long as they say;
    // the data is what was registered.
    unsafe {
        if !covers(args.cast(), c::PJRT_Callback_PrefatalArgs_STRUCT_SIZE) {
            return;
        }
        let message = text((*args).error_message, (*args).error_message_size);
        let error = Prefatal {
            code: ErrorCode::from_raw((*args).error_code),
            message,
        };
        rt::call_back::<OnPrefatal>(data, |closure| {
            closure(&error);
            Ok(())
        });
    }
}

unsafe extern "C" fn slice_failure(args: *mut c_void, data: *mut c_void) {
    let args = args.cast::<c::PJRT_Callback_Tpu_SliceBuilderArgs>();
    // SAFETY: as in `prefatal`.
    unsafe {
        if !covers(
            args.cast(),
            c::PJRT_Callback_Tpu_SliceBuilderArgs_STRUCT_SIZE,
        ) {
            return;
        }
        let failure = SliceFailure::from_raw((*args).failure_type);
        rt::call_back::<OnSliceFailure>(data, |closure| {
            closure(failure);
            Ok(())
        });
    }
}

/// Whether arguments are there, and as long as needed.
///
/// # Safety
///
/// `args` is null or begins with its size.
unsafe fn covers(args: *const usize, needed: usize) -> bool {
    // SAFETY: the caller's promise.
    !args.is_null() && args.is_aligned() && unsafe { args.read() } >= needed
}

/// # Safety
///
/// A pointer that is not null has `size` bytes that live through `'a`.
unsafe fn text<'a>(data: *const c_char, size: usize) -> Cow<'a, str> {
    if data.is_null() || !rt::fits(data, size) {
        return Cow::Borrowed("");
    }
    // SAFETY: not null, of a size that memory can have, and the caller's promise.
    String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(data.cast(), size) })
}

impl Callback {
    /// Has a closure called before the runtime of a client ends the process for an error. Nothing
    /// prevents the end.
    ///
    /// The closure stays until the process ends, and all that are registered are called; it may
    /// be called by any thread. Its panic goes unnoticed.
    ///
    /// Calls `PJRT_Register_Callback`.
    ///
    /// # Errors
    ///
    /// `ForeignHandle` for a client of another plugin; what the plugin reports.
    pub fn on_prefatal<F>(&self, client: &Client, closure: F) -> Result<()>
    where
        F: Fn(&Prefatal<'_>) + Send + Sync + 'static,
    {
        let kept = Kept::<OnPrefatal>::new(Arc::new(closure));
        self.register(client, CallbackType::PREFATAL, prefatal, kept.data())?;
        kept.keep_for_good();
        Ok(())
    }

    /// Has a closure called when the slice of TPUs that a client belongs to fails. As
    /// [`Callback::on_prefatal`] otherwise.
    ///
    /// Calls `PJRT_Register_Callback`.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_prefatal`].
    pub fn on_slice_failure<F>(&self, client: &Client, closure: F) -> Result<()>
    where
        F: Fn(SliceFailure) + Send + Sync + 'static,
    {
        let kept = Kept::<OnSliceFailure>::new(Arc::new(closure));
        let kind = CallbackType::TPU_SLICE_BUILDER;
        self.register(client, kind, slice_failure, kept.data())?;
        kept.keep_for_good();
        Ok(())
    }

    fn register(
        &self,
        client: &Client,
        kind: CallbackType,
        function: unsafe extern "C" fn(*mut c_void, *mut c_void),
        data: *mut c_void,
    ) -> Result<()> {
        rt::of_plugin(self.table.api(), client, REGISTER, "client")?;
        let input = raw::callback::RegisterCallbackIn::new(
            client.as_raw(),
            kind.as_raw(),
            Some(function),
            data,
        );
        // SAFETY: the client is live and this plugin's. The function is that of the kind, takes
        // what a plugin gives it, and does not unwind; its data is never freed.
        unsafe { raw::callback::register_callback(self.table, input) }.map(drop)
    }

    /// Has the closures of [`Callback::on_prefatal`] called, here, before this returns. The process
    /// goes on.
    ///
    /// Calls `PJRT_Callback_InvokeCallback`.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_prefatal`].
    pub fn invoke_prefatal(&self, client: &Client, code: ErrorCode, message: &str) -> Result<()> {
        let mut args = c::PJRT_Callback_PrefatalArgs::zeroed();
        args.struct_size = c::PJRT_Callback_PrefatalArgs_STRUCT_SIZE;
        args.error_code = code.as_raw();
        args.error_message = message.as_ptr().cast();
        args.error_message_size = message.len();
        // SAFETY: the arguments are those of the kind, and message and struct outlive the call.
        unsafe { self.invoke(client, CallbackType::PREFATAL, (&raw mut args).cast()) }
    }

    /// Has the closures of [`Callback::on_slice_failure`] called, here, before this returns.
    ///
    /// Calls `PJRT_Callback_InvokeCallback`.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_prefatal`].
    pub fn invoke_slice_failure(&self, client: &Client, failure: SliceFailure) -> Result<()> {
        let mut args = c::PJRT_Callback_Tpu_SliceBuilderArgs::zeroed();
        args.struct_size = c::PJRT_Callback_Tpu_SliceBuilderArgs_STRUCT_SIZE;
        args.failure_type = failure.as_raw();
        let kind = CallbackType::TPU_SLICE_BUILDER;
        // SAFETY: as in `invoke_prefatal`.
        unsafe { self.invoke(client, kind, (&raw mut args).cast()) }
    }

    /// # Safety
    ///
    /// `args` are those of the kind, and live through the call.
    unsafe fn invoke(&self, client: &Client, kind: CallbackType, args: *mut c_void) -> Result<()> {
        rt::of_plugin(self.table.api(), client, INVOKE, "client")?;
        let input =
            raw::callback::CallbackInvokeCallbackIn::new(client.as_raw(), kind.as_raw(), args);
        // SAFETY: the client is live and this plugin's; the rest is the caller's promise.
        unsafe { raw::callback::callback_invoke_callback(self.table, input) }.map(drop)
    }
}
