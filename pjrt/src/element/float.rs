//! Floats that Rust has no type for: their bits, and the numbers that these stand for.

use super::{Element, element};
use crate::ElementType;
use std::fmt;

/// How the bits of a float are read: sign (except for a scale), exponent, mantissa.
#[derive(Clone, Copy)]
struct Format {
    exponent: u32,
    mantissa: u32,
    bias: i32,
    kind: Kind,
}

/// What the bits that are no ordinary number mean.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// As IEEE 754 has it: the highest exponent is infinity and what is no number.
    Ieee,
    /// No infinity; all bits but the sign set is no number.
    AllOnes,
    /// No infinity and no negative zero, whose bits are no number.
    MinusZero,
    /// Numbers only.
    Finite,
    /// A power of two, without sign and zero; all bits set is no number.
    Scale,
}

impl Format {
    fn sign(self) -> u32 {
        match self.kind {
            Kind::Scale => 0,
            _ => 1 << (self.exponent + self.mantissa),
        }
    }

    /// What the bits without the sign would be if they were an ordinary number.
    fn magnitude(self, code: u32) -> f64 {
        let exponent = code >> self.mantissa;
        let fraction = code & ((1 << self.mantissa) - 1);
        let (whole, exponent) = match exponent {
            0 if self.kind != Kind::Scale => (0, 1),
            exponent => (1 << self.mantissa, exponent),
        };
        let power = exponent.cast_signed() - self.bias - self.mantissa.cast_signed();
        f64::from(whole + fraction) * 2f64.powi(power)
    }

    /// The greatest finite number, as bits.
    fn greatest(self) -> u32 {
        let ones = (1 << (self.exponent + self.mantissa)) - 1;
        match self.kind {
            Kind::Ieee => ones - (1 << self.mantissa),
            Kind::AllOnes | Kind::Scale => ones - 1,
            Kind::MinusZero | Kind::Finite => ones,
        }
    }

    fn decode(self, bits: u32) -> f32 {
        let sign = self.sign();
        let code = bits & ((1 << (self.exponent + self.mantissa)) - 1);
        let negative = bits & sign != 0;
        let magnitude = if code <= self.greatest() {
            if self.kind == Kind::MinusZero && negative && code == 0 {
                return f32::NAN;
            }
            // Every number of these formats is one of f32 too.
            self.magnitude(code) as f32
        } else if self.kind == Kind::Ieee && code == self.greatest() + 1 {
            f32::INFINITY
        } else {
            f32::NAN
        };
        if negative { -magnitude } else { magnitude }
    }

    /// The bits of what is no number; of zero where there are none.
    fn nan(self) -> u32 {
        let ones = (1 << (self.exponent + self.mantissa)) - 1;
        match self.kind {
            Kind::Ieee => self.greatest() + 1 + (1 << (self.mantissa - 1)),
            Kind::AllOnes | Kind::Scale => ones,
            Kind::MinusZero => self.sign(),
            Kind::Finite => 0,
        }
    }

    fn encode(self, value: f32) -> u32 {
        let below_zero = value.is_sign_negative();
        if value.is_nan() || (self.kind == Kind::Scale && below_zero) {
            return self.nan();
        }
        let wanted = f64::from(value).abs();
        let greatest = self.greatest();
        // The greatest code whose number is not above the value: numbers grow with their bits.
        let (mut low, mut high) = (0, greatest);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.magnitude(middle) <= wanted {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        // Up where that is nearer, or as near and even.
        let (below, above) = (self.magnitude(low), self.magnitude(low + 1));
        let (down, up) = (wanted - below, above - wanted);
        let code = if up < down || (up == down && low % 2 == 1) {
            low + 1
        } else {
            low
        };
        let sign = if below_zero { self.sign() } else { 0 };
        match self.kind {
            _ if code <= greatest => match (self.kind, code) {
                (Kind::MinusZero, 0) => 0,
                _ => sign | code,
            },
            Kind::Ieee => sign | code,
            Kind::Finite => sign | greatest,
            Kind::AllOnes | Kind::MinusZero | Kind::Scale => match self.kind {
                Kind::MinusZero => self.nan(),
                _ => sign | self.nan(),
            },
        }
    }
}

macro_rules! floats {
    ($($(#[$doc:meta])* $name:ident($bits:ident): $exponent:literal, $mantissa:literal, $bias:literal, $kind:ident;)*) => {
        $(
            $(#[$doc])*
            ///
            /// Two are equal if their bits are.
            #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
            #[repr(transparent)]
            pub struct $name($bits);

            impl $name {
                const FORMAT: Format = Format {
                    exponent: $exponent,
                    mantissa: $mantissa,
                    bias: $bias,
                    kind: Kind::$kind,
                };

                /// The float of these bits.
                pub const fn from_bits(bits: $bits) -> $name {
                    $name(bits)
                }

                /// Its bits.
                pub const fn to_bits(self) -> $bits {
                    self.0
                }

                /// The number nearest to this one, and of two that are as near the one whose bits
                /// are even. What is too large becomes infinity; where there is none, what is no
                /// number; where there is neither, the greatest number. What is no number becomes
                /// zero where all bits are numbers.
                pub fn from_f32(value: f32) -> $name {
                    // The bits are never wider than the format.
                    $name(Self::FORMAT.encode(value) as $bits)
                }

                /// The same number.
                pub fn to_f32(self) -> f32 {
                    Self::FORMAT.decode(self.0.into())
                }
            }

            element! { $name => $name }

            impl From<$name> for f32 {
                fn from(value: $name) -> f32 {
                    value.to_f32()
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.to_f32().fmt(f)
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.to_f32().fmt(f)
                }
            }
        )*
    };
}

floats! {
    /// IEEE 754's float of 16 bits: 5 of exponent, 10 of mantissa.
    F16(u16): 5, 10, 15, Ieee;
    /// The upper half of an `f32`: 8 bits of exponent, 7 of mantissa.
    BF16(u16): 8, 7, 127, Ieee;
    /// 8 bits: 5 of exponent, 2 of mantissa; with infinity.
    F8E5M2(u8): 5, 2, 15, Ieee;
    /// 8 bits: 4 of exponent, 3 of mantissa; with infinity.
    F8E4M3(u8): 4, 3, 7, Ieee;
    /// 8 bits: 3 of exponent, 4 of mantissa; with infinity.
    F8E3M4(u8): 3, 4, 3, Ieee;
    /// 8 bits: 4 of exponent, 3 of mantissa; no infinity.
    F8E4M3FN(u8): 4, 3, 7, AllOnes;
    /// 8 bits: 4 of exponent with bias 11, 3 of mantissa; no infinity, no negative zero.
    F8E4M3B11FNUZ(u8): 4, 3, 11, MinusZero;
    /// 8 bits: 5 of exponent with bias 16, 2 of mantissa; no infinity, no negative zero.
    F8E5M2FNUZ(u8): 5, 2, 16, MinusZero;
    /// 8 bits: 4 of exponent with bias 8, 3 of mantissa; no infinity, no negative zero.
    F8E4M3FNUZ(u8): 4, 3, 8, MinusZero;
    /// A power of two from 2^-127 to 2^127: 8 bits of exponent; no sign and no zero.
    F8E8M0FNU(u8): 8, 0, 127, Scale;
    /// 6 bits, the low ones of a byte: 2 of exponent, 3 of mantissa; numbers only.
    F6E2M3FN(u8): 2, 3, 1, Finite;
    /// 6 bits, the low ones of a byte: 3 of exponent, 2 of mantissa; numbers only.
    F6E3M2FN(u8): 3, 2, 3, Finite;
    /// 4 bits, the low ones of a byte: 2 of exponent, 1 of mantissa; numbers only.
    F4E2M1FN(u8): 2, 1, 1, Finite;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every number comes back from `f32`, and what lies between two goes to the nearer one.
    macro_rules! exhaustively {
        ($($name:ident),*) => { $({
            let format = $name::FORMAT;
            let all = (u32::from(format.sign()) << 1).max(1 << (format.exponent + format.mantissa));
            for bits in 0..all {
                let value = $name::from_bits(bits as _);
                let number = value.to_f32();
                let back = $name::from_f32(number);
                if number.is_nan() {
                    assert!(back.to_f32().is_nan(), "{} {bits:#x}", stringify!($name));
                } else {
                    assert_eq!(back, value, "{} {bits:#x} {number}", stringify!($name));
                }
            }
            for code in 0..format.greatest() {
                let (low, high) = (format.magnitude(code), format.magnitude(code + 1));
                let middle = (low + high) / 2.0;
                let even = code + code % 2;
                let at = |value: f64| u32::from($name::from_f32(value as f32).to_bits());
                assert_eq!(at(low + (middle - low) / 2.0), code, "{}", stringify!($name));
                assert_eq!(at(middle), even, "{} {code}", stringify!($name));
                assert_eq!(at(middle + (high - middle) / 2.0), code + 1, "{}", stringify!($name));
            }
        })* };
    }

    #[test]
    fn every_number_comes_back() {
        exhaustively!(
            F16,
            BF16,
            F8E5M2,
            F8E4M3,
            F8E3M4,
            F8E4M3FN,
            F8E4M3B11FNUZ,
            F8E5M2FNUZ,
            F8E4M3FNUZ,
            F8E8M0FNU,
            F6E2M3FN,
            F6E3M2FN,
            F4E2M1FN
        );
    }

    #[test]
    fn bfloats_are_halves_of_floats() {
        for bits in 0..=u16::MAX {
            let whole = f32::from_bits(u32::from(bits) << 16);
            let number = BF16::from_bits(bits).to_f32();
            assert!(number.to_bits() == whole.to_bits() || (number.is_nan() && whole.is_nan()));
        }
    }

    #[test]
    fn numbers_are_where_the_formats_have_them() {
        let one = |bits: f32| assert_eq!(bits, 1.0);
        one(F16::from_bits(0x3c00).to_f32());
        one(F8E5M2::from_bits(0x3c).to_f32());
        one(F8E4M3::from_bits(0x38).to_f32());
        one(F8E3M4::from_bits(0x30).to_f32());
        one(F8E4M3FN::from_bits(0x38).to_f32());
        one(F8E4M3B11FNUZ::from_bits(0x58).to_f32());
        one(F8E5M2FNUZ::from_bits(0x40).to_f32());
        one(F8E4M3FNUZ::from_bits(0x40).to_f32());
        one(F8E8M0FNU::from_bits(127).to_f32());
        one(F6E2M3FN::from_bits(8).to_f32());
        one(F6E3M2FN::from_bits(12).to_f32());
        one(F4E2M1FN::from_bits(2).to_f32());
        // The greatest numbers.
        assert_eq!(F16::from_bits(0x7bff).to_f32(), 65504.0);
        assert_eq!(F8E5M2::from_bits(0x7b).to_f32(), 57344.0);
        assert_eq!(F8E4M3::from_bits(0x77).to_f32(), 240.0);
        assert_eq!(F8E3M4::from_bits(0x6f).to_f32(), 15.5);
        assert_eq!(F8E4M3FN::from_bits(0x7e).to_f32(), 448.0);
        assert_eq!(F8E4M3B11FNUZ::from_bits(0x7f).to_f32(), 30.0);
        assert_eq!(F8E5M2FNUZ::from_bits(0x7f).to_f32(), 57344.0);
        assert_eq!(F8E4M3FNUZ::from_bits(0x7f).to_f32(), 240.0);
        assert_eq!(F8E8M0FNU::from_bits(254).to_f32(), 2f32.powi(127));
        assert_eq!(F8E8M0FNU::from_bits(0).to_f32(), 2f32.powi(-127));
        assert_eq!(F6E2M3FN::from_bits(31).to_f32(), 7.5);
        assert_eq!(F6E3M2FN::from_bits(31).to_f32(), 28.0);
        assert_eq!(F4E2M1FN::from_bits(7).to_f32(), 6.0);
        assert_eq!(F4E2M1FN::from_bits(15).to_f32(), -6.0);
    }

    #[test]
    fn what_has_no_bits_becomes_what_the_format_has() {
        assert_eq!(F8E5M2::from_f32(1e9).to_f32(), f32::INFINITY);
        assert_eq!(F8E5M2::from_f32(-1e9).to_f32(), f32::NEG_INFINITY);
        assert!(F8E4M3FN::from_f32(f32::INFINITY).to_f32().is_nan());
        assert!(F8E4M3FNUZ::from_f32(1e9).to_f32().is_nan());
        assert_eq!(F8E4M3FNUZ::from_f32(-0.0).to_bits(), 0);
        assert_eq!(F8E4M3FNUZ::from_f32(-1e-9).to_bits(), 0);
        assert_eq!(F4E2M1FN::from_f32(-100.0).to_f32(), -6.0);
        assert_eq!(F4E2M1FN::from_f32(f32::NAN).to_f32(), 0.0);
        assert!(F8E8M0FNU::from_f32(-1.0).to_f32().is_nan());
        assert_eq!(F8E8M0FNU::from_f32(0.0).to_bits(), 0);
    }
}
