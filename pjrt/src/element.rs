//! Rust types that can be elements of an array.
//!
//! Every element type of PJRT has one here: Rust's own numbers, `bool` and [`Pred`], `[f32; 2]` and
//! `[f64; 2]` for complex numbers, [`F16`] and [`BF16`], the eight, six and four bit floats, and
//! integers below a byte. With the feature `half`, `half::f16` and `half::bf16` are elements too;
//! with `num-complex`, `Complex<f32>` and `Complex<f64>`. A `TOKEN` has no elements: such a buffer is
//! passed on and waited for, and never read.
//!
//! In host memory each element has bytes of its own, those of less than a byte too. On a device they
//! may be packed, as [`pack`] does it.

mod float;
mod foreign;
mod narrow;

pub use float::{
    BF16, F4E2M1FN, F6E2M3FN, F6E3M2FN, F8E3M4, F8E4M3, F8E4M3B11FNUZ, F8E4M3FN, F8E4M3FNUZ,
    F8E5M2, F8E5M2FNUZ, F8E8M0FNU, F16,
};
pub use narrow::{Packed, S1, S2, S4, U1, U2, U4, pack, unpack};

use crate::ElementType;
use std::fmt;
use std::mem::MaybeUninit;

/// A type whose values are laid out as the elements of an array in host memory.
///
/// # Safety
///
/// The type has no padding and its size is that of the element in host memory. Bytes of zero are a
/// value. Any other bits are one as well, or [`Element::SETTLE`] is given and makes values of them.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
/// use pjrt::{Client, Element, Result};
///
/// fn round_trip<T: Element>(client: &Client, data: &[T]) -> Result<Vec<T>> {
///     client.buffer_from_slice(data, &[data.len() as i64])?.to_vec()
/// }
/// assert_eq!(round_trip(&client, &[-1i8, 2])?, [-1, 2]);
/// # Ok::<(), pjrt::Error>(())
/// ```
pub unsafe trait Element: Copy + Send + Sync + 'static {
    /// The element type in PJRT.
    const TYPE: ElementType;

    /// For a type that does not have a value for all bits: makes values of initialised bytes that a
    /// plugin has written. Such a type is never read in memory that a plugin still writes to.
    const SETTLE: Option<fn(&mut [MaybeUninit<Self>])> = None;
}

macro_rules! element {
    ($($rust:ty => $constant:ident),* $(,)?) => {
        $(
            // SAFETY: integers or floats of the same width as the element, without padding;
            // every bit pattern is a value.
            unsafe impl Element for $rust {
                const TYPE: ElementType = ElementType::$constant;
            }
        )*
    };
}

use element;

element! {
    i8 => S8, i16 => S16, i32 => S32, i64 => S64,
    u8 => U8, u16 => U16, u32 => U32, u64 => U64,
    f32 => F32, f64 => F64,
    [f32; 2] => C64, [f64; 2] => C128,
    Pred => PRED,
}

/// A truth value as arrays have it: a byte, which is false if it is zero.
///
/// `bool` is an element too; this one can also be read where a plugin's memory is seen directly, as
/// in custom calls.
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct Pred(u8);

impl Pred {
    /// The truth value.
    pub const fn get(self) -> bool {
        self.0 != 0
    }
}

impl From<bool> for Pred {
    fn from(value: bool) -> Pred {
        Pred(value.into())
    }
}

impl From<Pred> for bool {
    fn from(value: Pred) -> bool {
        value.get()
    }
}

impl PartialEq for Pred {
    fn eq(&self, other: &Pred) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Pred {}

impl fmt::Debug for Pred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

// SAFETY: a byte without padding, as the element; zero is false, and `settle` leaves nothing but 0
// and 1.
unsafe impl Element for bool {
    const TYPE: ElementType = ElementType::PRED;
    const SETTLE: Option<fn(&mut [MaybeUninit<bool>])> = Some(settle);
}

/// What is not zero is true.
fn settle(values: &mut [MaybeUninit<bool>]) {
    for value in values {
        // SAFETY: the byte is initialised, and any byte is a `u8`.
        let byte = unsafe { value.as_ptr().cast::<u8>().read() };
        value.write(byte != 0);
    }
}

/// Makes values of what a plugin has written.
///
/// # Safety
///
/// Every byte is initialised.
pub(crate) unsafe fn settled<T: Element>(memory: &mut [MaybeUninit<T>]) -> &mut [T] {
    if let Some(settle) = T::SETTLE {
        settle(memory);
    }
    // SAFETY: every byte is initialised, and any bits are a value, at least after `SETTLE`.
    unsafe { values(memory) }
}

/// The values in memory.
///
/// # Safety
///
/// All of it is initialised, with values.
pub(crate) unsafe fn values<T>(memory: &mut [MaybeUninit<T>]) -> &mut [T] {
    // SAFETY: the caller's promise; the two have the same layout.
    unsafe { &mut *(&raw mut *memory as *mut [T]) }
}

impl ElementType {
    /// Bytes that an element takes in host memory. Types narrower than a byte take one. None for
    /// `TOKEN`, `INVALID`, and types that this version does not know.
    pub fn host_size(self) -> Option<usize> {
        host_size(self)
    }
}

/// Bytes that an element takes in host memory; none for what is no element of an array. Types
/// narrower than a byte take one.
pub(crate) fn host_size(ty: ElementType) -> Option<usize> {
    Some(match ty {
        ElementType::C128 => 16,
        ElementType::S64 | ElementType::U64 | ElementType::F64 | ElementType::C64 => 8,
        ElementType::S32 | ElementType::U32 | ElementType::F32 => 4,
        ElementType::S16 | ElementType::U16 | ElementType::F16 | ElementType::BF16 => 2,
        ElementType::INVALID | ElementType::TOKEN => return None,
        other => other.name().map(|_| 1)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_becomes_a_truth_value() {
        let mut bytes = [0u8, 1, 2, 255];
        // SAFETY: `bool` has the size of a byte, which may be uninitialised in this view.
        let view = unsafe { &mut *(&raw mut bytes).cast::<[MaybeUninit<bool>; 4]>() };
        // SAFETY: the bytes are initialised.
        let values = unsafe { settled(view) };
        assert_eq!(values, [false, true, true, true]);
        assert_eq!(Pred(7), Pred::from(true));
        assert!(!bool::from(Pred::default()));
    }

    #[test]
    fn every_type_has_the_size_of_its_element() {
        fn of<T: Element>(seen: &mut Vec<ElementType>) {
            assert_eq!(T::TYPE.host_size(), Some(size_of::<T>()), "{}", T::TYPE);
            seen.push(T::TYPE);
        }
        let mut seen = Vec::new();
        macro_rules! each { ($($ty:ty),* $(,)?) => { $(of::<$ty>(&mut seen);)* } }
        each!(
            bool,
            Pred,
            i8,
            i16,
            i32,
            i64,
            u8,
            u16,
            u32,
            u64,
            f32,
            f64,
            [f32; 2],
            [f64; 2],
            F16,
            BF16,
            F8E5M2,
            F8E4M3FN,
            F8E4M3B11FNUZ,
            F8E5M2FNUZ,
            F8E4M3FNUZ,
            F8E4M3,
            F8E3M4,
            F8E8M0FNU,
            F6E2M3FN,
            F6E3M2FN,
            F4E2M1FN,
            S1,
            S2,
            S4,
            U1,
            U2,
            U4,
        );
        for ty in ElementType::ALL {
            let has = *ty != ElementType::INVALID && *ty != ElementType::TOKEN;
            assert_eq!(seen.contains(ty), has, "{ty}");
            assert_eq!(ty.host_size().is_some(), has, "{ty}");
        }
        assert_eq!(ElementType::from(999).host_size(), None);
    }
}
