//! Types of elements.

use pjrt_sys as sys;

/// Names in program texts, types, and bytes of an element in host memory. What has less than a
/// byte has one of its own.
const TYPES: &[(&str, sys::PJRT_Buffer_Type, usize)] = &[
    ("pred", sys::PJRT_Buffer_Type_PRED, 1),
    ("s8", sys::PJRT_Buffer_Type_S8, 1),
    ("s16", sys::PJRT_Buffer_Type_S16, 2),
    ("s32", sys::PJRT_Buffer_Type_S32, 4),
    ("s64", sys::PJRT_Buffer_Type_S64, 8),
    ("u8", sys::PJRT_Buffer_Type_U8, 1),
    ("u16", sys::PJRT_Buffer_Type_U16, 2),
    ("u32", sys::PJRT_Buffer_Type_U32, 4),
    ("u64", sys::PJRT_Buffer_Type_U64, 8),
    ("f16", sys::PJRT_Buffer_Type_F16, 2),
    ("f32", sys::PJRT_Buffer_Type_F32, 4),
    ("f64", sys::PJRT_Buffer_Type_F64, 8),
    ("bf16", sys::PJRT_Buffer_Type_BF16, 2),
    ("c64", sys::PJRT_Buffer_Type_C64, 8),
    ("c128", sys::PJRT_Buffer_Type_C128, 16),
    ("f8e5m2", sys::PJRT_Buffer_Type_F8E5M2, 1),
    ("f8e4m3fn", sys::PJRT_Buffer_Type_F8E4M3FN, 1),
    ("f8e4m3b11fnuz", sys::PJRT_Buffer_Type_F8E4M3B11FNUZ, 1),
    ("f8e5m2fnuz", sys::PJRT_Buffer_Type_F8E5M2FNUZ, 1),
    ("f8e4m3fnuz", sys::PJRT_Buffer_Type_F8E4M3FNUZ, 1),
    ("s4", sys::PJRT_Buffer_Type_S4, 1),
    ("u4", sys::PJRT_Buffer_Type_U4, 1),
    ("s2", sys::PJRT_Buffer_Type_S2, 1),
    ("u2", sys::PJRT_Buffer_Type_U2, 1),
    ("f8e4m3", sys::PJRT_Buffer_Type_F8E4M3, 1),
    ("f8e3m4", sys::PJRT_Buffer_Type_F8E3M4, 1),
    ("f8e8m0fnu", sys::PJRT_Buffer_Type_F8E8M0FNU, 1),
    ("f4e2m1fn", sys::PJRT_Buffer_Type_F4E2M1FN, 1),
    ("s1", sys::PJRT_Buffer_Type_S1, 1),
    ("u1", sys::PJRT_Buffer_Type_U1, 1),
    ("f6e2m3fn", sys::PJRT_Buffer_Type_F6E2M3FN, 1),
    ("f6e3m2fn", sys::PJRT_Buffer_Type_F6E3M2FN, 1),
];

/// Bytes of an element; none for what is no element of arrays.
pub(crate) fn bytes(ty: sys::PJRT_Buffer_Type) -> Option<usize> {
    let found = TYPES.iter().find(|(_, other, _)| *other == ty);
    found.map(|(_, _, bytes)| *bytes)
}

/// The type of a name.
pub(crate) fn named(name: &str) -> Option<sys::PJRT_Buffer_Type> {
    TYPES
        .iter()
        .find(|(other, _, _)| *other == name)
        .map(|(_, ty, _)| *ty)
}

/// The name of a type.
pub(crate) fn name(ty: sys::PJRT_Buffer_Type) -> &'static str {
    let found = TYPES.iter().find(|(_, other, _)| *other == ty);
    found.map_or("unknown", |(name, _, _)| *name)
}

/// Adds element by element, where the type is one that Rust counts with.
pub(crate) fn add(ty: sys::PJRT_Buffer_Type, a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    macro_rules! sum {
        ($number:ty, $add:expr) => {{
            const SIZE: usize = size_of::<$number>();
            let pairs = a.as_chunks::<SIZE>().0.iter().zip(b.as_chunks::<SIZE>().0);
            let add: fn($number, $number) -> $number = $add;
            Some(
                pairs
                    .flat_map(|(a, b)| {
                        add(<$number>::from_ne_bytes(*a), <$number>::from_ne_bytes(*b))
                            .to_ne_bytes()
                    })
                    .collect(),
            )
        }};
    }
    match ty {
        sys::PJRT_Buffer_Type_S8 => sum!(i8, i8::wrapping_add),
        sys::PJRT_Buffer_Type_S16 => sum!(i16, i16::wrapping_add),
        sys::PJRT_Buffer_Type_S32 => sum!(i32, i32::wrapping_add),
        sys::PJRT_Buffer_Type_S64 => sum!(i64, i64::wrapping_add),
        sys::PJRT_Buffer_Type_U8 => sum!(u8, u8::wrapping_add),
        sys::PJRT_Buffer_Type_U16 => sum!(u16, u16::wrapping_add),
        sys::PJRT_Buffer_Type_U32 => sum!(u32, u32::wrapping_add),
        sys::PJRT_Buffer_Type_U64 => sum!(u64, u64::wrapping_add),
        sys::PJRT_Buffer_Type_F32 => sum!(f32, |a, b| a + b),
        sys::PJRT_Buffer_Type_F64 => sum!(f64, |a, b| a + b),
        _ => None,
    }
}
