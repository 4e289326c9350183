//! Numbers of other crates.

#[cfg(any(feature = "half", feature = "num-complex"))]
use super::{Element, element};
#[cfg(any(feature = "half", feature = "num-complex"))]
use crate::ElementType;

// Both hold the bits of the number and nothing else.
#[cfg(feature = "half")]
element! {
    half::f16 => F16, half::bf16 => BF16,
}

// The real part and then the imaginary one, laid out as in C.
#[cfg(feature = "num-complex")]
element! {
    num_complex::Complex<f32> => C64, num_complex::Complex<f64> => C128,
}
