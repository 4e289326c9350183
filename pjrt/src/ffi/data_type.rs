//! Element types as custom calls name them.

use crate::ElementType;
use crate::sys::ffi_api as c;
use std::fmt;

/// The element type of an array or attribute: `XLA_FFI_DataType`. Its numbers are not those of
/// [`ElementType`]. A value that this crate does not know is kept and printed as its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DataType(u32);

macro_rules! data_types {
    ($($(#[$doc:meta])* $name:ident = $raw:ident, $text:literal, $bits:literal;)*) => {
        impl DataType {
            $($(#[$doc])* pub const $name: DataType = DataType(c::$raw.0);)*

            /// Its name in HLO (`f32`), if it is known.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(DataType::$name => Some($text),)*
                    _ => None,
                }
            }

            /// How many bits an element takes in an array; 0 for what has no elements. None if the
            /// type is not known.
            pub fn bits(self) -> Option<usize> {
                match self {
                    $(DataType::$name => Some($bits),)*
                    _ => None,
                }
            }

            fn of_element(element: ElementType) -> Option<DataType> {
                match element {
                    $(ElementType::$name => Some(DataType::$name),)*
                    _ => None,
                }
            }
        }
    };
}

data_types! {
    /// No type.
    INVALID = XLA_FFI_DataType_INVALID, "invalid", 0;
    /// Truth values, a byte each.
    PRED = XLA_FFI_DataType_PRED, "pred", 8;
    /// Signed integers of 1 bit.
    S1 = XLA_FFI_DataType_S1, "s1", 1;
    /// Signed integers of 2 bits.
    S2 = XLA_FFI_DataType_S2, "s2", 2;
    /// Signed integers of 4 bits.
    S4 = XLA_FFI_DataType_S4, "s4", 4;
    /// Signed integers of 8 bits.
    S8 = XLA_FFI_DataType_S8, "s8", 8;
    /// Signed integers of 16 bits.
    S16 = XLA_FFI_DataType_S16, "s16", 16;
    /// Signed integers of 32 bits.
    S32 = XLA_FFI_DataType_S32, "s32", 32;
    /// Signed integers of 64 bits.
    S64 = XLA_FFI_DataType_S64, "s64", 64;
    /// Unsigned integers of 1 bit.
    U1 = XLA_FFI_DataType_U1, "u1", 1;
    /// Unsigned integers of 2 bits.
    U2 = XLA_FFI_DataType_U2, "u2", 2;
    /// Unsigned integers of 4 bits.
    U4 = XLA_FFI_DataType_U4, "u4", 4;
    /// Unsigned integers of 8 bits.
    U8 = XLA_FFI_DataType_U8, "u8", 8;
    /// Unsigned integers of 16 bits.
    U16 = XLA_FFI_DataType_U16, "u16", 16;
    /// Unsigned integers of 32 bits.
    U32 = XLA_FFI_DataType_U32, "u32", 32;
    /// Unsigned integers of 64 bits.
    U64 = XLA_FFI_DataType_U64, "u64", 64;
    /// IEEE floats of 16 bits.
    F16 = XLA_FFI_DataType_F16, "f16", 16;
    /// IEEE floats of 32 bits.
    F32 = XLA_FFI_DataType_F32, "f32", 32;
    /// IEEE floats of 64 bits.
    F64 = XLA_FFI_DataType_F64, "f64", 64;
    /// The upper half of IEEE floats of 32 bits.
    BF16 = XLA_FFI_DataType_BF16, "bf16", 16;
    /// Complex numbers of two `f32`.
    C64 = XLA_FFI_DataType_C64, "c64", 64;
    /// Complex numbers of two `f64`.
    C128 = XLA_FFI_DataType_C128, "c128", 128;
    /// A token, which orders operations and holds nothing.
    TOKEN = XLA_FFI_DataType_TOKEN, "token", 0;
    /// Floats of 8 bits: 5 of exponent, 2 of mantissa.
    F8E5M2 = XLA_FFI_DataType_F8E5M2, "f8e5m2", 8;
    /// Floats of 8 bits: 3 of exponent, 4 of mantissa.
    F8E3M4 = XLA_FFI_DataType_F8E3M4, "f8e3m4", 8;
    /// Floats of 8 bits: 4 of exponent, 3 of mantissa.
    F8E4M3 = XLA_FFI_DataType_F8E4M3, "f8e4m3", 8;
    /// As `F8E4M3`, without infinities.
    F8E4M3FN = XLA_FFI_DataType_F8E4M3FN, "f8e4m3fn", 8;
    /// As `F8E4M3`, with bias 11, without infinities and negative zero.
    F8E4M3B11FNUZ = XLA_FFI_DataType_F8E4M3B11FNUZ, "f8e4m3b11fnuz", 8;
    /// As `F8E5M2`, without infinities and negative zero.
    F8E5M2FNUZ = XLA_FFI_DataType_F8E5M2FNUZ, "f8e5m2fnuz", 8;
    /// As `F8E4M3`, without infinities and negative zero.
    F8E4M3FNUZ = XLA_FFI_DataType_F8E4M3FNUZ, "f8e4m3fnuz", 8;
    /// Floats of 4 bits: 2 of exponent, 1 of mantissa, without infinities.
    F4E2M1FN = XLA_FFI_DataType_F4E2M1FN, "f4e2m1fn", 4;
    /// Powers of two in 8 bits, without sign.
    F8E8M0FNU = XLA_FFI_DataType_F8E8M0FNU, "f8e8m0fnu", 8;
}

impl DataType {
    pub(super) fn from_raw(raw: c::XLA_FFI_DataType) -> DataType {
        DataType(raw.0)
    }

    /// The number.
    pub fn as_raw(self) -> c::XLA_FFI_DataType {
        c::XLA_FFI_DataType(self.0)
    }

    /// The type that custom calls use for elements of a PJRT type. None if there is none.
    pub fn of(element: ElementType) -> Option<DataType> {
        DataType::of_element(element)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "XLA_FFI_DataType {}", self.0),
        }
    }
}

impl fmt::Debug for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pjrt_type_has_the_number_of_the_same_name() {
        assert_eq!(DataType::of(ElementType::BF16), Some(DataType::BF16));
        assert_eq!(DataType::BF16.as_raw().0, 16);
        assert_eq!(DataType::of(ElementType::F6E2M3FN), None);
    }

    #[test]
    fn an_unknown_number_is_kept_and_printed() {
        let unknown = DataType::from_raw(c::XLA_FFI_DataType(99));
        assert_eq!(unknown.to_string(), "XLA_FFI_DataType 99");
        assert_eq!((unknown.name(), unknown.bits()), (None, None));
    }
}
