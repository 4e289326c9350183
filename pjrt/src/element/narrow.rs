//! Integers of less than a byte, and how devices pack them.

use super::float::F4E2M1FN;
use super::{Element, element};
use crate::{ElementType, Error, Result};
use std::fmt;

/// An element of less than a byte, several of which fit a byte on a device.
pub trait Packed: Element {
    /// Bits of an element: 1, 2 or 4.
    const BITS: u32;

    /// The element whose bits are the low ones of a byte.
    fn from_low_bits(byte: u8) -> Self;

    /// Its bits, as the low ones of a byte; the others are zero.
    fn low_bits(self) -> u8;
}

macro_rules! narrow {
    ($($(#[$doc:meta])* $name:ident($int:ident, $bits:literal);)*) => {
        $(
            $(#[$doc])*
            ///
            /// Plugins take and give one byte for each in host memory; only the low bits count.
            #[derive(Clone, Copy, Default)]
            #[repr(transparent)]
            pub struct $name($int);

            impl $name {
                /// The least value.
                pub const MIN: $name = $name($int::MIN >> (8 - $bits));
                /// The greatest value.
                pub const MAX: $name = $name($int::MAX >> (8 - $bits));

                /// The value, unless it is too small or too large.
                pub const fn new(value: $int) -> Option<$name> {
                    if value >= Self::MIN.0 && value <= Self::MAX.0 {
                        Some($name(value))
                    } else {
                        None
                    }
                }

                /// The value of the low bits.
                pub const fn get(self) -> $int {
                    self.0 << (8 - $bits) >> (8 - $bits)
                }
            }

            element! { $name => $name }

            impl Packed for $name {
                const BITS: u32 = $bits;

                fn from_low_bits(byte: u8) -> $name {
                    // The same bits; the sign comes from the highest one that counts.
                    $name($name(byte as $int).get())
                }

                fn low_bits(self) -> u8 {
                    self.0 as u8 & (u8::MAX >> (8 - $bits))
                }
            }

            impl TryFrom<$int> for $name {
                type Error = Error;

                fn try_from(value: $int) -> Result<$name> {
                    $name::new(value).ok_or_else(|| Error::InvalidArgument {
                        function: stringify!($name),
                        argument: "value",
                        problem: format!(
                            "{value} is not within {} to {}",
                            $name::MIN.get(),
                            $name::MAX.get()
                        ),
                    })
                }
            }

            impl From<$name> for $int {
                fn from(value: $name) -> $int {
                    value.get()
                }
            }

            impl PartialEq for $name {
                fn eq(&self, other: &$name) -> bool {
                    self.get() == other.get()
                }
            }

            impl Eq for $name {}

            impl PartialOrd for $name {
                fn partial_cmp(&self, other: &$name) -> Option<std::cmp::Ordering> {
                    Some(self.cmp(other))
                }
            }

            impl Ord for $name {
                fn cmp(&self, other: &$name) -> std::cmp::Ordering {
                    self.get().cmp(&other.get())
                }
            }

            impl std::hash::Hash for $name {
                fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                    self.get().hash(state);
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.get().fmt(f)
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.get().fmt(f)
                }
            }
        )*
    };
}

narrow! {
    /// A signed integer of one bit: 0 or -1.
    S1(i8, 1);
    /// A signed integer of two bits: -2 to 1.
    S2(i8, 2);
    /// A signed integer of four bits: -8 to 7.
    S4(i8, 4);
    /// An unsigned integer of one bit.
    U1(u8, 1);
    /// An unsigned integer of two bits: 0 to 3.
    U2(u8, 2);
    /// An unsigned integer of four bits: 0 to 15.
    U4(u8, 4);
}

impl Packed for F4E2M1FN {
    const BITS: u32 = 4;

    fn from_low_bits(byte: u8) -> F4E2M1FN {
        F4E2M1FN::from_bits(byte & 15)
    }

    fn low_bits(self) -> u8 {
        self.to_bits() & 15
    }
}

/// How many elements a byte has.
fn per_byte<T: Packed>() -> usize {
    8 / T::BITS.clamp(1, 8) as usize
}

/// Packs elements as XLA's devices have them: the first in the lowest bits of the first byte. What
/// is left of the last byte is zero.
///
/// ```
/// use pjrt::element::{S4, pack, unpack};
///
/// let values = [1, -2, 3].map(|x| S4::new(x).unwrap());
/// let bytes = pack(&values);
/// assert_eq!(bytes, [0xe1, 0x03]);
/// assert_eq!(unpack::<S4>(&bytes, 3)?, values);
/// # Ok::<(), pjrt::Error>(())
/// ```
pub fn pack<T: Packed>(elements: &[T]) -> Vec<u8> {
    let chunks = elements.chunks(per_byte::<T>());
    let byte = |chunk: &[T]| {
        let bits = chunk.iter().rev().map(|element| element.low_bits());
        bits.fold(0u8, |byte, bits| byte << T::BITS | bits)
    };
    chunks.map(byte).collect()
}

/// Takes packed elements apart, as [`crate::Buffer::copy_raw_to_host`] brings them from a device.
///
/// # Errors
///
/// `InvalidArgument` if there are fewer bytes than so many elements take.
pub fn unpack<T: Packed>(bytes: &[u8], count: usize) -> Result<Vec<T>> {
    let needed = count.div_ceil(per_byte::<T>());
    if bytes.len() < needed {
        return Err(Error::InvalidArgument {
            function: "unpack",
            argument: "bytes",
            problem: format!(
                "{count} elements of {} take {needed} bytes, and {} were given",
                T::TYPE,
                bytes.len()
            ),
        });
    }
    let all = bytes.iter().flat_map(|byte| {
        (0..8 / T::BITS.clamp(1, 8)).map(move |i| T::from_low_bits(byte >> (i * T::BITS)))
    });
    Ok(all.take(count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_low_bits_count() {
        assert_eq!((S4::MIN.get(), S4::MAX.get()), (-8, 7));
        assert_eq!((S1::MIN.get(), S1::MAX.get()), (-1, 0));
        assert_eq!((U2::MIN.get(), U2::MAX.get()), (0, 3));
        for value in -8..8 {
            let exact = S4::new(value).unwrap();
            assert_eq!(exact.get(), value);
            assert_eq!(S4::from_low_bits(exact.low_bits()), exact);
            // With the sign in the high bits or without: the same value.
            assert_eq!(S4(value & 15), exact);
        }
        assert_eq!(S4::new(8), None);
        assert_eq!(U1::new(2), None);
        let error = U4::try_from(16).unwrap_err().to_string();
        assert!(error.contains("16 is not within 0 to 15"), "{error}");
    }

    #[test]
    fn what_is_packed_comes_back() {
        fn all<T: Packed + PartialEq + fmt::Debug>() {
            let values: Vec<T> = (0..=255).map(T::from_low_bits).collect();
            for count in 0..20 {
                let values = &values[..count];
                let bytes = pack(values);
                assert_eq!(bytes.len(), (count * T::BITS as usize).div_ceil(8));
                assert_eq!(unpack::<T>(&bytes, count).unwrap(), values);
                assert!(unpack::<T>(&bytes, bytes.len() * per_byte::<T>() + 1).is_err());
            }
        }
        all::<S1>();
        all::<S2>();
        all::<S4>();
        all::<U1>();
        all::<U2>();
        all::<U4>();
        all::<F4E2M1FN>();
    }
}
