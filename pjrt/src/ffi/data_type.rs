//! Element types as custom calls name them.

use crate::ElementType;

pjrt_macros::generate!(enum XLA_FFI_DataType);

macro_rules! data_types {
    ($($name:ident, $text:literal, $bits:literal;)*) => {
        impl DataType {
            /// Its name in HLO (`f32`), if it is known.
            pub fn hlo_name(self) -> Option<&'static str> {
                match self {
                    $(DataType::$name => Some($text),)*
                    _ => None,
                }
            }

            /// As messages have it.
            pub(super) fn spelt(self) -> String {
                self.hlo_name().map_or_else(|| self.to_string(), str::to_owned)
            }

            /// How many bits an element takes in an array; 0 for what has no elements. None if the
            /// type is not known.
            pub fn bits(self) -> Option<usize> {
                match self {
                    $(DataType::$name => Some($bits),)*
                    _ => None,
                }
            }

            /// The type that custom calls use for elements of a PJRT type. None if there is none.
            pub fn of(element: ElementType) -> Option<DataType> {
                match element {
                    $(ElementType::$name => Some(DataType::$name),)*
                    _ => None,
                }
            }
        }
    };
}

data_types! {
    INVALID, "invalid", 0;
    PRED, "pred", 8;
    S1, "s1", 1;
    S2, "s2", 2;
    S4, "s4", 4;
    S8, "s8", 8;
    S16, "s16", 16;
    S32, "s32", 32;
    S64, "s64", 64;
    U1, "u1", 1;
    U2, "u2", 2;
    U4, "u4", 4;
    U8, "u8", 8;
    U16, "u16", 16;
    U32, "u32", 32;
    U64, "u64", 64;
    F16, "f16", 16;
    F32, "f32", 32;
    F64, "f64", 64;
    BF16, "bf16", 16;
    C64, "c64", 64;
    C128, "c128", 128;
    TOKEN, "token", 0;
    F8E5M2, "f8e5m2", 8;
    F8E3M4, "f8e3m4", 8;
    F8E4M3, "f8e4m3", 8;
    F8E4M3FN, "f8e4m3fn", 8;
    F8E4M3B11FNUZ, "f8e4m3b11fnuz", 8;
    F8E5M2FNUZ, "f8e5m2fnuz", 8;
    F8E4M3FNUZ, "f8e4m3fnuz", 8;
    F4E2M1FN, "f4e2m1fn", 4;
    F8E8M0FNU, "f8e8m0fnu", 8;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::ffi_api as c;

    #[test]
    fn a_pjrt_type_has_the_number_of_the_same_name() {
        assert_eq!(DataType::of(ElementType::BF16), Some(DataType::BF16));
        assert_eq!(DataType::BF16.as_raw().0, 16);
        assert_eq!(DataType::of(ElementType::F6E2M3FN), None);
    }

    #[test]
    fn an_unknown_number_is_kept_and_printed() {
        let unknown = DataType::from_raw(c::XLA_FFI_DataType(99));
        assert_eq!(unknown.to_string(), "DataType(99)");
        assert_eq!((unknown.hlo_name(), unknown.bits()), (None, None));
    }
}
