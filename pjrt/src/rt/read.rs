//! Strings, slices and named values that a plugin returned, checked as far as can be.

use super::{Api, Owner, Place};
use crate::NamedValues;
use crate::Result;
use crate::held::{HeldBytes, HeldNamedValues, Holder};
use crate::sys;
use std::ffi::{c_char, c_void};

/// A part of a result. It says what type the error has, which a part that is always there does not.
pub fn part<T>(part: Result<T>) -> Result<T> {
    part
}

/// More bytes than any program's memory has: 57 bits are the widest addresses that processors
/// translate, and the upper half of what they span is the system's own.
const END_OF_MEMORY: usize = isize::MAX.unsigned_abs() >> 7;

/// Whether so many items can lie at an address. A count that no memory can hold would end the
/// process as soon as something copies the items.
pub(crate) fn fits<T>(items: *const T, count: usize) -> bool {
    let bytes = count.checked_mul(size_of::<T>());
    // The upper bits of an address may be a tag, so that it alone tells nothing.
    bytes.is_some_and(|bytes| bytes <= END_OF_MEMORY && items.addr().checked_add(bytes).is_some())
}

/// Items that a plugin owns. An empty array may be null.
///
/// # Safety
///
/// A pointer that passes the checks here has `count` items, which live and stay as they are
/// through `'a`.
pub unsafe fn slice<'a, T>(items: *const T, count: usize, place: Place) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if items.is_null() {
        return Err(place.invalid("null with a number of items that is not 0"));
    }
    if !items.is_aligned() {
        return Err(place.invalid("a pointer that is not aligned for its items"));
    }
    if !fits(items, count) {
        return Err(place.invalid("more items than memory can hold"));
    }
    // SAFETY: not null, aligned, of a possible size; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(items, count) })
}

/// Text that a plugin owns.
///
/// # Safety
///
/// As [`slice()`].
pub unsafe fn text<'a>(text: *const c_char, size: usize, place: Place) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    let bytes: &[u8] = unsafe { slice(text.cast(), size, place) }?;
    std::str::from_utf8(bytes).map_err(|_| place.invalid("text that is not UTF-8"))
}

/// Named values that a plugin owns.
///
/// # Safety
///
/// As [`slice()`], and each value's name and contents are as its type and size say.
pub unsafe fn named_values<'a>(
    api: &'static Api,
    values: *const sys::PJRT_NamedValue,
    count: usize,
    place: Place,
) -> Result<NamedValues<'a>> {
    // SAFETY: the caller's promise.
    unsafe { NamedValues::new(api, values, count, place) }
}

/// Bytes that are freed by a function that comes with them.
///
/// # Safety
///
/// As [`slice()`], until `free` is called with `object`, which nobody else does.
pub unsafe fn held_bytes(
    _api: &'static Api,
    bytes: *const c_char,
    size: usize,
    object: *mut c_void,
    free: Option<unsafe extern "C" fn(*mut c_void)>,
    owner: Option<Owner>,
    place: Place,
) -> Result<HeldBytes> {
    // SAFETY: the caller's promise.
    unsafe { HeldBytes::new(bytes, size, object, free, owner, place) }
}

/// Named values that are freed by a function that comes with them.
///
/// # Safety
///
/// As [`named_values`], until `free` is called with `object`, which nobody else does.
pub unsafe fn held_named_values(
    api: &'static Api,
    values: *const sys::PJRT_NamedValue,
    count: usize,
    object: *mut c_void,
    free: Option<unsafe extern "C" fn(*mut c_void)>,
    owner: Option<Owner>,
    place: Place,
) -> Result<HeldNamedValues> {
    // SAFETY: the caller's promise.
    unsafe { HeldNamedValues::new(api, (values, count), object, free, owner, place) }
}

/// Frees an object when it is dropped, with the function that came with it.
///
/// # Safety
///
/// The object is live, or null, and nobody else frees it.
pub unsafe fn free_later(
    object: *mut c_void,
    free: Option<unsafe extern "C" fn(*mut c_void)>,
) -> Holder {
    // SAFETY: the caller's promise.
    unsafe { Holder::new(object, free, None) }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn more_items_than_memory_can_hold_do_not_fit() {
        let words = [1u64, 2];
        assert!(fits(words.as_ptr(), 2));
        assert!(fits(words.as_ptr(), 1 << 40));
        for count in [usize::MAX, 1 << 62, 1 << 56, 1 << 53] {
            assert!(!fits(words.as_ptr(), count), "{count}");
        }
        assert!(!fits(std::ptr::without_provenance::<u8>(usize::MAX), 1));
    }
}
