//! The table of functions that XLA gives to handlers, `XLA_FFI_Api`, of any version.

use super::Error;
use crate::ErrorCode;
use crate::sys::ffi_api as c;
use std::ffi::{CStr, CString, c_char};
use std::mem::offset_of;
use std::ptr::{self, NonNull};

/// The first minor version whose handlers are asked for their metadata.
pub(super) const OLDEST_MINOR: i32 = 1;

/// A table. It is static in the plugin, which is never unloaded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Xla {
    table: NonNull<c::XLA_FFI_Api>,
    size: usize,
    /// Major and minor version.
    pub(super) version: (i32, i32),
}

// SAFETY: the table is constant data of the plugin's, and its functions may be called from any
// thread.
unsafe impl Send for Xla {}
// SAFETY: as above.
unsafe impl Sync for Xla {}

macro_rules! slots {
    ($($name:ident)*) => {
        #[allow(non_snake_case, reason = "slots have the names of their C functions")]
        impl Xla {
            $(
                /// The function, if the table reaches that far and has it.
                pub(super) fn $name(
                    &self,
                ) -> Result<<c::$name as Nullable>::Function, Error> {
                    let end = offset_of!(c::XLA_FFI_Api, $name) + size_of::<c::$name>();
                    let function = if self.size >= end {
                        // SAFETY: the slot lies within the size that the table says it has; any
                        // bits are a valid nullable function pointer.
                        unsafe { (&raw const (*self.table.as_ptr()).$name).read() }
                    } else {
                        None
                    };
                    function.ok_or_else(|| self.absent(stringify!($name)))
                }
            )*
        }
    };
}

slots! {
    XLA_FFI_Error_Create
    XLA_FFI_Error_GetDetails
    XLA_FFI_Error_Destroy
    XLA_FFI_Handler_Register
    XLA_FFI_Stream_Get
    XLA_FFI_InvokeContext_Get
    XLA_FFI_State_Set
    XLA_FFI_State_Get
    XLA_FFI_DeviceMemory_Allocate
    XLA_FFI_DeviceMemory_Free
    XLA_FFI_ThreadPool_Schedule
    XLA_FFI_ThreadPool_NumThreads
    XLA_FFI_Future_Create
    XLA_FFI_Future_SetAvailable
    XLA_FFI_Future_SetError
    XLA_FFI_RunId_Get
    XLA_FFI_DeviceOrdinal_Get
}

/// A slot's type without null.
pub(super) trait Nullable {
    type Function;
}

impl<F> Nullable for Option<F> {
    type Function = F;
}

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
        // SAFETY: within the size, which was compared.
        let version = unsafe { (&raw const (*table.as_ptr()).api_version).read() };
        let xla = Xla {
            table,
            size,
            version: (version.major_version, version.minor_version),
        };
        xla.XLA_FFI_Error_Create().ok()?;
        Some(xla)
    }

    /// Whether the layouts that this crate knows are those of the table's version.
    pub(super) fn is_known(&self) -> bool {
        i64::from(self.version.0) == i64::from(c::XLA_FFI_API_MAJOR)
            && self.version.1 >= OLDEST_MINOR
    }

    /// Tells the tables of two plugins apart.
    pub(super) fn key(&self) -> usize {
        self.table.as_ptr().addr()
    }

    /// Whether call frames have the field for a future, which their size does not tell: the slot
    /// asked for is younger than the field.
    pub(super) fn has_future_field(&self) -> bool {
        self.XLA_FFI_RunId_Get().is_ok()
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
        let Ok(create) = self.XLA_FFI_Error_Create() else {
            // Cannot be: `new` has seen it.
            return ptr::null_mut();
        };
        let text = error.message().replace('\0', "\u{fffd}");
        let text = CString::new(text).unwrap_or_default();
        let mut args = c::XLA_FFI_Error_Create_Args::zeroed();
        args.struct_size = c::XLA_FFI_Error_Create_Args_STRUCT_SIZE;
        args.message = text.as_ptr();
        // A code that the header does not have is none that XLA knows.
        args.errc = match c::XLA_FFI_Error_Code(error.code().as_raw().0) {
            code if code.0 <= c::XLA_FFI_Error_Code_UNAUTHENTICATED.0 => code,
            _ => c::XLA_FFI_Error_Code_UNKNOWN,
        };
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
        if let Ok(details) = self.XLA_FFI_Error_GetDetails() {
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
        if let Ok(destroy) = self.XLA_FFI_Error_Destroy() {
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
