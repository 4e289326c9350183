//! Memory of the host that plugins can take without a copy.

use crate::{Element, Error, Result};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Where plugins want arrays to begin.
const ALIGNMENT: usize = 64;

/// Elements in host memory that begins at a multiple of 64 bytes, where plugins can use them without
/// a copy.
///
/// ```
/// use pjrt::HostVec;
///
/// let mut data = HostVec::from_slice(&[1.0f32, 2.0])?;
/// data[1] = 3.0;
/// assert_eq!(&data[..], [1.0, 3.0]);
/// # Ok::<(), pjrt::Error>(())
/// ```
pub struct HostVec<T: Element> {
    start: NonNull<T>,
    length: usize,
    elements: PhantomData<T>,
}

// SAFETY: the memory belongs to this alone, and elements may go between threads.
unsafe impl<T: Element> Send for HostVec<T> {}
// SAFETY: as above; it changes only through `&mut self`.
unsafe impl<T: Element> Sync for HostVec<T> {}

impl<T: Element> HostVec<T> {
    /// So many elements, all of whose bits are zero.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there is no memory for them.
    pub fn zeroed(length: usize) -> Result<HostVec<T>> {
        let refused = || Error::InvalidArgument {
            function: "HostVec",
            argument: "length",
            problem: format!("there is no memory for {length} elements of {}", T::TYPE),
        };
        let layout = layout::<T>(length).ok_or_else(refused)?;
        // SAFETY: the size of the layout is not zero.
        let start = unsafe { alloc_zeroed(layout) };
        Ok(HostVec {
            start: NonNull::new(start.cast()).ok_or_else(refused)?,
            length,
            elements: PhantomData,
        })
    }

    /// A copy of elements.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there is no memory for them.
    pub fn from_slice(elements: &[T]) -> Result<HostVec<T>> {
        let mut copy = HostVec::zeroed(elements.len())?;
        copy.copy_from_slice(elements);
        Ok(copy)
    }
}

/// Of as many bytes as the elements have, and one at least.
fn layout<T>(length: usize) -> Option<Layout> {
    let bytes = length.checked_mul(size_of::<T>())?.max(1);
    Layout::from_size_align(bytes, ALIGNMENT.max(align_of::<T>())).ok()
}

impl<T: Element> Deref for HostVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the memory has so many elements, which are initialised: zero, or written since.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl<T: Element> DerefMut for HostVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and nobody else has the memory.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl<T: Element> Drop for HostVec<T> {
    fn drop(&mut self) {
        if let Some(layout) = layout::<T>(self.length) {
            // SAFETY: the memory was allocated with this layout.
            unsafe { dealloc(self.start.as_ptr().cast(), layout) };
        }
    }
}

impl<T: Element> fmt::Debug for HostVec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} elements of {}", self.length, T::TYPE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_begin_where_plugins_want_them() {
        for length in [0, 1, 3, 1000] {
            let mut data = HostVec::<u8>::zeroed(length).unwrap();
            assert_eq!(data.as_ptr().addr() % ALIGNMENT, 0);
            assert!(data.iter().all(|byte| *byte == 0));
            data.fill(7);
            assert_eq!(&data[..], vec![7; length]);
        }
        assert_eq!(
            &HostVec::from_slice(&[1.5f64, 2.5]).unwrap()[..],
            [1.5, 2.5]
        );
    }

    #[test]
    fn more_than_memory_is_an_error() {
        for length in [usize::MAX, usize::MAX / 16, isize::MAX as usize / 8] {
            let error = HostVec::<f64>::zeroed(length).unwrap_err().to_string();
            assert!(error.contains("no memory"), "{error}");
        }
    }
}
