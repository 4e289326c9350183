//! Lists of byte strings that callers get, with their lengths.

use std::ffi::c_char;

/// Byte strings in the form that callers read.
pub(crate) struct Texts {
    /// What the list points to.
    _texts: Vec<Vec<u8>>,
    starts: Vec<usize>,
    sizes: Vec<usize>,
}

impl Texts {
    pub(crate) fn new(texts: Vec<Vec<u8>>) -> Texts {
        Texts {
            starts: texts.iter().map(|text| text.as_ptr() as usize).collect(),
            sizes: texts.iter().map(Vec::len).collect(),
            _texts: texts,
        }
    }

    pub(crate) fn starts(&self) -> *mut *const c_char {
        self.starts.as_ptr().cast_mut().cast()
    }

    pub(crate) fn sizes(&self) -> *const usize {
        self.sizes.as_ptr()
    }

    pub(crate) fn count(&self) -> usize {
        self.sizes.len()
    }
}
