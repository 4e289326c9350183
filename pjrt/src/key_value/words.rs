//! What stores say of keys.

use crate::{CallbackError, ErrorCode};

/// Bytes of a key that a message shows.
const SHOWN: usize = 200;

/// A key as a message shows it: cut if it is long.
pub(super) fn shown(key: &[u8]) -> String {
    match key.get(..SHOWN) {
        Some(start) if key.len() > SHOWN => format!(
            "{}... ({} bytes)",
            String::from_utf8_lossy(start),
            key.len()
        ),
        _ => String::from_utf8_lossy(key).into_owned(),
    }
}

/// What a store says of a second value under one key: nothing if it is the first once more.
pub(super) fn second(key: &[u8], first: &[u8], value: &[u8]) -> Result<(), CallbackError> {
    if first == value {
        return Ok(());
    }
    let problem = format!("the key `{}` has another value already", shown(key));
    Err(CallbackError::new(ErrorCode::ALREADY_EXISTS, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_key_is_cut_and_its_length_told() {
        assert_eq!(shown(b"k"), "k");
        assert_eq!(shown(&[b'k'; SHOWN]), "k".repeat(SHOWN));
        let long = shown(&[b'k'; 5000]);
        assert!(long.len() < 230 && long.contains("5000"), "{long}");
    }
}
