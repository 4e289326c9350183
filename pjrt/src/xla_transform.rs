//! The extension that lets closures change programs while a plugin compiles them.

use crate::callback_error::caught;
use crate::rt::{self, Function, Kept, Place, Table};
use crate::sys::xla_transform as c;
use crate::{CallbackError, ErrorCode, Result, raw};
use std::ffi::{c_char, c_void};
use std::fmt;
use std::sync::Arc;

pjrt_macros::generate!(extension xla_transform);
pjrt_macros::generate!(enum PJRT_XlaTransform_PipelineStage);

/// The version of the callbacks and their arguments that is written here.
const VERSION: i64 = c::PJRT_API_XLA_TRANSFORM_EXTENSION_VERSION as i64;

type Transform = dyn Fn(&[u8]) -> std::result::Result<Option<Vec<u8>>, CallbackError> + Send + Sync;

/// What a plugin keeps the address of. It is never freed: nobody can say when a plugin, above all
/// one that refused it, looks at it for the last time.
#[repr(C)]
struct Registered {
    callbacks: c::PJRT_XlaTransform_Callbacks,
    /// Of [`Kept::data`].
    data: *mut c_void,
}

/// A transform that a plugin has: [`XlaTransform::register`]. Dropped, the transform stays.
pub struct Registration {
    table: &'static Table<raw::xla_transform::Table>,
    name: String,
    stage: PipelineStage,
    callbacks: *mut c::PJRT_XlaTransform_Callbacks,
}

// SAFETY: the address is only handed back to the plugin, which may be called from any thread; what
// lies there is never freed.
unsafe impl Send for Registration {}
// SAFETY: as above.
unsafe impl Sync for Registration {}

impl XlaTransform {
    /// Has a closure change every program that the plugin compiles from now on. It is given a
    /// serialized `HloModuleProto`, and gives another one, or none to leave the program as it is.
    ///
    /// Programs are compiled by any number of threads, so the closure may be called by several at
    /// once. Its error, or its panic, fails the compilation, with INTERNAL and its text. Without a name the plugin makes one.
    /// Closures of one stage are called in the order in which they were registered.
    ///
    /// Calls `PJRT_Register_Xla_Transform_Fn`.
    ///
    /// # Errors
    ///
    /// What the plugin reports, such as INVALID_ARGUMENT for a stage that it does not know.
    pub fn register<F>(
        &self,
        name: &str,
        stage: PipelineStage,
        transform: F,
    ) -> Result<Registration>
    where
        F: Fn(&[u8]) -> std::result::Result<Option<Vec<u8>>, CallbackError> + Send + Sync + 'static,
    {
        let kept = Kept::<Transform>::new(Arc::new(transform));
        let registered = Box::into_raw(Box::new(Registered {
            callbacks: c::PJRT_XlaTransform_Callbacks {
                version: VERSION,
                dtor: Some(end),
                transform_hlo_module: Some(transform_module),
            },
            data: kept.data(),
        }));
        let registration = Registration {
            table: self.table,
            name: name.to_owned(),
            stage,
            callbacks: registered.cast(),
        };
        let (name, size) = registration.name();
        let input = raw::xla_transform::RegisterXlaTransformFnIn::new(
            name,
            size,
            stage.as_raw(),
            registration.callbacks,
        );
        // SAFETY: the name lives through the call, which copies it; the callbacks are never freed
        // and do not unwind. Refused, the closure goes, and later calls find none.
        unsafe { raw::xla_transform::register_xla_transform_fn(self.table, input) }?;
        kept.keep_for_good();
        Ok(registration)
    }

    /// What the passes of the plugin's compiler do to a module, a serialized `HloModuleProto`: a
    /// serialized `HloModuleMetadataProto`.
    ///
    /// Calls `PJRT_Xla_Transform_Get_Hlo_Pass_Pipeline_Trace_Fn`.
    ///
    /// # Errors
    ///
    /// `Unimplemented` from plugins before 0.115; INVALID_ARGUMENT for bytes that are no module;
    /// NOT_FOUND from libtpu without a TPU.
    pub fn pass_pipeline_trace(&self, module: &[u8]) -> Result<Vec<u8>> {
        const DESTROY: Function = Function {
            name: "PJRT_Xla_Transform_Destroy_Hlo_Pass_Pipeline_Trace_Fn",
            since: 0,
        };
        if self
            .table
            .table()
            .0
            .destroy_hlo_pass_pipeline_trace
            .is_none()
        {
            return Err(self.table.absent(&DESTROY));
        }
        let text = c::PJRT_XlaTransform_string {
            data: module.as_ptr().cast(),
            size: module.len(),
        };
        let input = raw::xla_transform::XlaTransformGetHloPassPipelineTraceFnIn::new(text);
        // SAFETY: the module lives through the call, which parses it.
        let out = unsafe {
            raw::xla_transform::xla_transform_get_hlo_pass_pipeline_trace_fn(self.table, input)
        }?;
        let mut trace: c::PJRT_HloPassPipelineTrace = out.trace;
        let place = Place {
            function: "PJRT_Xla_Transform_Get_Hlo_Pass_Pipeline_Trace_Fn",
            field: "trace",
        };
        let (data, size) = (trace.serialized_trace, trace.serialized_trace_size);
        // SAFETY: the plugin gave the bytes to the caller, who frees them below.
        let copy = unsafe { rt::slice(data.cast::<u8>(), size, place) }.map(<[u8]>::to_vec);
        let input =
            raw::xla_transform::XlaTransformDestroyHloPassPipelineTraceFnIn::new(&raw mut trace);
        // SAFETY: the trace is the plugin's own, freed once, and no longer read.
        unsafe {
            raw::xla_transform::xla_transform_destroy_hlo_pass_pipeline_trace_fn(self.table, input)
        }?;
        copy
    }
}

impl Registration {
    /// Null where the plugin is to make a name: then it knows the registration by the callbacks.
    fn name(&self) -> (*const c_char, usize) {
        if self.name.is_empty() {
            return (std::ptr::null(), 0);
        }
        (self.name.as_ptr().cast(), self.name.len())
    }

    /// When the transform is called.
    pub fn stage(&self) -> PipelineStage {
        self.stage
    }

    /// Takes the transform back: programs that are compiled from now on are not given to it.
    /// Whether the plugin had it still. The closure is dropped when the last compilation that
    /// uses it has ended.
    ///
    /// Of several with the same name and stage the plugin takes the oldest: names should differ.
    ///
    /// Calls `PJRT_Clear_Xla_Transform_Fn`.
    ///
    /// # Errors
    ///
    /// `Unimplemented` from plugins before 0.112; what the plugin reports.
    pub fn clear(self) -> Result<bool> {
        let (name, size) = self.name();
        let input = raw::xla_transform::ClearXlaTransformFnIn::new(
            self.stage.as_raw(),
            name,
            size,
            self.callbacks,
        );
        // SAFETY: the name lives through the call; the callbacks are those that were registered.
        let out = unsafe { raw::xla_transform::clear_xla_transform_fn(self.table, input) }?;
        Ok(out.cleared)
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("name", &self.name)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

/// The data of callbacks.
///
/// # Safety
///
/// `callbacks` is null or was registered here.
unsafe fn data(callbacks: *mut c::PJRT_XlaTransform_Callbacks) -> *mut c_void {
    if callbacks.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: the callbacks begin a `Registered`, whose address was registered; nobody writes.
    unsafe { (&raw const (*callbacks.cast::<Registered>()).data).read() }
}

unsafe extern "C" fn end(callbacks: *mut c::PJRT_XlaTransform_Callbacks) {
    // SAFETY: the plugin gives back what was registered.
    unsafe { rt::let_go::<Transform>(data(callbacks)) };
}

unsafe extern "C" fn transform_module(
    callbacks: *mut c::PJRT_XlaTransform_Callbacks,
    args: *mut c::PJRT_XlaTransform_Args,
) {
    if args.is_null() || !args.is_aligned() {
        return;
    }
    // SAFETY: the plugin gives arguments as long as they say, which live through this call, and
    // the callbacks that were registered. Outputs are written only, for before that they may be
    // anything.
    unsafe {
        // Without room for an answer nothing can be said.
        if args.cast::<usize>().read() < c::PJRT_XlaTransform_Args_STRUCT_SIZE {
            return;
        }
        let version = (&raw const (*args).header.api_version).read();
        let module = (&raw const (*args).hlo_module).read();
        let outcome = if version == VERSION {
            run(data(callbacks), module.data, module.size)
        } else {
            Err(CallbackError::new(
                ErrorCode::UNIMPLEMENTED,
                format!("arguments of transforms have version {VERSION} here, and {version} came"),
            ))
        };
        answer(args, outcome);
    }
}

/// # Safety
///
/// `data` is null or of a registered transform; `size` bytes are at `module`, unless it is null.
unsafe fn run(
    data: *mut c_void,
    module: *const c_char,
    size: usize,
) -> std::result::Result<Option<Vec<u8>>, CallbackError> {
    let place = Place {
        function: "PJRT_XlaTransform_Callbacks.transform_hlo_module",
        field: "hlo_module",
    };
    // SAFETY: the caller's promise.
    let module: &[u8] = unsafe { rt::slice(module.cast(), size, place) }?;
    let mut outcome = None;
    // SAFETY: the caller's promise.
    unsafe {
        rt::call_back::<Transform>(data, |transform| {
            outcome = Some(caught(|| transform(module)));
            Ok(())
        });
    }
    outcome.unwrap_or_else(|| {
        Err(CallbackError::new(
            ErrorCode::INTERNAL,
            "the transform is gone",
        ))
    })
}

/// # Safety
///
/// `args` are whole and the plugin's own.
unsafe fn answer(
    args: *mut c::PJRT_XlaTransform_Args,
    outcome: std::result::Result<Option<Vec<u8>>, CallbackError>,
) {
    let (bytes, failed, changed) = match outcome {
        Ok(Some(module)) => (module, None, true),
        Ok(None) => (Vec::new(), None, false),
        Err(error) => (
            error.message().as_bytes().to_vec(),
            Some(error.code()),
            false,
        ),
    };
    let bytes = Box::new(bytes);
    let text = c::PJRT_XlaTransform_string {
        data: bytes.as_ptr().cast(),
        size: bytes.len(),
    };
    // SAFETY: the caller's promise: fields of ours to write.
    unsafe {
        let header = &raw mut (*args).header;
        (&raw mut (*header).has_error).write(failed.is_some());
        (&raw mut (*args).changed).write(changed);
        if let Some(code) = failed {
            (&raw mut (*header).code).write(code.as_raw());
            (&raw mut (*header).error_msg).write(text);
        } else if changed {
            (&raw mut (*args).transformed_hlo_module).write(text);
        }
        (&raw mut (*header).data).write(Box::into_raw(bytes).cast());
        (&raw mut (*header).cleanup_fn).write(Some(free));
    }
}

/// Frees an answer. The plugin calls it once.
unsafe extern "C" fn free(bytes: *mut c_void) {
    if !bytes.is_null() {
        // SAFETY: the box of `answer`, which the plugin got once.
        drop(unsafe { Box::from_raw(bytes.cast::<Vec<u8>>()) });
    }
}
