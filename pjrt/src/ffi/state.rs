//! State: what the instantiation of a handler leaves for its runs.
//!
//! XLA keeps one pointer for each place in a program that calls a handler, and frees it with the
//! program. All states are boxes of the same Rust type, so one type is registered with a plugin.

use super::frame::Frame;
use super::xla::Xla;
use super::{Error, Stage, known};
use crate::rt;
use crate::sys::ffi_api as c;
use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What XLA's pointer refers to.
pub(super) struct State(pub(super) Box<dyn Any + Send + Sync>);

/// `XLA_FFI_State_Set_Args` up to XLA FFI 0.2, which had no stage; `deleter` was taken out while
/// the version stayed.
#[repr(C)]
struct OldStateSetArgs {
    struct_size: usize,
    extension_start: *mut c::XLA_FFI_InternalExtension,
    ctx: *mut c::XLA_FFI_InvokeContext,
    type_id: *mut c::XLA_FFI_TypeId,
    state: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// `XLA_FFI_State_Get_Args` up to XLA FFI 0.2.
#[repr(C)]
struct OldStateGetArgs {
    struct_size: usize,
    extension_start: *mut c::XLA_FFI_InternalExtension,
    ctx: *mut c::XLA_FFI_InvokeContext,
    type_id: *mut c::XLA_FFI_TypeId,
    state: *mut c_void,
}

/// The first minor version whose states belong to a stage.
const FIRST_WITH_STAGE: i32 = 3;

/// Frees a state. XLA calls it with what [`set`] gave it, once.
pub(super) unsafe extern "C" fn delete(state: *mut c_void) {
    if state.is_null() {
        return;
    }
    // SAFETY: every pointer that is registered with this deleter is a box made by `set`.
    let state = unsafe { Box::from_raw(state.cast::<State>()) };
    let dropped = catch_unwind(AssertUnwindSafe(|| rt::on_plugin_thread(|| drop(state))));
    if let Err(panic) = dropped {
        // Nobody is there to be told.
        let _ = super::error::of_panic(panic);
    }
}

fn type_id(xla: &Xla) -> Result<c::XLA_FFI_TypeId, Error> {
    let type_id = known::state_type(xla).ok_or_else(|| {
        Error::internal("no type for states is registered with the plugin that calls")
    })?;
    Ok(c::XLA_FFI_TypeId { type_id })
}

/// Leaves a state. XLA takes it over.
pub(super) fn set(frame: &Frame<'_>, state: State) -> Result<(), Error> {
    const FUNCTION: &str = "XLA_FFI_State_Set";
    let xla = &frame.xla;
    let function = xla.slot("XLA_FFI_State_Set", |api: &c::XLA_FFI_Api| {
        api.XLA_FFI_State_Set
    })?;
    let mut type_id = type_id(xla)?;
    let state = Box::into_raw(Box::new(state)).cast();
    // SAFETY: the context is the frame's own, in the stage that has a state; the struct is that of
    // the version; the type was registered with `delete`, which fits the pointer.
    let done = unsafe {
        let error = if xla.version.1 < FIRST_WITH_STAGE {
            let mut args = OldStateSetArgs {
                struct_size: size_of::<OldStateSetArgs>(),
                extension_start: std::ptr::null_mut(),
                ctx: frame.context,
                type_id: &raw mut type_id,
                state,
                deleter: Some(delete),
            };
            function((&raw mut args).cast())
        } else {
            let mut args = c::XLA_FFI_State_Set_Args::zeroed();
            args.struct_size = c::XLA_FFI_State_Set_Args_STRUCT_SIZE;
            args.ctx = frame.context;
            args.stage = Stage::INSTANTIATE.as_raw();
            args.type_id = &raw mut type_id;
            args.state = state;
            function(&raw mut args)
        };
        xla.check(error, FUNCTION)
    };
    if done.is_err() {
        // SAFETY: XLA refused it, so it is still ours.
        unsafe { delete(state) };
    }
    done
}

/// The state that the instantiation left.
pub(super) fn get<'f>(frame: &'f Frame<'_>) -> Result<&'f State, Error> {
    const FUNCTION: &str = "XLA_FFI_State_Get";
    let xla = &frame.xla;
    let function = xla.slot("XLA_FFI_State_Get", |api: &c::XLA_FFI_Api| {
        api.XLA_FFI_State_Get
    })?;
    let mut type_id = type_id(xla)?;
    // SAFETY: as in `set`.
    let state = unsafe {
        if xla.version.1 < FIRST_WITH_STAGE {
            let mut args = OldStateGetArgs {
                struct_size: size_of::<OldStateGetArgs>(),
                extension_start: std::ptr::null_mut(),
                ctx: frame.context,
                type_id: &raw mut type_id,
                state: std::ptr::null_mut(),
            };
            let error = function((&raw mut args).cast());
            xla.check(error, FUNCTION)?;
            args.state
        } else {
            let mut args = c::XLA_FFI_State_Get_Args::zeroed();
            args.struct_size = c::XLA_FFI_State_Get_Args_STRUCT_SIZE;
            args.ctx = frame.context;
            args.stage = Stage::INSTANTIATE.as_raw();
            args.type_id = &raw mut type_id;
            let error = function(&raw mut args);
            xla.check(error, FUNCTION)?;
            args.state
        }
    };
    if state.is_null() {
        return Err(Error::internal(format!("{FUNCTION} gave no state")));
    }
    // SAFETY: XLA gives only what was set with this type, which `set` alone uses; it is freed with
    // the program, which outlives its runs, and is only read: `State` is `Sync`.
    Ok(unsafe { &*state.cast::<State>() })
}
