//! As much of protocol buffers as the plugin reads and writes.

/// Appends a number.
pub(crate) fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Appends a field with a number.
pub(crate) fn number(field: u64, value: u64, bytes: &mut Vec<u8>) {
    varint(field << 3, bytes);
    varint(value, bytes);
}

/// Appends a field with bytes.
pub(crate) fn nested(field: u64, value: &[u8], bytes: &mut Vec<u8>) {
    varint(field << 3 | 2, bytes);
    varint(value.len() as u64, bytes);
    bytes.extend_from_slice(value);
}

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn skip<'a>(bytes: &mut &'a [u8], n: usize) -> Option<Field<'a>> {
    let (head, rest) = bytes.split_at_checked(n)?;
    *bytes = rest;
    Some(Field::Bytes(head))
}

/// The fields of a message; none if it is none.
pub(crate) fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = read_varint(&mut bytes)?;
        let value = match key & 7 {
            0 => Field::Number(read_varint(&mut bytes)?),
            1 => skip(&mut bytes, 8)?,
            2 => {
                let length = usize::try_from(read_varint(&mut bytes)?).ok()?;
                skip(&mut bytes, length)?
            }
            5 => skip(&mut bytes, 4)?,
            _ => return None,
        };
        found.push((key >> 3, value));
    }
    Some(found)
}

/// A field with bytes, the last one that is there.
pub(crate) fn bytes_of<'a>(fields: &[(u64, Field<'a>)], number: u64) -> Option<&'a [u8]> {
    fields.iter().rev().find_map(|(n, field)| match field {
        Field::Bytes(bytes) if *n == number => Some(*bytes),
        _ => None,
    })
}

/// A field with a number, the last one that is there.
pub(crate) fn number_of(fields: &[(u64, Field<'_>)], number: u64) -> Option<u64> {
    fields.iter().rev().find_map(|(n, field)| match field {
        Field::Number(value) if *n == number => Some(*value),
        _ => None,
    })
}
