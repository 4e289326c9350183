//! Fields of serialised messages, as far as the listing of a program reads them.

/// The value of a field.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// A number of variable length.
    Number(u64),
    /// Text, bytes, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// A number of 4 or 8 bytes, which no field of interest is.
    Other,
}

/// The fields of a message with their numbers; none if it is cut off.
pub fn fields(mut rest: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let key = number(&mut rest)?;
        let value = match key & 7 {
            0 => Value::Number(number(&mut rest)?),
            1 => take(&mut rest, 8).map(|_| Value::Other)?,
            2 => {
                let length = usize::try_from(number(&mut rest)?).ok()?;
                Value::Bytes(take(&mut rest, length)?)
            }
            5 => take(&mut rest, 4).map(|_| Value::Other)?,
            _ => return None,
        };
        found.push((key >> 3, value));
    }
    Some(found)
}

impl<'a> Value<'a> {
    /// The text.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The numbers of a repeated field: packed, or one of them.
    pub fn numbers(self) -> Option<Vec<u64>> {
        let mut rest = match self {
            Value::Number(number) => return Some(vec![number]),
            Value::Bytes(bytes) => bytes,
            Value::Other => return None,
        };
        let mut found = Vec::new();
        while !rest.is_empty() {
            found.push(number(&mut rest)?);
        }
        Some(found)
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

/// A number of seven bits a byte, the lowest first.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut found = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        found |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(found);
        }
    }
    None
}
