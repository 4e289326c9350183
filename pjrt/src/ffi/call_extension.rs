//! What a plugin attaches to a call beyond what this crate knows of calls.

use super::Error;
use super::frame::Frame;
use crate::sys::ffi_api as c;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// What is attached to a call under a number. Behind a common head lies what the number says, which
/// this crate does not know: reading it is unsafe code.
#[derive(Clone, Copy, Debug)]
pub struct CallExtension<'c> {
    at: NonNull<c::XLA_FFI_Extension>,
    head: c::XLA_FFI_Extension,
    call: PhantomData<&'c ()>,
}

impl<'c> CallExtension<'c> {
    pub(super) fn find(
        frame: &'c Frame<'c>,
        context: *mut c::XLA_FFI_InvokeContext,
        kind: i64,
    ) -> Result<Option<CallExtension<'c>>, Error> {
        const FUNCTION: &str = "XLA_FFI_InvokeContext_FindExtension";
        let xla = &frame.xla;
        let function = xla.slot(FUNCTION, |api: &c::XLA_FFI_Api| {
            api.XLA_FFI_InvokeContext_FindExtension
        })?;
        let mut args = c::XLA_FFI_InvokeContext_FindExtension_Args::zeroed();
        args.struct_size = c::XLA_FFI_InvokeContext_FindExtension_Args_STRUCT_SIZE;
        args.ctx = context;
        args.extension_type = kind;
        // SAFETY: the context is that of the call, which has not returned; the struct is whole.
        unsafe {
            let error = function(&raw mut args);
            xla.check(error, FUNCTION)?;
        }
        if args.extension.is_null() {
            return Ok(None);
        }
        // SAFETY: the plugin keeps what it gives at least until the handler returns.
        let found = unsafe { CallExtension::at(args.extension) };
        let found = found.filter(|found| found.kind() == kind);
        let broken = || Error::internal(format!("{FUNCTION} gave no extension {kind}"));
        found.map(Some).ok_or_else(broken)
    }

    /// None if there is nothing, or not even the head.
    ///
    /// # Safety
    ///
    /// `at` is null, or an extension that stays as it is through `'c`, as long as its size says.
    unsafe fn at(at: *const c::XLA_FFI_Extension) -> Option<CallExtension<'c>> {
        let at = NonNull::new(at.cast_mut()).filter(|at| at.is_aligned())?;
        // SAFETY: the size is the first word.
        if unsafe { at.cast::<usize>().read() } < c::XLA_FFI_Extension_STRUCT_SIZE {
            return None;
        }
        Some(CallExtension {
            at,
            // SAFETY: the size covers the head.
            head: unsafe { at.read() },
            call: PhantomData,
        })
    }

    /// Its number.
    pub fn kind(&self) -> i64 {
        self.head.id.extension_type
    }

    /// Its own version, major and minor.
    pub fn version(&self) -> (i32, i32) {
        let id: c::XLA_FFI_ExtensionId = self.head.id;
        (id.major_version, id.minor_version)
    }

    /// How many bytes it has, the head included.
    pub fn size(&self) -> usize {
        self.head.struct_size
    }

    /// Where it lies, until the handler returns.
    pub fn as_ptr(&self) -> *const c_void {
        self.at.as_ptr().cast_const().cast()
    }

    /// The one that the plugin lists behind it.
    pub fn next(&self) -> Option<CallExtension<'c>> {
        // SAFETY: the list lives as long as this entry of it.
        unsafe { CallExtension::at(self.head.next) }
    }
}
