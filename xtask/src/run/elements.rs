//! Single elements of arrays whose type is known at run time only: as text, and made up.

use fastrand::Rng;
use pjrt::ElementType as Type;
use pjrt::element::{
    BF16, F4E2M1FN, F6E2M3FN, F6E3M2FN, F8E3M4, F8E4M3, F8E4M3B11FNUZ, F8E4M3FN, F8E4M3FNUZ,
    F8E5M2, F8E5M2FNUZ, F8E8M0FNU, F16, Packed, S1, S2, S4, U1, U2, U4,
};

/// Random whole numbers are below this: they are often indices.
const WHOLE: u8 = 10;

/// An element as text; its bytes in hexadecimal for a type that is not known here.
pub fn text(ty: Type, bytes: &[u8]) -> String {
    /// The bytes of a number; those that are missing are zero.
    fn of<const N: usize>(bytes: &[u8]) -> [u8; N] {
        let mut found = [0; N];
        for (to, from) in found.iter_mut().zip(bytes) {
            *to = *from;
        }
        found
    }
    macro_rules! number {
        ($($number:ty),*) => { ($(format!("{:?}", <$number>::from_ne_bytes(of(bytes)))),*) };
    }
    macro_rules! bits {
        ($name:ident) => {
            format!("{:?}", $name::from_bits(u8::from_ne_bytes(of(bytes))))
        };
    }
    macro_rules! narrow {
        ($name:ident) => {{
            let [byte] = of(bytes);
            $name::from_low_bits(byte).get().to_string()
        }};
    }
    let halves = bytes.split_at(bytes.len() / 2);
    match ty {
        Type::PRED => (of::<1>(bytes) != [0]).to_string(),
        Type::S8 => number!(i8),
        Type::S16 => number!(i16),
        Type::S32 => number!(i32),
        Type::S64 => number!(i64),
        Type::U8 => number!(u8),
        Type::U16 => number!(u16),
        Type::U32 => number!(u32),
        Type::U64 => number!(u64),
        Type::F32 => number!(f32),
        Type::F64 => number!(f64),
        Type::C64 => complex(text(Type::F32, halves.0), text(Type::F32, halves.1)),
        Type::C128 => complex(text(Type::F64, halves.0), text(Type::F64, halves.1)),
        Type::F16 => format!("{:?}", F16::from_bits(u16::from_ne_bytes(of(bytes)))),
        Type::BF16 => format!("{:?}", BF16::from_bits(u16::from_ne_bytes(of(bytes)))),
        Type::F8E5M2 => bits!(F8E5M2),
        Type::F8E4M3 => bits!(F8E4M3),
        Type::F8E3M4 => bits!(F8E3M4),
        Type::F8E4M3FN => bits!(F8E4M3FN),
        Type::F8E4M3B11FNUZ => bits!(F8E4M3B11FNUZ),
        Type::F8E5M2FNUZ => bits!(F8E5M2FNUZ),
        Type::F8E4M3FNUZ => bits!(F8E4M3FNUZ),
        Type::F8E8M0FNU => bits!(F8E8M0FNU),
        Type::F6E2M3FN => bits!(F6E2M3FN),
        Type::F6E3M2FN => bits!(F6E3M2FN),
        Type::F4E2M1FN => bits!(F4E2M1FN),
        Type::S4 => narrow!(S4),
        Type::S2 => narrow!(S2),
        Type::S1 => narrow!(S1),
        Type::U4 => narrow!(U4),
        Type::U2 => narrow!(U2),
        Type::U1 => narrow!(U1),
        _ => {
            let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("0x{}", digits.concat())
        }
    }
}

fn complex(real: String, imaginary: String) -> String {
    let plus = if imaginary.starts_with('-') { "" } else { "+" };
    format!("{real}{plus}{imaginary}i")
}

/// So many elements of a type: floats from -1 to 1, whole numbers from 0 to 9 as far as the type
/// goes, truth values. None for a type that is not known here.
pub fn random(ty: Type, count: usize, rng: &mut Rng) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(count.checked_mul(ty.host_size()?)?)
        .ok()?;
    for _ in 0..count {
        one(ty, rng, &mut bytes)?;
    }
    Some(bytes)
}

fn one(ty: Type, rng: &mut Rng, to: &mut Vec<u8>) -> Option<()> {
    let float = |rng: &mut Rng| rng.f32() * 2.0 - 1.0;
    let double = |rng: &mut Rng| rng.f64() * 2.0 - 1.0;
    macro_rules! whole {
        ($number:ty) => {
            to.extend(<$number>::from(rng.u8(..WHOLE)).to_ne_bytes())
        };
    }
    macro_rules! bits {
        ($name:ident) => {
            to.extend($name::from_f32(float(rng)).to_bits().to_ne_bytes())
        };
    }
    match ty {
        Type::PRED | Type::U1 => to.push(rng.u8(..2)),
        Type::S8 | Type::U8 | Type::U4 => to.push(rng.u8(..WHOLE)),
        Type::S16 => whole!(i16),
        Type::S32 => whole!(i32),
        Type::S64 => whole!(i64),
        Type::U16 => whole!(u16),
        Type::U32 => whole!(u32),
        Type::U64 => whole!(u64),
        Type::S4 => to.push(rng.u8(..8)),
        Type::U2 => to.push(rng.u8(..4)),
        Type::S2 => to.push(rng.u8(..2)),
        Type::S1 => to.push(0),
        Type::F32 => to.extend(float(rng).to_ne_bytes()),
        Type::F64 => to.extend(double(rng).to_ne_bytes()),
        Type::C64 => to.extend(
            [float(rng), float(rng)]
                .iter()
                .flat_map(|x| x.to_ne_bytes()),
        ),
        Type::C128 => to.extend(
            [double(rng), double(rng)]
                .iter()
                .flat_map(|x| x.to_ne_bytes()),
        ),
        Type::F16 => bits!(F16),
        Type::BF16 => bits!(BF16),
        Type::F8E5M2 => bits!(F8E5M2),
        Type::F8E4M3 => bits!(F8E4M3),
        Type::F8E3M4 => bits!(F8E3M4),
        Type::F8E4M3FN => bits!(F8E4M3FN),
        Type::F8E4M3B11FNUZ => bits!(F8E4M3B11FNUZ),
        Type::F8E5M2FNUZ => bits!(F8E5M2FNUZ),
        Type::F8E4M3FNUZ => bits!(F8E4M3FNUZ),
        Type::F6E2M3FN => bits!(F6E2M3FN),
        Type::F6E3M2FN => bits!(F6E3M2FN),
        Type::F4E2M1FN => bits!(F4E2M1FN),
        // Powers of two, which have no sign.
        Type::F8E8M0FNU => to.push(F8E8M0FNU::from_f32(rng.f32() + 0.5).to_bits()),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_made_up_and_shown() {
        for ty in Type::ALL {
            let Some(size) = ty.host_size() else { continue };
            let bytes = random(*ty, 50, &mut Rng::with_seed(1)).expect("elements");
            assert_eq!(bytes.len(), 50 * size, "{ty}");
            for element in bytes.chunks(size) {
                let shown = text(*ty, element);
                assert!(!shown.starts_with("0x") && shown != "NaN", "{ty} {shown}");
            }
            let again = random(*ty, 50, &mut Rng::with_seed(1));
            assert_eq!(again.as_ref(), Some(&bytes), "{ty}");
        }
        assert_eq!(random(Type::TOKEN, 1, &mut Rng::with_seed(1)), None);
    }

    #[test]
    fn elements_are_shown_as_people_write_them() {
        let bytes = [1.5f32.to_ne_bytes(), (-2f32).to_ne_bytes()].concat();
        assert_eq!(text(Type::C64, &bytes), "1.5-2.0i");
        assert_eq!(text(Type::PRED, &[7]), "true");
        assert_eq!(text(Type::S4, &[0x0f]), "-1");
        assert_eq!(text(Type::from(999), &[0x0f, 1]), "0x0f01");
    }
}
