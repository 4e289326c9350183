//! How a compiled program is written together with what it is.
//!
//! In this order: the mark, the format's version (4 bytes, as all numbers with the lowest byte
//! first), the size of the fields (4), the size of the program (8), the sha256 of all other bytes
//! (32), the fields, the program. A field is the size of its name (4), that of its value (4), name
//! and value, in UTF-8.

use sha2::{Digest, Sha256};

/// What every envelope begins with.
const MARK: &[u8; 8] = b"PJRTEXE\n";
const VERSION: u32 = 1;
/// Mark, version and sizes.
const SIZES: usize = 24;
/// And the checksum.
const HEAD: usize = SIZES + 32;

/// Names and values.
pub(super) type Fields = Vec<(String, String)>;

/// What comes before the program. An error says what is too large.
pub(super) fn head(
    fields: &[(String, String)],
    payload: &[u8],
) -> std::result::Result<Vec<u8>, &'static str> {
    const LARGE: &str = "what describes the program is larger than 4 GiB";
    let written = encoded(fields).ok_or(LARGE)?;
    let mut head = MARK.to_vec();
    head.extend(VERSION.to_le_bytes());
    head.extend(
        u32::try_from(written.len())
            .map_err(|_| LARGE)?
            .to_le_bytes(),
    );
    head.extend((payload.len() as u64).to_le_bytes());
    let sum = checksum(&head, &written, payload);
    head.extend(sum);
    head.extend(written);
    Ok(head)
}

/// The fields as bytes that no other fields have.
pub(super) fn encoded(fields: &[(String, String)]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        for text in [name, value] {
            bytes.extend(u32::try_from(text.len()).ok()?.to_le_bytes());
        }
        bytes.extend(name.as_bytes());
        bytes.extend(value.as_bytes());
    }
    Some(bytes)
}

/// Fields and program of what was written. An error says what is wrong.
pub(super) fn read(mut bytes: Vec<u8>) -> std::result::Result<(Fields, Vec<u8>), &'static str> {
    const SHORT: &str = "it is cut short";
    let mut rest = bytes.as_slice();
    if take(&mut rest, MARK.len()).ok_or(SHORT)? != MARK {
        return Err("it does not begin with the mark of a compiled program");
    }
    if number(&mut rest).ok_or(SHORT)? != VERSION as usize {
        return Err("it is written in another version of the format");
    }
    let fields_size = number(&mut rest).ok_or(SHORT)?;
    let payload_size = take(&mut rest, 8)
        .and_then(|size| <[u8; 8]>::try_from(size).ok())
        .map(u64::from_le_bytes)
        .ok_or(SHORT)?;
    let sum = take(&mut rest, 32).ok_or(SHORT)?;
    let written = take(&mut rest, fields_size).ok_or(SHORT)?;
    match (rest.len() as u64).cmp(&payload_size) {
        std::cmp::Ordering::Less => return Err(SHORT),
        std::cmp::Ordering::Greater => return Err("there is more after its end"),
        std::cmp::Ordering::Equal => {}
    }
    let sizes = bytes.get(..SIZES).ok_or(SHORT)?;
    if checksum(sizes, written, rest) != sum {
        return Err("its checksum is not that of its contents");
    }
    let fields = decoded(written).ok_or("its fields cannot be read")?;
    let head = HEAD.saturating_add(fields_size).min(bytes.len());
    bytes.drain(..head);
    Ok((fields, bytes))
}

fn decoded(mut rest: &[u8]) -> Option<Fields> {
    let mut fields = Fields::new();
    while !rest.is_empty() {
        let sizes = (number(&mut rest)?, number(&mut rest)?);
        let name = std::str::from_utf8(take(&mut rest, sizes.0)?).ok()?;
        let value = std::str::from_utf8(take(&mut rest, sizes.1)?).ok()?;
        fields.push((name.to_owned(), value.to_owned()));
    }
    Some(fields)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let bytes = <[u8; 4]>::try_from(take(rest, 4)?).ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

fn checksum(sizes: &[u8], fields: &[u8], payload: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in [sizes, fields, payload] {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The sha256 of bytes, as text.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as text.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// The bytes of such a text.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes = pairs
        .iter()
        .map(|[high, low]| u8::try_from(high << 4 | low));
    rest.is_empty().then(|| bytes.flatten().collect())
}
