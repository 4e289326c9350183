//! Rust names from C names.

use crate::emit::sys_names;
use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{Ident, Span, TokenStream};

/// The prefix that names of the API share.
const API_PREFIX: &str = "PJRT_";

/// A C name without the API's prefix.
pub fn bare(c_name: &str) -> &str {
    c_name.strip_prefix(API_PREFIX).unwrap_or(c_name)
}

/// An identifier, spelt as the bindings spell it: with a `_` behind it where Rust needs the word.
pub fn ident(name: &str) -> Ident {
    let name = sys_names::field(name);
    let sound: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect();
    match sound.chars().next() {
        Some('_') if sound.len() == 1 => Ident::new("__", Span::call_site()),
        Some(first) if first.is_ascii_alphabetic() || first == '_' => {
            Ident::new(&sound, Span::call_site())
        }
        _ => Ident::new(&format!("_{sound}"), Span::call_site()),
    }
}

/// A word that is an identifier already.
pub fn bare_ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// A Rust path as the overlay spells it: `pjrt::layouts::check`, or `crate::check` in the crate of a
/// vendor.
pub fn path(spelt: &str) -> Option<TokenStream> {
    let own = spelt.starts_with("crate::");
    let spelt = if own {
        spelt.to_owned()
    } else {
        format!("::{spelt}")
    };
    spelt.parse().ok()
}

/// `PJRT_Device_GetDescription` -> `device_get_description`
pub fn call_name(c_name: &str) -> String {
    bare(c_name).to_snake_case()
}

/// `PJRT_Device_GetDescription` -> `DeviceGetDescription`
pub fn type_name(c_name: &str) -> String {
    bare(c_name).to_upper_camel_case()
}

/// The method that a function becomes on a receiver: the C name without the receiver's, in snake
/// case, without `get_`.
pub fn method_name(c_name: &str, receiver: Option<&str>) -> String {
    let name = bare(c_name);
    let own = receiver.map_or(name, |r| name.strip_prefix(bare(r)).unwrap_or(name));
    let snake = own.trim_start_matches('_').to_snake_case();
    snake
        .strip_prefix("get_")
        .map(str::to_owned)
        .unwrap_or(snake)
}

/// Names of an enum's values without what all of them share.
pub fn constants(values: &[&str]) -> Vec<String> {
    let first = values.first().copied().unwrap_or_default();
    let shared = values.iter().fold(first.len(), |n, v| {
        n.min(
            first
                .bytes()
                .zip(v.bytes())
                .take_while(|(a, b)| a == b)
                .count(),
        )
    });
    // One value alone shares everything with itself; cut after the last whole word then.
    let prefix = first.get(..shared).unwrap_or_default();
    let cut = prefix.rfind('_').map_or(0, |i| i + 1);
    values
        .iter()
        .map(|v| constant(v.get(cut..).unwrap_or(v)))
        .collect()
}

fn constant(rest: &str) -> String {
    let name = match rest.strip_prefix('k') {
        Some(tail) if tail.starts_with(|c: char| c.is_ascii_uppercase()) => tail,
        _ => rest,
    };
    if name.chars().any(|c| c.is_ascii_lowercase()) {
        name.to_shouty_snake_case()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_lose_their_receiver_and_get() {
        assert_eq!(
            method_name("PJRT_Device_GetDescription", Some("PJRT_Device")),
            "description"
        );
        assert_eq!(
            method_name("PJRT_Memory_Kind_Id", Some("PJRT_Memory")),
            "kind_id"
        );
        assert_eq!(
            method_name("PJRT_Plugin_Initialize", None),
            "plugin_initialize"
        );
    }

    #[test]
    fn constants_lose_what_all_share() {
        assert_eq!(
            constants(&["PJRT_Buffer_Type_INVALID", "PJRT_Buffer_Type_F8E4M3FN"]),
            ["INVALID", "F8E4M3FN"]
        );
        assert_eq!(
            constants(&["PJRT_NamedValue_kString", "PJRT_NamedValue_kInt64List"]),
            ["STRING", "INT64_LIST"]
        );
        assert_eq!(constants(&["X_A_ONE"]), ["ONE"]);
        assert_eq!(constants(&[]), Vec::<String>::new());
    }

    #[test]
    fn keywords_get_an_underscore() {
        assert_eq!(ident("type").to_string(), "type_");
        assert_eq!(ident("self").to_string(), "self_");
        assert_eq!(ident("str").to_string(), "str_");
        assert_eq!(ident("3d").to_string(), "_3d");
    }
}
