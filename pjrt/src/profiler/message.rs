//! The end of a serialised message.

/// Removes the one zero byte that stands behind a whole protobuf message. No field begins with a
/// zero byte, so what is left is the message; a zero byte inside the last field is not touched.
pub(super) fn remove_end_mark(bytes: &mut Vec<u8>) {
    let Some((0, message)) = bytes.split_last() else {
        return;
    };
    let mut rest = message;
    while !rest.is_empty() {
        match field(rest) {
            Some(behind) => rest = behind,
            // The last byte belongs to a field, or this is no message at all.
            None => return,
        }
    }
    bytes.pop();
}

/// What stands behind the first field.
fn field(bytes: &[u8]) -> Option<&[u8]> {
    let (tag, rest) = number(bytes)?;
    if tag >> 3 == 0 {
        return None;
    }
    match tag & 7 {
        0 => number(rest).map(|(_, rest)| rest),
        1 => rest.get(8..),
        2 => {
            let (length, rest) = number(rest)?;
            rest.get(usize::try_from(length).ok()?..)
        }
        5 => rest.get(4..),
        _ => None,
    }
}

/// A number of variable length, and what stands behind it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(index).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        remove_end_mark(&mut bytes);
        bytes
    }

    #[test]
    fn the_zero_byte_behind_a_message_goes() {
        assert_eq!(without(&[0x0a, 1, 7, 0]), [0x0a, 1, 7]);
        assert_eq!(without(&[8, 0x80, 1, 0x0d, 1, 2, 3, 4, 0]).len(), 8);
        assert_eq!(without(&[0x09, 0, 0, 0, 0, 0, 0, 0, 1, 0]).len(), 9);
        assert_eq!(without(&[0]), [0u8; 0]);
    }

    #[test]
    fn a_zero_byte_of_the_last_field_stays() {
        for whole in [
            &[0x0a, 2, 7, 0][..],
            &[8, 0],
            &[0x0d, 0, 0, 0, 0],
            &[0x0a, 0],
            &[],
        ] {
            assert_eq!(without(whole), whole);
        }
    }

    #[test]
    fn what_is_no_message_stays() {
        for odd in [&[7, 0][..], &[0xff; 12], &[0, 0], &[0x0a, 0xff, 0xff, 0]] {
            assert_eq!(without(odd), odd);
        }
    }
}
