//! Made-up names that are spelt like the real ones.
//!
//! Each word of a name is replaced by another of the same form: `PJRT_Device_GetDescription` may
//! become `PJRT_Zqutomwt_GetZqutqwlolsoge`. Words of generated names (`device_get_description`,
//! `DeviceGetDescriptionIn`) are then the same words in another form, so that a whole text can be
//! turned back. A word that a name shares with another stays shared.

use pjrt_codegen::emit::sys_names;
use pjrt_codegen::lower::vtable::INSTANCE_SIZE;
use pjrt_codegen::model::{API_TABLE, ERROR, HEADER_FIELDS};

/// Names that the run time and the generator know by design: the table of all functions, the error
/// that every call returns, lists of options, the header of a versioned struct or of a table of functions, and the module
/// that is the root of the bindings.
const KNOWN: [&str; 4] = [API_TABLE, ERROR, "PJRT_NamedValue", "core"];
/// What all names of the API begin with.
const PREFIX: &str = "PJRT_";
/// Spellings of the length of an array.
const LENGTHS: (&str, &str) = ("num_", "_size");
/// The word that methods leave out.
const GETTER: [&str; 2] = ["Get", "get"];
/// What constants of an enum begin with, before a capital letter.
const CONSTANT: &str = "k";

/// A made-up word begins so; no real one does.
const MARK: [&str; 3] = ["zq", "Zq", "ZQ"];

/// One word for another.
pub struct Renaming {
    letters: [u8; 26],
}

/// Whether a name is left as it is: it has a meaning of its own, or Rust spells it otherwise.
pub fn stays(name: &str) -> bool {
    let known = KNOWN.contains(&name) || HEADER_FIELDS.contains(&name) || name == INSTANCE_SIZE;
    let empty = !name.chars().any(|c| c.is_ascii_alphabetic());
    // An array that stays keeps its length's name too.
    let array = name
        .strip_prefix(LENGTHS.0)
        .or_else(|| name.strip_suffix(LENGTHS.1));
    known
        || empty
        || [Some(name), array]
            .into_iter()
            .flatten()
            .any(|n| sys_names::field(n) != n)
}

impl Renaming {
    /// The letters are shuffled; none stays.
    pub fn seeded(seed: u64) -> Renaming {
        let mut state = seed;
        let mut letters: [u8; 26] = std::array::from_fn(|i| i as u8);
        // Exchanging with an earlier place only gives one cycle through all letters.
        for i in (1..letters.len()).rev() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            letters.swap(i, (state >> 33) as usize % i);
        }
        Renaming { letters }
    }

    /// The other name.
    pub fn name(&self, name: &str) -> String {
        if stays(name) {
            return name.to_owned();
        }
        let (prefix, rest) = match name.strip_prefix(PREFIX) {
            Some(rest) => (PREFIX, rest),
            None => match name.strip_prefix(LENGTHS.0) {
                Some(rest) => (LENGTHS.0, rest),
                None => ("", name),
            },
        };
        let (rest, suffix) = match rest.strip_suffix(LENGTHS.1) {
            Some(rest) => (rest, LENGTHS.1),
            None => (rest, ""),
        };
        let words = words(rest);
        let mut text = prefix.to_owned();
        for (i, word) in words.iter().enumerate() {
            let first = i == 0 || words.get(i - 1) == Some(&"_");
            let capital = words
                .get(i + 1)
                .is_some_and(|next| next.starts_with(|c: char| c.is_ascii_uppercase()));
            if GETTER.contains(word) || (*word == CONSTANT && first && capital) {
                text.push_str(word);
            } else {
                text.push_str(&self.word(word));
            }
        }
        text + suffix
    }

    fn word(&self, word: &str) -> String {
        assert!(!MARK.iter().any(|mark| word.starts_with(mark)), "{word}");
        let mark = match word.as_bytes() {
            [b'a'..=b'z', ..] => MARK[0],
            [b'A'..=b'Z', b'a'..=b'z', ..] => MARK[1],
            [b'A'..=b'Z', ..] => MARK[2],
            _ => return word.to_owned(),
        };
        let lower = word.to_ascii_lowercase();
        let other = lower.bytes().map(|b| self.letters[(b - b'a') as usize]);
        let other: String = other.map(|n| (b'a' + n) as char).collect();
        mark.to_owned()
            + &if mark == MARK[2] {
                other.to_ascii_uppercase()
            } else {
                other
            }
    }

    /// A text with the real words in the place of the made-up ones.
    pub fn undo(&self, text: &str) -> String {
        words(text)
            .into_iter()
            .map(|word| self.real(word))
            .collect()
    }

    fn real(&self, word: &str) -> String {
        let Some((mark, other)) = MARK.iter().find_map(|m| Some((m, word.strip_prefix(m)?))) else {
            return word.to_owned();
        };
        let back = |b: u8| {
            let letter = self.letters.iter().position(|n| *n == b - b'a');
            (b'a' + letter.expect("a letter") as u8) as char
        };
        let lower: String = other.to_ascii_lowercase().bytes().map(back).collect();
        match *mark {
            "zq" => lower,
            "ZQ" => lower.to_ascii_uppercase(),
            _ => lower[..1].to_ascii_uppercase() + &lower[1..],
        }
    }
}

/// Splits a text where a word of a name ends, as the conversion of names to Rust's forms does; what
/// is no letter stands alone.
fn words(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run =
            |is: fn(&u8) -> bool, from: usize| rest.bytes().skip(from).take_while(&is).count();
        let length = if first.is_ascii_lowercase() {
            run(u8::is_ascii_lowercase, 0)
        } else if first.is_ascii_uppercase() {
            let capitals = run(u8::is_ascii_uppercase, 0);
            match (capitals, run(u8::is_ascii_lowercase, capitals)) {
                (1, small) => 1 + small,
                (_, 0) => capitals,
                // The last capital begins the next word.
                _ => capitals - 1,
            }
        } else {
            first.len_utf8()
        };
        let (word, others) = rest.split_at(length);
        found.push(word);
        rest = others;
    }
    found
}

#[test]
fn words_are_split_as_names_are() {
    assert_eq!(
        words("DType_kInt64List x"),
        ["D", "Type", "_", "k", "Int", "6", "4", "List", " ", "x"]
    );
    assert_eq!(words("F8E4M3FN"), ["F", "8", "E", "4", "M", "3", "FN"]);
}

#[test]
fn what_the_spelling_says_stays() {
    let to = Renaming::seeded(7);
    let other = to.name("PJRT_Device_GetDescription");
    assert!(other.starts_with("PJRT_Zq") && other.contains("_GetZq"));
    assert!(to.name("num_devices").starts_with("num_zq"));
    assert!(to.name("name_size").ends_with("_size"));
    assert!(to.name("PJRT_NamedValue_kString").contains("_kZq"));
    assert_eq!(to.name("struct_size"), "struct_size");
    assert_eq!(to.undo(&to.name("FFI_DTypeId")), "FFI_DTypeId");
}
