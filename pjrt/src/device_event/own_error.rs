//! An error that a plugin is given: an object of ours with a table of its own functions, which
//! plugins read since PJRT 0.107.

use crate::{ErrorCode, sys};
use std::ffi::{c_char, c_void};
use std::ptr;

/// What stands behind the object.
#[repr(C)]
struct OwnError {
    base: sys::PJRT_Error,
    code: ErrorCode,
    message: String,
}

struct Table(sys::PJRT_Error_FunctionTable);

// SAFETY: the table is never written, and the pointer in it is null.
unsafe impl Sync for Table {}

static TABLE: Table = Table(sys::PJRT_Error_FunctionTable {
    struct_size: sys::PJRT_Error_FunctionTable_STRUCT_SIZE,
    instance_size: size_of::<sys::PJRT_Error>(),
    extension_start: ptr::null_mut(),
    destroy: Some(destroy),
    message: Some(message),
    get_code: Some(code),
    for_each_payload: Some(no_payload),
});

/// A new error, for a plugin that takes it over.
pub(super) fn create(code: ErrorCode, message: &str) -> *mut sys::PJRT_Error {
    let error = OwnError {
        base: sys::PJRT_Error { vtable: &TABLE.0 },
        code,
        message: message.to_owned(),
    };
    Box::into_raw(Box::new(error)).cast()
}

/// Frees an error that no plugin took over.
///
/// # Safety
///
/// It came from [`create`], and nobody uses it after this.
pub(super) unsafe fn take_back(error: *mut sys::PJRT_Error) {
    // SAFETY: the caller's promise.
    unsafe { destroy(error) };
}

unsafe extern "C" fn destroy(error: *mut sys::PJRT_Error) {
    // SAFETY: the table is that of our errors alone, and destroying is the last use.
    drop(unsafe { Box::from_raw(error.cast::<OwnError>()) });
}

unsafe extern "C" fn message(
    error: *const sys::PJRT_Error,
    message: *mut *const c_char,
    size: *mut usize,
) {
    // SAFETY: the error is one of ours and live, and the outputs are the caller's.
    unsafe {
        let own = &*error.cast::<OwnError>();
        *message = own.message.as_ptr().cast();
        *size = own.message.len();
    }
}

unsafe extern "C" fn code(error: *const sys::PJRT_Error) -> sys::PJRT_Error_Code {
    // SAFETY: the error is one of ours and live.
    unsafe { &*error.cast::<OwnError>() }.code.as_raw()
}

unsafe extern "C" fn no_payload(
    _error: *const sys::PJRT_Error,
    _visitor: sys::PJRT_Error_PayloadVisitor,
    _data: *mut c_void,
) {
}
