//! Arrays that JAX wrote: their way to a device, and how near an output must come.

use pjrt::{Buffer, Client, Element, ElementType};
use std::fmt;

/// An array in row-major order.
#[derive(Debug)]
pub struct Array {
    /// Name of the type in NumPy.
    pub dtype: String,
    pub dims: Vec<i64>,
    pub bytes: Vec<u8>,
}

/// Types that hold the bits of elements for which Rust has none.
macro_rules! bits {
    ($($name:ident($bits:ty) => $constant:ident),* $(,)?) => {
        $(
            #[derive(Clone, Copy)]
            #[repr(transparent)]
            struct $name(#[allow(dead_code, reason = "only moved as bytes")] $bits);

            // SAFETY: whole numbers of the element's size, without padding; all bits are values.
            unsafe impl Element for $name {
                const TYPE: ElementType = ElementType::$constant;
            }
        )*
    };
}

bits! {
    Pred(u8) => PRED, F16(u16) => F16, Bf16(u16) => BF16, C64([u32; 2]) => C64,
    C128([u64; 2]) => C128, F8E4M3FN(u8) => F8E4M3FN, F8E5M2(u8) => F8E5M2,
}

/// Calls a generic function with the Rust type of a NumPy type.
macro_rules! typed {
    ($dtype:expr, $function:ident($($argument:expr),*)) => {
        match $dtype {
            "bool" => $function::<Pred>($($argument),*),
            "int8" => $function::<i8>($($argument),*),
            "int16" => $function::<i16>($($argument),*),
            "int32" => $function::<i32>($($argument),*),
            "int64" => $function::<i64>($($argument),*),
            "uint16" => $function::<u16>($($argument),*),
            "uint32" => $function::<u32>($($argument),*),
            "uint64" => $function::<u64>($($argument),*),
            "float16" => $function::<F16>($($argument),*),
            "bfloat16" => $function::<Bf16>($($argument),*),
            "float32" => $function::<f32>($($argument),*),
            "float64" => $function::<f64>($($argument),*),
            "complex64" => $function::<C64>($($argument),*),
            "complex128" => $function::<C128>($($argument),*),
            "float8_e4m3fn" => $function::<F8E4M3FN>($($argument),*),
            "float8_e5m2" => $function::<F8E5M2>($($argument),*),
            other => panic!("no Rust type is known for NumPy's {other}"),
        }
    };
}

fn give<T: Element>(client: &Client, array: &Array) -> Buffer {
    let count = array.bytes.len() / size_of::<T>();
    let mut elements: Vec<T> = Vec::with_capacity(count);
    // SAFETY: there is room for so many elements, any bits of which are values.
    unsafe {
        let to = elements.as_mut_ptr().cast::<u8>();
        to.copy_from_nonoverlapping(array.bytes.as_ptr(), count * size_of::<T>());
        elements.set_len(count);
    }
    client.buffer_from_slice(&elements, &array.dims).unwrap()
}

fn take<T: Element>(buffer: &Buffer) -> Vec<u8> {
    let elements = buffer.to_vec::<T>().unwrap();
    // SAFETY: elements have no padding, so all their bytes are initialised.
    let bytes = unsafe {
        std::slice::from_raw_parts(elements.as_ptr().cast::<u8>(), size_of_val(&elements[..]))
    };
    bytes.to_vec()
}

fn named<T: Element>() -> ElementType {
    T::TYPE
}

/// How far two numbers may be apart: so much in any case, and so much of the expected one besides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    pub absolute: f64,
    pub relative: f64,
}

/// The tolerance of a type; none is for bits that must be the same.
///
/// The two backends are different builds of XLA: they may add up in another order and round
/// functions such as `tanh` otherwise. Two steps of the type are allowed where it is narrow.
pub fn tolerance(dtype: &str) -> Option<Tolerance> {
    let (absolute, relative) = match dtype {
        "bfloat16" => (2f64.powi(-8), 2f64.powi(-7)),
        "float16" => (2f64.powi(-11), 2f64.powi(-10)),
        "float32" | "complex64" => (1e-6, 1e-5),
        "float64" | "complex128" => (1e-14, 1e-13),
        _ => return None,
    };
    Some(Tolerance { absolute, relative })
}

impl Tolerance {
    fn allows(self, found: f64, expected: f64) -> bool {
        if found == expected || (found.is_nan() && expected.is_nan()) {
            return true;
        }
        let difference = (found - expected).abs();
        difference.is_finite() && difference <= self.absolute + self.relative * expected.abs()
    }
}

/// Real and imaginary parts one after the other are numbers like any others.
fn numbers(dtype: &str, bytes: &[u8]) -> Vec<f64> {
    let half = |bits: u16| u32::from(bits) << 16;
    match dtype {
        "bfloat16" => chunks(bytes, |b| {
            f32::from_bits(half(u16::from_ne_bytes(b))).into()
        }),
        "float16" => chunks(bytes, |b| from_f16(u16::from_ne_bytes(b))),
        "float32" | "complex64" => chunks(bytes, |b| f32::from_ne_bytes(b).into()),
        "float64" | "complex128" => chunks(bytes, f64::from_ne_bytes),
        other => panic!("{other} is compared bit by bit"),
    }
}

fn chunks<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let chunks = bytes.chunks_exact(N);
    assert!(chunks.remainder().is_empty(), "{} bytes", bytes.len());
    chunks
        .map(|chunk| number(chunk.try_into().unwrap()))
        .collect()
}

fn from_f16(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (fraction + 1024.0) * 2f64.powi(exponent - 25),
    }
}

impl Array {
    /// Copies it to the client's first device.
    pub fn upload(&self, client: &Client) -> Buffer {
        typed!(self.dtype.as_str(), give(client, self))
    }

    /// Compares a buffer with this array; says what differs.
    pub fn against(&self, found: &Buffer) -> Result<(), String> {
        let ty: ElementType = typed!(self.dtype.as_str(), named());
        let (found_type, dims) = (found.element_type().unwrap(), found.dimensions().unwrap());
        if (found_type, dims) != (ty, &self.dims[..]) {
            return Err(format!("it is {found_type} of {dims:?}"));
        }
        self.against_bytes(&typed!(self.dtype.as_str(), take(found)))
    }

    fn against_bytes(&self, found: &[u8]) -> Result<(), String> {
        if found.len() != self.bytes.len() {
            return Err(format!("{} bytes came", found.len()));
        }
        let Some(tolerance) = tolerance(&self.dtype) else {
            let differs = found.iter().zip(&self.bytes).position(|(a, b)| a != b);
            return differs.map_or(Ok(()), |at| {
                Err(format!(
                    "byte {at} differs: {found:?}, JAX: {:?}",
                    self.bytes
                ))
            });
        };
        let (found, expected) = (
            numbers(&self.dtype, found),
            numbers(&self.dtype, &self.bytes),
        );
        let pairs = found.iter().zip(&expected).enumerate();
        for (at, (found, expected)) in pairs {
            if !tolerance.allows(*found, *expected) {
                return Err(format!(
                    "number {at} is {found}, JAX: {expected} ({tolerance:?})"
                ));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {:?}", self.dtype, self.dims)
    }
}

#[test]
fn a_difference_is_found() {
    let array = |dtype: &str, bytes: &[u8]| Array {
        dtype: dtype.to_owned(),
        dims: vec![1],
        bytes: bytes.to_vec(),
    };
    let one = array("int32", &1i32.to_ne_bytes());
    assert!(one.against_bytes(&1i32.to_ne_bytes()).is_ok());
    assert!(one.against_bytes(&2i32.to_ne_bytes()).is_err());
    assert!(one.against_bytes(&[1]).is_err());
    let one = array("float32", &1f32.to_ne_bytes());
    assert!(one.against_bytes(&1.000_005f32.to_ne_bytes()).is_ok());
    for wrong in [1.000_02, -1.0, f32::NAN, f32::INFINITY] {
        assert!(one.against_bytes(&wrong.to_ne_bytes()).is_err(), "{wrong}");
    }
    let half = array("float16", &0x3c00u16.to_ne_bytes());
    assert!(half.against_bytes(&0x3c01u16.to_ne_bytes()).is_ok());
    assert!(half.against_bytes(&0x3c03u16.to_ne_bytes()).is_err());
    let brain = array("bfloat16", &0x3f80u16.to_ne_bytes());
    assert!(brain.against_bytes(&0x3f81u16.to_ne_bytes()).is_ok());
    assert!(brain.against_bytes(&0x3f83u16.to_ne_bytes()).is_err());
}
