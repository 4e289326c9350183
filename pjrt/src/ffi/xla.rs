//! The table of functions that XLA gives to handlers, `XLA_FFI_Api`, of any version.

use super::Error;
use crate::ErrorCode;
use crate::raw::OLDEST_FFI_API;
use crate::sys::ffi_api as c;
use std::ffi::{CStr, CString, c_char};
use std::mem::offset_of;
use std::ptr::{self, NonNull};

/// A table. It is static in the plugin, which is never unloaded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Xla {
    table: NonNull<c::XLA_FFI_Api>,
    /// What the table has; the functions that it does not reach are null.
    copy: c::XLA_FFI_Api,
    /// Major and minor version.
    pub(super) version: (i32, i32),
}

// SAFETY: the table is constant data of the plugin's, and its functions may be called from any
// thread.
unsafe impl Send for Xla {}
// SAFETY: as above.
unsafe impl Sync for Xla {}

impl Xla {
    /// Looks at a table. None if it is null, or too short to hold the function that makes errors:
    /// then there is no way to talk to the plugin.
    ///
    /// # Safety
    ///
    /// `table` is null or the table that a call frame names: as long as its size says, and as
    /// long-lived as the process.
    pub(super) unsafe fn new(table: *const c::XLA_FFI_Api) -> Option<Xla> {
        let table = NonNull::new(table.cast_mut()).filter(|table| table.is_aligned())?;
        // SAFETY: the size is the first word of every table.
        let size = unsafe { table.cast::<usize>().read() };
        let needed =
            offset_of!(c::XLA_FFI_Api, XLA_FFI_Error_Create) + size_of::<c::XLA_FFI_Error_Create>();
        if size < needed {
            return None;
        }
        let mut copy = c::XLA_FFI_Api::zeroed();
        // A function that is cut off is not there.
        let word = size_of::<usize>();
        let length = size.min(size_of::<c::XLA_FFI_Api>()) / word * word;
        // SAFETY: the length is within both; the struct is plain words, any bits of which are
        // valid, and the rest stays null.
        unsafe {
            let to = (&raw mut copy).cast::<u8>();
            std::ptr::copy_nonoverlapping(table.as_ptr().cast::<u8>().cast_const(), to, length);
        }
        copy.XLA_FFI_Error_Create?;
        let version = copy.api_version;
        Some(Xla {
            table,
            copy,
            version: (version.major_version, version.minor_version),
        })
    }

    /// A function of the table.
    pub(super) fn slot<F>(
        &self,
        name: &'static str,
        slot: impl FnOnce(&c::XLA_FFI_Api) -> Option<F>,
    ) -> Result<F, Error> {
        slot(&self.copy).ok_or_else(|| self.absent(name))
    }

    /// Whether the layouts that this crate knows are those of the table's version.
    pub(super) fn is_known(&self) -> bool {
        i64::from(self.version.0) == i64::from(c::XLA_FFI_API_MAJOR)
            && self.version.1 >= OLDEST_FFI_API
    }

    /// Tells the tables of two plugins apart.
    pub(super) fn key(&self) -> usize {
        self.table.as_ptr().addr()
    }

    /// Whether call frames have the field for a future, which their size does not tell: the slot
    /// asked for is younger than the field.
    pub(super) fn has_future_field(&self) -> bool {
        self.copy.XLA_FFI_RunId_Get.is_some()
    }

    #[cold]
    pub(super) fn absent(&self, function: &'static str) -> Error {
        let (major, minor) = self.version;
        Error::unimplemented(format!(
            "{function} is not in the table of this plugin, which has XLA FFI {major}.{minor}"
        ))
    }

    /// Makes an error that XLA takes over. Null only if the plugin makes none.
    pub(super) fn error(&self, error: &Error) -> *mut c::XLA_FFI_Error {
        let Some(create) = self.copy.XLA_FFI_Error_Create else {
            // Cannot be: `new` has seen it.
            return ptr::null_mut();
        };
        let text = error.message().replace('\0', "\u{fffd}");
        let text = CString::new(text).unwrap_or_default();
        let mut args = c::XLA_FFI_Error_Create_Args::zeroed();
        args.struct_size = c::XLA_FFI_Error_Create_Args_STRUCT_SIZE;
        args.message = text.as_ptr();
        args.errc = code_of(error.code());
        // SAFETY: the plugin's own function, given a whole struct; the text lives through the
        // call, which copies it.
        unsafe { create(&raw mut args) }
    }

    /// `Ok` for null; else takes the error over, converts and destroys it.
    ///
    /// # Safety
    ///
    /// `error` is null, or an error that a function of this table returned and nobody else has.
    pub(super) unsafe fn check(
        &self,
        error: *mut c::XLA_FFI_Error,
        function: &'static str,
    ) -> Result<(), Error> {
        if error.is_null() {
            return Ok(());
        }
        let mut args = c::XLA_FFI_Error_GetDetails_Args::zeroed();
        args.struct_size = c::XLA_FFI_Error_GetDetails_Args_STRUCT_SIZE;
        args.error = error;
        // Before 0.4 the function tells the message only, into the same place.
        if let Some(details) = self.copy.XLA_FFI_Error_GetDetails {
            // SAFETY: the error is live; the struct is whole.
            unsafe { details(&raw mut args) };
        }
        // SAFETY: the message is null or a C string that lives as long as the error.
        let message = unsafe { text(args.message) };
        let code = crate::sys::PJRT_Error_Code(args.errc.0);
        let converted = Error::new(
            ErrorCode::from_raw(code),
            format!("{function}: {}", message.unwrap_or("(no message)".into())),
        );
        if let Some(destroy) = self.copy.XLA_FFI_Error_Destroy {
            let mut args = c::XLA_FFI_Error_Destroy_Args::zeroed();
            args.struct_size = c::XLA_FFI_Error_Destroy_Args_STRUCT_SIZE;
            args.error = error;
            // SAFETY: the caller gave the error up, and nobody uses it after this.
            unsafe { destroy(&raw mut args) };
        }
        Err(converted)
    }
}

/// # Safety
///
/// `text` is null or a C string that lives through the call.
unsafe fn text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) };
    Some(text.to_string_lossy().into_owned())
}

/// The code that XLA FFI has for one of PJRT's. One that the header does not have is none that XLA
/// knows.
fn code_of(code: ErrorCode) -> c::XLA_FFI_Error_Code {
    match code {
        ErrorCode::OK => c::XLA_FFI_Error_Code_OK,
        ErrorCode::CANCELLED => c::XLA_FFI_Error_Code_CANCELLED,
        ErrorCode::INVALID_ARGUMENT => c::XLA_FFI_Error_Code_INVALID_ARGUMENT,
        ErrorCode::DEADLINE_EXCEEDED => c::XLA_FFI_Error_Code_DEADLINE_EXCEEDED,
        ErrorCode::NOT_FOUND => c::XLA_FFI_Error_Code_NOT_FOUND,
        ErrorCode::ALREADY_EXISTS => c::XLA_FFI_Error_Code_ALREADY_EXISTS,
        ErrorCode::PERMISSION_DENIED => c::XLA_FFI_Error_Code_PERMISSION_DENIED,
        ErrorCode::RESOURCE_EXHAUSTED => c::XLA_FFI_Error_Code_RESOURCE_EXHAUSTED,
        ErrorCode::FAILED_PRECONDITION => c::XLA_FFI_Error_Code_FAILED_PRECONDITION,
        ErrorCode::ABORTED => c::XLA_FFI_Error_Code_ABORTED,
        ErrorCode::OUT_OF_RANGE => c::XLA_FFI_Error_Code_OUT_OF_RANGE,
        ErrorCode::UNIMPLEMENTED => c::XLA_FFI_Error_Code_UNIMPLEMENTED,
        ErrorCode::INTERNAL => c::XLA_FFI_Error_Code_INTERNAL,
        ErrorCode::UNAVAILABLE => c::XLA_FFI_Error_Code_UNAVAILABLE,
        ErrorCode::DATA_LOSS => c::XLA_FFI_Error_Code_DATA_LOSS,
        ErrorCode::UNAUTHENTICATED => c::XLA_FFI_Error_Code_UNAUTHENTICATED,
        _ => c::XLA_FFI_Error_Code_UNKNOWN,
    }
}
