//! Arrays in NumPy's `.npy` files. The crate `npyz` reads and writes the headers; what follows is
//! taken as bytes, so that every element type goes the same way.

use std::path::Path;

use npyz::{Endianness, NpyHeader, Order, WriterBuilder as _};
use pjrt::ElementType;

use super::Problem;
use super::dtype::{Stored, of_header, stored};

/// An array as a file has it, in the machine's order of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// Type of the elements.
    pub stored: Stored,
    /// Dimensions.
    pub dims: Vec<i64>,
    /// The first dimension varies fastest, not the last.
    pub fortran: bool,
    /// The elements.
    pub bytes: Vec<u8>,
}

/// Reads a file.
///
/// # Errors
///
/// If it cannot be read, is no `.npy` file, has a type that no array on a device has, or fewer or
/// more bytes than its header says.
pub fn read(path: &Path) -> Result<Array, Problem> {
    let refuse = |what: String| Problem::new(format!("{}: {what}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| {
        refuse(format!("cannot be read: {error}")).next("check the path given with --input")
    })?;
    decode(&bytes).map_err(refuse)
}

/// Reads an array from the bytes of a file.
fn decode(file: &[u8]) -> Result<Array, String> {
    if !file.starts_with(b"\x93NUMPY") {
        return Err("expected a .npy file, which begins with \\x93NUMPY; save the array with `numpy.save` (not `savez`, not text)".to_owned());
    }
    let text = header_text(file).ok_or("it is cut off within its header; save it again")?;
    check_numbers(text)?;
    let mut rest = file;
    let header = NpyHeader::from_reader(&mut rest).map_err(|error| {
        format!("its header cannot be read ({error}); save it again with NumPy")
    })?;
    let dtype = header.dtype();
    let stored = of_header(&dtype).filter(|stored| stored.size > 0).ok_or_else(|| {
        format!(
            "its elements are {}, and arrays on a device have numbers or truth values; convert it with `astype`",
            dtype.descr()
        )
    })?;
    let dims: Option<Vec<i64>> = header
        .shape()
        .iter()
        .map(|d| i64::try_from(*d).ok())
        .collect();
    let dims = dims.ok_or("its dimensions are too large")?;
    let count = usize::try_from(header.len()).ok();
    let expected = count.and_then(|count| count.checked_mul(stored.size));
    if expected != Some(rest.len()) {
        let came = rest.len();
        let expected = expected.map_or("more than memory has".to_owned(), |e| e.to_string());
        return Err(format!(
            "expected {expected} bytes after the header, for {} {dims:?}, got {came}: the file is {}; save it again",
            stored.name(),
            if header.len() == 0 {
                "too long"
            } else {
                "cut off or too long"
            },
        ));
    }
    let mut bytes = rest.to_vec();
    if swapped(&dtype) {
        for word in bytes.chunks_exact_mut(stored.word().max(1)) {
            word.reverse();
        }
    }
    Ok(Array {
        stored,
        fortran: header.order() == Order::Fortran && dims.len() > 1,
        dims,
        bytes,
    })
}

/// Whether the bytes are not in the machine's order.
fn swapped(dtype: &npyz::DType) -> bool {
    let npyz::DType::Plain(text) = dtype else {
        return false;
    };
    let order = text.endianness();
    order != Endianness::Irrelevant && order != Endianness::of_machine()
}

/// The text of the header; none if the file ends before it.
fn header_text(file: &[u8]) -> Option<&[u8]> {
    let (start, length) = match file.get(6)? {
        1 => (
            10,
            usize::from(u16::from_le_bytes(file.get(8..10)?.try_into().ok()?)),
        ),
        _ => (
            12,
            usize::try_from(u32::from_le_bytes(file.get(8..12)?.try_into().ok()?)).ok()?,
        ),
    };
    file.get(start..)?.get(..length)
}

/// The reader of headers multiplies the dimensions unchecked: the product of all numbers must fit.
fn check_numbers(header: &[u8]) -> Result<(), String> {
    let refused = || "its header has numbers that no array has; save it again".to_owned();
    let mut product = 1u64;
    for run in header.chunk_by(|a, b| a.is_ascii_digit() && b.is_ascii_digit()) {
        if !run.first().is_some_and(u8::is_ascii_digit) {
            continue;
        }
        let number = std::str::from_utf8(run)
            .ok()
            .and_then(|run| run.parse::<u64>().ok());
        let number = number.ok_or_else(refused)?;
        product = product.checked_mul(number.max(1)).ok_or_else(refused)?;
    }
    // Numbers in another base, or with gaps, which NumPy does not write.
    let odd = |pair: &[u8]| matches!(pair, [digit, mark] if digit.is_ascii_digit() && (mark.is_ascii_alphabetic() || *mark == b'_'));
    // `'<V2'` and the like end with a quote, and a time's unit is in brackets.
    if header.windows(2).any(odd) {
        return Err(refused());
    }
    Ok(())
}

/// The bytes of a file with an array in row-major order.
///
/// # Errors
///
/// For an element type that has no elements.
pub fn encode(ty: ElementType, dims: &[i64], bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let refused =
        |what: &str| Problem::new(format!("{ty} {dims:?} cannot be written as .npy: {what}"));
    let dtype = stored(ty)
        .and_then(Stored::to_header)
        .ok_or_else(|| refused("it has no elements"))?;
    let shape: Option<Vec<u64>> = dims.iter().map(|dim| u64::try_from(*dim).ok()).collect();
    let shape = shape.ok_or_else(|| refused("a dimension is negative"))?;
    let mut file = Vec::new();
    npyz::WriteOptions::new_header_only()
        .dtype(dtype)
        .shape(&shape)
        .writer(&mut file)
        .write_header_only()
        .map_err(|error| refused(&error.to_string()))?;
    file.extend_from_slice(bytes);
    Ok(file)
}

#[cfg(test)]
mod tests;
