//! Names of the files that values are kept in.

/// A longer name is made of a hash. File systems allow 255 bytes, some fewer.
const LONGEST: usize = 180;

/// The name of the file for a key. It has small letters, digits, `-`, `_`, `.` and `%` only, so it
/// is a name of its own on file systems that do not tell capitals from small letters too. No two
/// short keys share a name; two long ones can, by a chance of one in 2^128, so the key is kept in
/// the file as well.
pub(super) fn file_name(key: &[u8]) -> String {
    let mut name = String::from("key-");
    for byte in key {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => name.push(char::from(*byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
        if name.len() > LONGEST {
            return format!("long-{}-{:032x}", key.len(), hash(key));
        }
    }
    name
}

/// The hash FNV-1a of 128 bits.
fn hash(bytes: &[u8]) -> u128 {
    const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(START, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_name_is_safe_whatever_the_key() {
        assert_eq!(file_name(b"cuda:0/node_1"), "key-cuda%3a0%2fnode_1");
        assert_eq!(file_name(b""), "key-");
        assert_eq!(file_name(b"../A\0"), "key-..%2f%41%00");
        let all: Vec<u8> = (0..=255).collect();
        for key in [&all[..], &[b'a'; 177], &[0xff; 10_000], &[b'%'; 59]] {
            let name = file_name(key);
            assert!(name.len() <= LONGEST, "{name}");
            let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.%".contains(c);
            assert!(name.chars().all(safe), "{name}");
        }
    }

    #[test]
    fn keys_do_not_share_a_name() {
        let mut keys: Vec<Vec<u8>> = (0..=255u8).map(|byte| vec![byte]).collect();
        keys.extend((0..=255u8).map(|byte| [vec![b'k'; 500], vec![byte]].concat()));
        keys.extend((0..400).map(|length| vec![b'a'; length + 2]));
        keys.extend([&b"%41"[..], b"long-1", b"key-"].map(<[u8]>::to_vec));
        let names: BTreeSet<String> = keys.iter().map(|key| file_name(key)).collect();
        let keys: BTreeSet<Vec<u8>> = keys.into_iter().collect();
        assert_eq!(names.len(), keys.len());
    }
}
