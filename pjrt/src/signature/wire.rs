//! Serialised messages, as far as a program's are read here.

/// The value of a field.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a width that no field of interest has.
    Other,
}

/// The numbers of a repeated field: packed, or one of them.
pub(crate) fn numbers(value: Value<'_>) -> Option<Vec<u64>> {
    match value {
        Value::Number(number) => Some(vec![number]),
        Value::Bytes(mut rest) => {
            let mut found = Vec::new();
            while !rest.is_empty() {
                found.push(number(&mut rest)?);
            }
            Some(found)
        }
        Value::Other => None,
    }
}

/// The bytes of a field; the last one counts.
pub(crate) fn last(message: &[u8], wanted: u64) -> Option<&[u8]> {
    let mut found = None;
    for field in fields(message) {
        match field? {
            (name, Value::Bytes(bytes)) if name == wanted => found = Some(bytes),
            _ => {}
        }
    }
    found
}

/// A message without a field; none if it cannot be read to its end.
pub(crate) fn without(message: &[u8], unwanted: u64) -> Option<Vec<u8>> {
    let mut kept = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let before = rest;
        let (name, _) = field(&mut rest)?;
        if name != unwanted {
            kept.extend_from_slice(before.get(..before.len().checked_sub(rest.len())?)?);
        }
    }
    Some(kept)
}

/// The fields of a message. One that cannot be read ends it, as none.
pub(crate) fn fields(message: &[u8]) -> impl Iterator<Item = Option<(u64, Value<'_>)>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let read = field(&mut rest);
        if read.is_none() {
            rest = &[];
        }
        Some(read)
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let key = number(rest)?;
    let mut take = |length: usize| {
        let (taken, after) = rest.split_at_checked(length)?;
        *rest = after;
        Some(taken)
    };
    let value = match key & 7 {
        0 => Value::Number(number(rest)?),
        1 => take(8).map(|_| Value::Other)?,
        2 => {
            let length = usize::try_from(number(rest)?).ok()?;
            let (taken, after) = rest.split_at_checked(length)?;
            *rest = after;
            Value::Bytes(taken)
        }
        5 => take(4).map(|_| Value::Other)?,
        _ => return None,
    };
    Some((key >> 3, value))
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
