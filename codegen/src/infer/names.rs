//! Rust names for what a vendor's header declares.

use crate::lower::names;
use heck::{ToSnakeCase, ToUpperCamelCase};

/// Words of a table's name that are no part of the extension's.
const COMMON: [&str; 4] = ["pjrt", "extension", "ext", "table"];

/// `PJRT_Acme_Extension`, `Acme_Pjrt_Extension` and `AcmeExtension` are of the module `acme`.
pub fn module_of(table: &str) -> Option<String> {
    let snake = table.to_snake_case();
    let words: Vec<&str> = snake.split('_').filter(|w| !COMMON.contains(w)).collect();
    Some(words.join("_")).filter(|module| is_module(module))
}

/// The module `acme` is of the extension `Acme`.
pub fn extension_name(module: &str) -> String {
    module.to_upper_camel_case()
}

/// Words that Rust, or the macro, needs itself.
const TAKEN: [&str; 12] = [
    "core", "crate", "enum", "extern", "fn", "impl", "mod", "raw", "self", "super", "sys", "type",
];

/// Whether a word can name a module.
pub fn is_module(word: &str) -> bool {
    let first = word.chars().next();
    first.is_some_and(|c| c.is_ascii_lowercase())
        && word
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !TAKEN.contains(&word)
}

/// Whether a word can name a type.
pub fn is_type(word: &str) -> bool {
    let first = word.chars().next();
    first.is_some_and(|c| c.is_ascii_uppercase())
        && word.chars().all(|c| c.is_ascii_alphanumeric())
        && word != "Self"
}

/// `Acme_Probe` is `Probe` in the crate of the extension `Acme`, unless that name is taken.
pub(super) fn rust_type(c_name: &str, extension: &str, taken: &mut Vec<String>) -> String {
    let bare = names::bare(c_name);
    let short = bare.strip_prefix(extension).unwrap_or(bare);
    let short = short.trim_start_matches('_').to_upper_camel_case();
    let long = names::type_name(c_name);
    let name = match is_type(&short) && !taken.contains(&short) {
        true => short,
        false => long,
    };
    taken.push(name.clone());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_named_after_tables() {
        for table in [
            "PJRT_Acme_Extension",
            "Acme_Pjrt_Extension",
            "AcmeExtension",
            "PJRT_Acme",
        ] {
            assert_eq!(module_of(table).as_deref(), Some("acme"), "{table}");
        }
        let two = module_of("PJRT_FastAcme_Extension");
        assert_eq!(two.as_deref(), Some("fast_acme"));
        assert_eq!(extension_name("fast_acme"), "FastAcme");
        assert_eq!(module_of("PJRT_Extension"), None);
        assert_eq!(module_of("PJRT_Core_Extension"), None);
    }

    #[test]
    fn types_lose_the_name_of_the_extension() {
        let mut taken = vec!["Device".to_owned()];
        assert_eq!(rust_type("Acme_Probe", "Acme", &mut taken), "Probe");
        assert_eq!(rust_type("PJRT_Acme_Port", "Acme", &mut taken), "Port");
        assert_eq!(rust_type("Acme_Device", "Acme", &mut taken), "AcmeDevice");
        assert_eq!(rust_type("acme_meter", "Acme", &mut taken), "AcmeMeter");
    }
}
