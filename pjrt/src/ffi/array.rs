//! Arrays of a call as XLA describes them.

use super::{DataType, Error};
use crate::Element;
use crate::client::element_count;
use crate::rt;
use crate::sys::ffi_api as c;
use std::borrow::Cow;
use std::ffi::c_void;
use std::fmt;
use std::ops::Range;
use std::ptr::NonNull;

/// Which array of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Which {
    Operand(usize),
    Result(usize),
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Which::Operand(index) => write!(f, "operand {index}"),
            Which::Result(index) => write!(f, "result {index}"),
        }
    }
}

/// An array of a call: where it lies, and what XLA says it holds.
///
/// The elements are in row-major order, unless the module asks for another layout. Types narrower
/// than a byte may be packed.
#[derive(Clone, Debug)]
pub struct RawArray<'a> {
    data_type: DataType,
    data: *mut c_void,
    dims: Cow<'a, [i64]>,
}

impl<'a> RawArray<'a> {
    /// Reads a description.
    ///
    /// # Safety
    ///
    /// `raw` is null or what a call frame calls a buffer: as long as its size says, with
    /// dimensions as many as its rank, all of which stays as it is through `'a`.
    unsafe fn read(raw: *const c::XLA_FFI_Buffer, which: Which) -> Result<RawArray<'a>, Error> {
        let broken = |what: &str| Error::internal(format!("XLA describes {which} with {what}"));
        let raw = NonNull::new(raw.cast_mut())
            .filter(|raw| raw.is_aligned())
            .ok_or_else(|| broken("a null or misaligned pointer"))?;
        // SAFETY: the size is the first word.
        let size = unsafe { raw.cast::<usize>().read() };
        if size < c::XLA_FFI_Buffer_STRUCT_SIZE {
            return Err(broken("a struct that is shorter than its first version"));
        }
        // SAFETY: the struct is as long as the fields that are read, by its own word.
        let raw = unsafe { raw.read() };
        let rank = usize::try_from(raw.rank).map_err(|_| broken("a negative rank"))?;
        // SAFETY: the caller's promise.
        let dims = unsafe { slice(raw.dims.cast_const(), rank) }
            .ok_or_else(|| broken("no valid pointer to its dimensions"))?;
        Ok(RawArray {
            data_type: DataType::from_raw(raw.dtype),
            data: raw.data,
            dims: Cow::Borrowed(dims),
        })
    }

    /// The type of the elements.
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// The dimensions; none for a scalar.
    pub fn dims(&self) -> &[i64] {
        &self.dims
    }

    /// Where the elements are: in host memory for a handler of the platform Host, else in the
    /// device's. May be null if there are none.
    pub fn as_ptr(&self) -> *mut c_void {
        self.data
    }

    /// The number of elements; none if the dimensions give no number that fits.
    pub fn element_count(&self) -> Option<usize> {
        element_count(&self.dims)
    }

    pub(super) fn into_owned(self) -> RawArray<'static> {
        RawArray {
            data_type: self.data_type,
            data: self.data,
            dims: Cow::Owned(self.dims.into_owned()),
        }
    }

    /// The memory, as addresses. Empty if there are no elements; to the end of the address space
    /// if it cannot be told where it ends.
    pub(super) fn range(&self) -> Range<usize> {
        let start = self.data.addr();
        if self.element_count() == Some(0) || self.data_type.bits() == Some(0) {
            return start..start;
        }
        let bytes = self.element_count().zip(self.data_type.bits());
        // Packed elements are taken for whole bytes: rather too long than too short.
        let bytes = bytes.and_then(|(count, bits)| count.checked_mul(bits.div_ceil(8)));
        let end = bytes.and_then(|bytes| start.checked_add(bytes));
        start..end.unwrap_or(usize::MAX)
    }

    /// The elements as values of `T`: where, and how many. The pointer is aligned and not null.
    pub(super) fn elements<T: Element>(&self, which: Which) -> Result<(NonNull<T>, usize), Error> {
        let wanted = DataType::of(T::TYPE);
        if wanted != Some(self.data_type) {
            let asked = wanted.map_or_else(|| T::TYPE.to_string(), DataType::spelt);
            return Err(Error::invalid_argument(format!(
                "{which} is {self}, and elements of {asked} were expected"
            )));
        }
        if T::SETTLE.is_some() {
            return Err(Error::invalid_argument(format!(
                "{which} is {self}, whose bytes need not be values of this Rust type: use `pjrt::element::Pred`"
            )));
        }
        let bits = self.data_type.bits();
        if bits != size_of::<T>().checked_mul(8) {
            return Err(Error::invalid_argument(format!(
                "{which} is {self}, whose elements are packed and no values of a Rust type: use its raw form"
            )));
        }
        let data = self.data.cast::<T>();
        let count = self.element_count();
        let count = count.filter(|count| rt::fits(data.cast_const(), *count));
        let count = count.ok_or_else(|| {
            Error::internal(format!("{which} is {self}, which no memory can hold"))
        })?;
        if count == 0 {
            return Ok((NonNull::dangling(), 0));
        }
        let data = NonNull::new(data)
            .ok_or_else(|| Error::internal(format!("{which} is {self}, at address 0")))?;
        if !data.is_aligned() {
            return Err(Error::internal(format!(
                "{which} is {self}, at {data:p}, which is not aligned for its elements"
            )));
        }
        Ok((data, count))
    }
}

impl fmt::Display for RawArray<'_> {
    /// As HLO writes a shape: `f32[2,3]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.data_type.spelt())?;
        for (i, dim) in self.dims.iter().enumerate() {
            write!(f, "{}{dim}", if i == 0 { "" } else { "," })?;
        }
        f.write_str("]")
    }
}

/// Reads the operands or results of a frame. An entry of a kind that this crate does not know is
/// `None`.
///
/// # Safety
///
/// `types` and `items` are null or hold `count` entries, and what they point to is as
/// [`RawArray::read`] wants it.
pub(super) unsafe fn read_list<'a>(
    count: i64,
    types: *const u32,
    items: *const *mut c_void,
    which: fn(usize) -> Which,
) -> Result<Vec<Option<RawArray<'a>>>, Error> {
    // Operands and results have one kind, of the same number.
    const BUFFER: u32 = c::XLA_FFI_ArgType_BUFFER.0;
    const _: () = assert!(BUFFER == c::XLA_FFI_RetType_BUFFER.0);
    let broken = || Error::internal("XLA gives a list of arrays that is not valid");
    let count = usize::try_from(count).map_err(|_| broken())?;
    // SAFETY: the caller's promise.
    let types = unsafe { slice(types, count) }.ok_or_else(broken)?;
    // SAFETY: the caller's promise.
    let items = unsafe { slice(items, count) }.ok_or_else(broken)?;
    let entries = types.iter().zip(items).enumerate();
    entries
        .map(|(index, (kind, item))| match *kind {
            // SAFETY: the kind says that it is a buffer.
            BUFFER => unsafe { RawArray::read(item.cast(), which(index)) }.map(Some),
            _ => Ok(None),
        })
        .collect()
}

/// Items that XLA owns; none if the pointer cannot be that of so many.
///
/// # Safety
///
/// A pointer that passes the checks here has `count` items, which stay as they are through `'a`.
pub(super) unsafe fn slice<'a, T>(items: *const T, count: usize) -> Option<&'a [T]> {
    if count == 0 {
        return Some(&[]);
    }
    if items.is_null() || !items.is_aligned() || !rt::fits(items, count) {
        return None;
    }
    // SAFETY: not null, aligned, of a possible size; the rest is the caller's promise.
    Some(unsafe { std::slice::from_raw_parts(items, count) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(data_type: DataType, data: *mut c_void, dims: &[i64]) -> RawArray<'_> {
        RawArray {
            data_type,
            data,
            dims: Cow::Borrowed(dims),
        }
    }

    #[test]
    fn no_elements_need_no_memory() {
        let empty = array(DataType::F32, std::ptr::null_mut(), &[2, 0]);
        assert_eq!(empty.elements::<f32>(Which::Operand(0)).unwrap().1, 0);
    }

    #[test]
    fn null_misaligned_and_impossible_arrays_are_refused() {
        let mut data = [0u64; 2];
        let odd = data.as_mut_ptr().cast::<u8>().wrapping_add(1).cast();
        for (data, dims) in [
            (std::ptr::null_mut(), &[2][..]),
            (odd, &[2]),
            (data.as_mut_ptr().cast(), &[-1]),
            (data.as_mut_ptr().cast(), &[i64::MAX, 4]),
            (data.as_mut_ptr().cast(), &[i64::MAX]),
        ] {
            let array = array(DataType::F32, data, dims);
            assert!(array.elements::<f32>(Which::Result(0)).is_err(), "{array}");
        }
    }

    #[test]
    fn another_type_is_refused_with_what_was_expected_and_found() {
        let array = array(DataType::F32, std::ptr::null_mut(), &[2, 3]);
        let error = array.elements::<i32>(Which::Operand(1)).unwrap_err();
        assert_eq!(
            error.message(),
            "operand 1 is f32[2,3], and elements of s32 were expected"
        );
    }
}
