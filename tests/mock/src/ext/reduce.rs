//! Reductions of arrays, element by element.

use crate::failure::Failure;
use pjrt_sys as core;
use pjrt_sys::collectives as sys;

/// Joins arrays of a type; none where Rust does not count with it.
pub(crate) fn reduce(
    kind: sys::PJRT_Collectives_ReductionKind,
    ty: core::PJRT_Buffer_Type,
    a: &[u8],
    b: &[u8],
) -> Result<Vec<u8>, Failure> {
    macro_rules! each {
        ($number:ty, $sum:expr, $product:expr) => {{
            const SIZE: usize = size_of::<$number>();
            let join: fn($number, $number) -> $number = match kind {
                sys::PJRT_COLLECTIVES_REDUCTION_SUM => $sum,
                sys::PJRT_COLLECTIVES_REDUCTION_PRODUCT => $product,
                sys::PJRT_COLLECTIVES_REDUCTION_MIN => |a, b| if b < a { b } else { a },
                sys::PJRT_COLLECTIVES_REDUCTION_MAX => |a, b| if b > a { b } else { a },
                _ => return Err(Failure::invalid("no such reduction")),
            };
            let pairs = a.as_chunks::<SIZE>().0.iter().zip(b.as_chunks::<SIZE>().0);
            let joined = pairs.flat_map(|(a, b)| {
                join(<$number>::from_ne_bytes(*a), <$number>::from_ne_bytes(*b)).to_ne_bytes()
            });
            Ok(joined.collect())
        }};
    }
    match ty {
        core::PJRT_Buffer_Type_S32 => each!(i32, i32::wrapping_add, i32::wrapping_mul),
        core::PJRT_Buffer_Type_S64 => each!(i64, i64::wrapping_add, i64::wrapping_mul),
        core::PJRT_Buffer_Type_U8 => each!(u8, u8::wrapping_add, u8::wrapping_mul),
        core::PJRT_Buffer_Type_U32 => each!(u32, u32::wrapping_add, u32::wrapping_mul),
        core::PJRT_Buffer_Type_F32 => each!(f32, |a, b| a + b, |a, b| a * b),
        core::PJRT_Buffer_Type_F64 => each!(f64, |a, b| a + b, |a, b| a * b),
        _ => Err(Failure::unimplemented("no reduction of that type")),
    }
}
