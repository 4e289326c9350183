//! What is known of the options of a platform's clients.

use crate::{ClientOptionValue, NamedValueType};

/// A platform whose plugins take options that are known.
#[derive(Debug, PartialEq)]
pub struct Platform {
    /// Its name.
    pub name: &'static str,
    /// What is in the name of a library that is a plugin for it.
    pub library: &'static str,
    /// The attribute that its plugins have and others have not.
    pub attribute: Option<&'static str>,
    /// Options that are not listed reach the plugin where the caller insists.
    pub sends_unlisted: bool,
    /// Its options, by name.
    pub options: &'static [PlatformOption],
}

/// An option.
#[derive(Debug, PartialEq)]
pub struct PlatformOption {
    /// Its name.
    pub name: &'static str,
    /// Type of its value.
    pub kind: NamedValueType,
    /// The least number.
    pub least: Option<i64>,
    /// The largest number.
    pub most: Option<i64>,
}

impl Platform {
    /// The option of that name.
    pub(crate) fn option(&self, name: &str) -> Option<&'static PlatformOption> {
        self.options.iter().find(|option| option.name == name)
    }

    /// The names of all options, in a phrase.
    pub(crate) fn known(&self) -> String {
        let names: Vec<&str> = self.options.iter().map(|option| option.name).collect();
        names.join(", ")
    }
}

impl PlatformOption {
    /// Why a value cannot be sent.
    pub(crate) fn objection(&self, value: &ClientOptionValue) -> Option<String> {
        let name = self.name;
        if value.kind() != self.kind {
            return Some(format!(
                "`{name}` must be of type {}, and {value:?} was given, which is {}",
                self.kind,
                value.kind()
            ));
        }
        let ClientOptionValue::Int64(number) = value else {
            return None;
        };
        let (least, most) = (
            self.least.unwrap_or(i64::MIN),
            self.most.unwrap_or(i64::MAX),
        );
        if (least..=most).contains(number) {
            return None;
        }
        Some(match self.most {
            Some(most) => {
                format!("`{name}` must be from {least} to {most}, and {number} was given")
            }
            None => format!("`{name}` must be at least {least}, and {number} was given"),
        })
    }
}
