//! Lists that go to a plugin or come back from one, and memory that it fills.

use super::{Api, Handle, Owner, Place, slice};
use crate::sys;
use crate::{Error, NamedValue, NamedValueType, Result, Value};
use std::ffi::c_char;
use std::ptr::NonNull;

/// A length as the type of its field.
pub fn length<T: TryFrom<usize>>(
    length: usize,
    function: &'static str,
    argument: &'static str,
) -> Result<T> {
    T::try_from(length).map_err(|_| Error::InvalidArgument {
        function,
        argument,
        problem: format!("{length} items do not fit the field that counts them"),
    })
}

/// Where a list begins; null if it is empty, as what is not set is.
pub fn pointer_or_null<T>(list: &[T]) -> *const T {
    if list.is_empty() {
        std::ptr::null()
    } else {
        list.as_ptr()
    }
}

/// Takes over a list of objects that a plugin made. An empty place or one object twice is an error,
/// and the others are destroyed.
///
/// # Safety
///
/// What is not null is a new object of the caller's to destroy; `owner` is what must outlive it.
pub(crate) unsafe fn owned_list<H: Handle>(
    api: &'static Api,
    items: &[*mut H::Raw],
    owner: Option<&Owner>,
    place: Place,
) -> Result<Vec<H>> {
    let mut taken: Vec<H> = Vec::with_capacity(items.len());
    let mut problem = None;
    for raw in items {
        match NonNull::new(*raw) {
            None => problem = Some("null where an object must be"),
            Some(raw) if taken.iter().any(|other| other.as_raw() == raw.as_ptr()) => {
                problem = Some("one object in two places");
            }
            // SAFETY: the caller's promise; an object that comes twice is taken over once.
            Some(raw) => taken.push(unsafe { H::own(api, raw, owner.cloned()) }),
        }
    }
    match problem {
        Some(problem) => Err(place.invalid(problem)),
        None => Ok(taken),
    }
}

/// A number of items that a plugin returned.
pub fn count<T: TryInto<usize>>(count: T, place: Place) -> Result<usize> {
    count
        .try_into()
        .map_err(|_| place.invalid("a negative number of items"))
}

/// An index that a plugin returned into an array of so many items; -1 says none.
pub fn index_or_none<T: TryInto<i128>>(
    index: T,
    count: usize,
    place: Place,
) -> Result<Option<usize>> {
    let outside = || place.invalid("an index outside its array");
    let index: i128 = index.try_into().map_err(|_| outside())?;
    // Unsigned fields hold the -1 as their greatest value.
    if index == -1 || index == i128::from(u64::MAX) {
        return Ok(None);
    }
    let index = usize::try_from(index).map_err(|_| outside())?;
    (index < count).then_some(Some(index)).ok_or_else(outside)
}

/// Rows that lie one behind the other, and their lengths.
///
/// # Safety
///
/// As [`slice()`], for the lengths and for as many items as they add up to.
pub unsafe fn rows<'a, T>(
    items: *const T,
    sizes: *const usize,
    count: usize,
    place: Place,
) -> Result<Vec<&'a [T]>> {
    // SAFETY: the caller's promise.
    let sizes: &[usize] = unsafe { slice(sizes, count, place) }?;
    let total = sizes
        .iter()
        .try_fold(0usize, |sum, size| sum.checked_add(*size));
    let total = total.ok_or_else(|| place.invalid("rows that are longer than memory"))?;
    // SAFETY: the caller's promise.
    let mut rest: &'a [T] = unsafe { slice(items, total, place) }?;
    let mut rows = Vec::with_capacity(sizes.len());
    for size in sizes {
        // The sum of the sizes is the length of `rest`, so the split is within it.
        let (row, behind) = rest
            .split_at_checked(*size)
            .ok_or_else(|| place.invalid("rows of odd lengths"))?;
        rows.push(row);
        rest = behind;
    }
    Ok(rows)
}

/// Strings of bytes: an array of pointers and one of lengths.
///
/// # Safety
///
/// As [`slice()`], for both arrays and for each string.
pub unsafe fn byte_strings<'a>(
    items: *const *const c_char,
    sizes: *const usize,
    count: usize,
    place: Place,
) -> Result<Vec<&'a [u8]>> {
    // SAFETY: the caller's promise.
    let (items, sizes) = unsafe { (slice(items, count, place)?, slice(sizes, count, place)?) };
    // SAFETY: the caller's promise.
    items
        .iter()
        .zip(sizes)
        .map(|(item, size)| unsafe { slice(item.cast(), *size, place) })
        .collect()
}

/// Texts: an array of pointers and one of lengths.
///
/// # Safety
///
/// As [`byte_strings`].
pub unsafe fn texts<'a>(
    items: *const *const c_char,
    sizes: *const usize,
    count: usize,
    place: Place,
) -> Result<Vec<&'a str>> {
    // SAFETY: the caller's promise.
    let strings: Vec<&'a [u8]> = unsafe { byte_strings(items, sizes, count, place) }?;
    let text =
        |bytes| std::str::from_utf8(bytes).map_err(|_| place.invalid("text that is not UTF-8"));
    strings.into_iter().map(text).collect()
}

/// Texts, or none where the array is null.
///
/// # Safety
///
/// As [`byte_strings`].
pub unsafe fn texts_or_none<'a>(
    items: *const *const c_char,
    sizes: *const usize,
    count: usize,
    place: Place,
) -> Result<Option<Vec<&'a str>>> {
    if items.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { texts(items, sizes, count, place) }.map(Some)
}

/// Strings of bytes, or none where the array is null.
///
/// # Safety
///
/// As [`byte_strings`].
pub unsafe fn byte_strings_or_none<'a>(
    items: *const *const c_char,
    sizes: *const usize,
    count: usize,
    place: Place,
) -> Result<Option<Vec<&'a [u8]>>> {
    if items.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { byte_strings(items, sizes, count, place) }.map(Some)
}

/// The C form of named values. It points into `values`.
pub fn lower_named_values(values: &[NamedValue<'_>]) -> Result<Vec<sys::PJRT_NamedValue>> {
    values.iter().map(lower_named_value).collect()
}

fn lower_named_value(value: &NamedValue<'_>) -> Result<sys::PJRT_NamedValue> {
    let mut lowered = sys::PJRT_NamedValue::zeroed();
    lowered.struct_size = sys::PJRT_NamedValue_STRUCT_SIZE;
    lowered.name = value.name.as_ptr().cast();
    lowered.name_size = value.name.len();
    lowered.value_size = 1;
    let union = &mut lowered.__bindgen_anon_1;
    let kind = match value.value {
        Value::String(bytes) => {
            union.string_value = bytes.as_ptr().cast();
            lowered.value_size = bytes.len();
            NamedValueType::STRING
        }
        Value::Int64(number) => {
            union.int64_value = number;
            NamedValueType::INT64
        }
        Value::Int64List(numbers) => {
            union.int64_array_value = numbers.as_ptr();
            lowered.value_size = numbers.len();
            NamedValueType::INT64_LIST
        }
        Value::Float(number) => {
            union.float_value = number;
            NamedValueType::FLOAT
        }
        Value::Bool(truth) => {
            union.bool_value = truth;
            NamedValueType::BOOL
        }
        Value::Unknown(kind) => {
            return Err(Error::InvalidArgument {
                function: "PJRT_NamedValue",
                argument: "type",
                problem: format!(
                    "the value of `{}` is of the unknown type {kind}",
                    value.name
                ),
            });
        }
    };
    lowered.type_ = kind.as_raw();
    Ok(lowered)
}

/// More items than this are not offered to a plugin: an answer that asks for more is absurd.
const LARGEST_ROOM: usize = 1 << 28;

/// How much room a plugin asked for.
pub fn room<T: TryInto<usize>>(
    items: T,
    function: &'static str,
    field: &'static str,
) -> Result<usize> {
    let place = Place { function, field };
    let items = items
        .try_into()
        .map_err(|_| place.invalid("a negative number of items"))?;
    if items > LARGEST_ROOM {
        Err(place.invalid("an absurd number of items"))
    } else {
        Ok(items)
    }
}

/// The room that a product of given numbers needs, each of which must be at least 1: the real CPU
/// plugin ends the process on 0 replicas. None is a number that does not even fit.
pub fn product(
    factors: &[Option<usize>],
    function: &'static str,
    argument: &'static str,
) -> Result<usize> {
    let product = factors.iter().try_fold(1usize, |product, factor| {
        product.checked_mul(factor.filter(|f| *f > 0)?)
    });
    product
        .filter(|items| *items <= LARGEST_ROOM)
        .ok_or_else(|| Error::InvalidArgument {
            function,
            argument,
            problem: "the numbers given are not positive, or their product is too large".to_owned(),
        })
}

/// Memory for a plugin to fill.
pub fn zeroed_items<T: Default + Clone>(
    items: usize,
    function: &'static str,
    argument: &'static str,
) -> Result<Vec<T>> {
    let mut memory = Vec::new();
    if memory.try_reserve_exact(items).is_err() {
        let problem = format!("there is no memory for {items} items");
        return Err(Error::InvalidArgument {
            function,
            argument,
            problem,
        });
    }
    memory.resize(items, T::default());
    Ok(memory)
}

/// The part of the memory that a plugin filled.
pub fn filled<T>(mut memory: Vec<T>, count: usize, place: Place) -> Result<Vec<T>> {
    if count > memory.len() {
        return Err(place.invalid("more items than there was room for"));
    }
    memory.truncate(count);
    Ok(memory)
}

/// The text that a plugin wrote and ended with NUL.
pub fn filled_text(mut memory: Vec<u8>, place: Place) -> Result<String> {
    let end = memory.iter().position(|byte| *byte == 0);
    memory.truncate(end.ok_or_else(|| place.invalid("text without an end"))?);
    String::from_utf8(memory).map_err(|_| place.invalid("text that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_inside_its_array_or_none_at_all() {
        let place = Place {
            function: "PJRT_Test",
            field: "index",
        };
        assert_eq!(index_or_none(1usize, 2, place).unwrap(), Some(1));
        assert_eq!(index_or_none(usize::MAX, 2, place).unwrap(), None);
        assert_eq!(index_or_none(-1i32, 0, place).unwrap(), None);
        assert!(index_or_none(2usize, 2, place).is_err());
        assert!(index_or_none(-2i64, 2, place).is_err());
        assert!(index_or_none(0u32, 0, place).is_err());
    }
}
