//! How element types are called in `.npy` files.
//!
//! NumPy has no name for the narrow floats and integers. The package `ml_dtypes`, which has, saves
//! them as raw bytes (`V`), one or two for each element, and the same is done here.

use npyz::{DType, TypeChar, TypeStr};
use pjrt::ElementType;

/// The type in a file, as far as arrays on devices have it: what kind it is, and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// NumPy's letter, such as `f`.
    pub kind: char,
    /// Bytes of an element.
    pub size: usize,
}

/// What an element type is stored as.
pub fn stored(ty: ElementType) -> Option<Stored> {
    let size = ty.host_size()?;
    let kind = match ty {
        ElementType::PRED => 'b',
        ElementType::S8 | ElementType::S16 | ElementType::S32 | ElementType::S64 => 'i',
        ElementType::U8 | ElementType::U16 | ElementType::U32 | ElementType::U64 => 'u',
        ElementType::F16 | ElementType::F32 | ElementType::F64 => 'f',
        ElementType::C64 | ElementType::C128 => 'c',
        _ => 'V',
    };
    Some(Stored { kind, size })
}

/// The type that a file's header names, where arrays on devices may have it.
pub fn of_header(dtype: &DType) -> Option<Stored> {
    let DType::Plain(text) = dtype else {
        return None;
    };
    let kind = match text.type_char() {
        TypeChar::Bool => 'b',
        TypeChar::Int => 'i',
        TypeChar::Uint => 'u',
        TypeChar::Float => 'f',
        TypeChar::Complex => 'c',
        TypeChar::RawData => 'V',
        _ => return None,
    };
    let size = text.num_bytes()?;
    Some(Stored { kind, size })
}

impl Stored {
    /// The bytes that belong together when the order of bytes is turned: a complex number has two
    /// parts, and raw bytes have no order.
    pub fn word(self) -> usize {
        match self.kind {
            'c' => self.size / 2,
            'V' => 1,
            _ => self.size,
        }
    }

    /// The type in the words of a header, in the machine's order of bytes.
    pub fn to_header(self) -> Option<DType> {
        let order = match (self.word(), cfg!(target_endian = "little")) {
            (1, _) => '|',
            (_, true) => '<',
            (_, false) => '>',
        };
        let text: TypeStr = format!("{order}{}{}", self.kind, self.size).parse().ok()?;
        Some(DType::new_scalar(text))
    }

    /// What NumPy calls it, such as `float32`.
    pub fn name(self) -> String {
        let bits = self.size.saturating_mul(8);
        match self.kind {
            'b' => "bool".to_owned(),
            'i' => format!("int{bits}"),
            'u' => format!("uint{bits}"),
            'f' => format!("float{bits}"),
            'c' => format!("complex{bits}"),
            _ => format!("void{bits} (V{})", self.size),
        }
    }
}

/// What NumPy, or `ml_dtypes`, calls an element type.
pub fn numpy_name(ty: ElementType) -> String {
    match stored(ty) {
        Some(stored) if stored.kind != 'V' => format!("numpy.{}", stored.name()),
        _ => format!("ml_dtypes.{}", ml_name(ty)),
    }
}

fn ml_name(ty: ElementType) -> String {
    let word = ty.to_string().to_ascii_lowercase();
    if word == "bf16" {
        return "bfloat16".to_owned();
    }
    let letter = word.get(..1).unwrap_or_default();
    let rest = word.get(1..).unwrap_or_default();
    match letter {
        "s" => format!("int{rest}"),
        "u" => format!("uint{rest}"),
        // `f8e4m3fn` is `float8_e4m3fn` there.
        _ => format!("float{}", rest.replacen('e', "_e", 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_type_has_a_place_in_a_file() {
        for ty in ElementType::ALL {
            let Some(stored) = stored(*ty) else {
                assert_eq!(ty.host_size(), None, "{ty}");
                continue;
            };
            let header = stored.to_header().expect("a header");
            assert_eq!(of_header(&header), Some(stored), "{ty}");
        }
    }

    #[test]
    fn types_are_called_as_in_python() {
        let names = [
            (ElementType::PRED, "numpy.bool"),
            (ElementType::C64, "numpy.complex64"),
            (ElementType::BF16, "ml_dtypes.bfloat16"),
            (ElementType::F8E4M3FN, "ml_dtypes.float8_e4m3fn"),
            (ElementType::U4, "ml_dtypes.uint4"),
        ];
        for (ty, name) in names {
            assert_eq!(numpy_name(ty), name);
        }
    }
}
