//! What is in the file of a value: both lengths, the key and the value, so that a file that is cut,
//! of another key or of another program is told from a whole one.

/// How each file starts.
const MAGIC: &[u8; 8] = b"pjrt-kv1";

/// The contents of a file.
pub(super) fn written(key: &[u8], value: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| (bytes.len() as u64).to_le_bytes();
    let (keys, values) = (length(key), length(value));
    [MAGIC.as_slice(), &keys, &values, key, value].concat()
}

/// Key and value of a file; nothing if it is not a whole one.
pub(super) fn read(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(MAGIC.as_slice())?;
    let (keys, rest) = rest.split_first_chunk::<8>()?;
    let (values, rest) = rest.split_first_chunk::<8>()?;
    let [keys, values] = [keys, values].map(|length| usize::try_from(u64::from_le_bytes(*length)));
    let (key, value) = rest.split_at_checked(keys.ok()?)?;
    (value.len() == values.ok()?).then_some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_file_is_read() {
        let whole = written(b"key", b"value");
        assert_eq!(read(&whole), Some((&b"key"[..], &b"value"[..])));
        assert_eq!(read(&written(b"", b"")), Some((&b""[..], &b""[..])));
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length]), None, "{length} bytes");
        }
        assert_eq!(read(&[&whole[..], b"!"].concat()), None);
        let huge = [MAGIC.as_slice(), &[0xff; 16], b"key"].concat();
        assert_eq!(read(&huge), None);
    }
}
