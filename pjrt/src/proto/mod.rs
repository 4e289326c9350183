//! The protocol buffer messages that plugins take and give.
//!
//! Generated from facts about XLA's declarations. A field that is not known here, because a message
//! was written by a newer program or because the type leaves it out, is kept as it came and goes
//! out again behind the fields that are known.

mod kind;
mod messages;
pub(crate) mod options;
#[cfg(test)]
mod tests;
mod wire;

use std::fmt;

pub use messages::*;
pub(crate) use wire::{Fault, Value, each};

/// A message.
pub trait Message: sealed::Fields + Default {
    /// Its full name in the declarations.
    const NAME: &'static str;

    /// The message as bytes.
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// Bytes that are no message, or a message of another type as far as that shows.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        wire::merge_bytes(&mut message, bytes, wire::DEEPEST)
            .map_err(|problem| DecodeError::new(Self::NAME, problem))?;
        Ok(message)
    }

    /// The fields that are not known, as they came; without those of messages inside.
    fn unknown_fields(&self) -> &[u8] {
        self.unknown()
    }
}

/// Gives a message fields that it does not know.
#[cfg(test)]
pub(crate) fn keep_unknown(message: &mut impl Message, records: &[u8]) {
    message.unknown_mut().extend_from_slice(records);
}

mod sealed {
    pub use super::wire::Fields;
}

/// Bytes that are not the message that they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeError {
    /// Full name of the message.
    pub message: &'static str,
    /// What is wrong with the bytes.
    pub problem: &'static str,
}

impl DecodeError {
    pub(crate) fn new(message: &'static str, problem: &'static str) -> Self {
        DecodeError { message, problem }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DecodeError { message, problem } = self;
        write!(
            f,
            "these bytes are not a `{message}`: {problem}; give the bytes of one, whole"
        )
    }
}

impl std::error::Error for DecodeError {}
