//! What can be made to go wrong, by the name of a C function.

use crate::failure::Failure;
use std::time::Duration;

/// Something that goes wrong in a function.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The call does nothing and answers this error.
    Error(Failure),
    /// The slot is null.
    Missing,
    /// The output of this name is zero: a null pointer or handle, or nothing counted.
    Null(&'static str),
    /// The output of this name has this value: an absurd count or code.
    Value(&'static str, u64),
    /// The output of this name points to bytes that are no UTF-8; the field with the length is the
    /// second.
    BadText(&'static str, &'static str),
    /// What the call starts takes this long.
    Slow(Duration),
    /// What the call starts never ends.
    Never,
    /// What the call starts ends with this error.
    Later(Failure),
    /// The function panics.
    Panic,
    /// A caller's struct must have so many more bytes.
    LargerMinimum(usize),
}
