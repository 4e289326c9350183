//! What a plugin hands over together with the function that frees it.

use crate::rt::{self, Api, Owner, Place};
use crate::{NamedValues, Result, sys};
use std::ffi::{c_char, c_void};
use std::fmt;
use std::ops::Deref;

/// Frees what a plugin handed over, once, while everything that it needs is still there.
pub struct Holder {
    object: *mut c_void,
    free: Option<unsafe extern "C" fn(*mut c_void)>,
    _owner: Option<Owner>,
}

// SAFETY: the object is only freed, which may happen on any thread, and its contents are constant.
unsafe impl Send for Holder {}
// SAFETY: as above; nothing is written through it.
unsafe impl Sync for Holder {}

impl Holder {
    /// # Safety
    ///
    /// The object is live, or null; nobody else frees it, and `owner` is what must outlive it.
    pub(crate) unsafe fn new(
        object: *mut c_void,
        free: Option<unsafe extern "C" fn(*mut c_void)>,
        owner: Option<Owner>,
    ) -> Holder {
        Holder {
            object,
            free,
            _owner: owner,
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // A null object has nothing to free, even where a function came with it.
        if let (Some(free), false) = (self.free, self.object.is_null()) {
            // SAFETY: the plugin gave the function for this object, and it is called once.
            unsafe { free(self.object) };
        }
    }
}

/// Bytes that belong to a plugin and are freed when this is dropped.
pub struct HeldBytes {
    bytes: *const u8,
    length: usize,
    _holder: Holder,
}

// SAFETY: as for the holder; the bytes are constant.
unsafe impl Send for HeldBytes {}
// SAFETY: as above.
unsafe impl Sync for HeldBytes {}

impl HeldBytes {
    /// # Safety
    ///
    /// `bytes` are as for [`rt::slice`] until `free` is called with `object`; nobody else calls it.
    pub(crate) unsafe fn new(
        bytes: *const c_char,
        length: usize,
        object: *mut c_void,
        free: Option<unsafe extern "C" fn(*mut c_void)>,
        owner: Option<Owner>,
        place: Place,
    ) -> Result<HeldBytes> {
        // SAFETY: the caller's promise.
        let holder = unsafe { Holder::new(object, free, owner) };
        // SAFETY: the caller's promise; an error drops the holder, which frees the object.
        let checked: &[u8] = unsafe { rt::slice(bytes.cast(), length, place) }?;
        Ok(HeldBytes {
            bytes: checked.as_ptr(),
            length: checked.len(),
            _holder: holder,
        })
    }
}

impl Deref for HeldBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: pointer and length are those of a slice that lives until the holder is dropped.
        unsafe { std::slice::from_raw_parts(self.bytes, self.length) }
    }
}

impl AsRef<[u8]> for HeldBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for HeldBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.length)
    }
}

/// Attributes that belong to a plugin and are freed when this is dropped.
pub struct HeldNamedValues {
    values: NamedValues<'static>,
    _holder: Holder,
}

impl HeldNamedValues {
    /// # Safety
    ///
    /// `values` are as for [`rt::named_values`] until `free` is called with `object`; nobody else
    /// calls it.
    pub(crate) unsafe fn new(
        api: &'static Api,
        values: (*const sys::PJRT_NamedValue, usize),
        object: *mut c_void,
        free: Option<unsafe extern "C" fn(*mut c_void)>,
        owner: Option<Owner>,
        place: Place,
    ) -> Result<HeldNamedValues> {
        // SAFETY: the caller's promise.
        let holder = unsafe { Holder::new(object, free, owner) };
        // SAFETY: the caller's promise; the lifetime is that of the holder, and `values` below
        // gives out no longer one.
        let values = unsafe { NamedValues::new(api, values.0, values.1, place) }?;
        Ok(HeldNamedValues {
            values,
            _holder: holder,
        })
    }

    /// The attributes.
    pub fn values(&self) -> NamedValues<'_> {
        self.values
    }
}

impl fmt::Debug for HeldNamedValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.values.fmt(f)
    }
}
