//! Memory of callers. Everything here stands on what a C caller promises: pointers of a call are
//! null or valid for it, and as long as their lengths say. Nothing of it is public.

use crate::failure::Failure;
use std::ffi::c_char;

/// Bytes of a caller.
pub(crate) fn bytes<'a>(start: *const c_char, size: usize) -> &'a [u8] {
    items(start.cast(), size)
}

/// Text of a caller.
pub(crate) fn string(start: *const c_char, size: usize) -> Result<String, Failure> {
    let text = String::from_utf8(bytes(start, size).to_vec());
    text.map_err(|_| Failure::invalid("a text of the caller is not UTF-8"))
}

/// An array of a caller.
pub(crate) fn items<'a, T>(start: *const T, count: usize) -> &'a [T] {
    if start.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: the promise above.
    unsafe { std::slice::from_raw_parts(start, count) }
}

/// Memory of a caller that is to be filled.
pub(crate) fn room<'a, T>(start: *mut T, count: usize) -> &'a mut [T] {
    if start.is_null() || count == 0 {
        return &mut [];
    }
    // SAFETY: the promise above.
    unsafe { std::slice::from_raw_parts_mut(start, count) }
}

/// A text as an output.
pub(crate) fn text(bytes: &[u8]) -> (*const c_char, usize) {
    (bytes.as_ptr().cast(), bytes.len())
}

/// A list as an output.
pub(crate) fn list<T>(items: &[T]) -> (*const T, usize) {
    (items.as_ptr(), items.len())
}
