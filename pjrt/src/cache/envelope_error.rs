//! Why an envelope cannot be made, read or opened.

use super::Identity;
use std::fmt;

/// Why an [`super::Envelope`] cannot be made, read or opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The bytes are no envelope, or were changed or cut short.
    #[non_exhaustive]
    Damaged {
        /// What is wrong with them.
        problem: &'static str,
    },
    /// Another plugin compiled the program, or another version of it, or one for another processor.
    #[non_exhaustive]
    OtherPlugin {
        /// What the envelope says of the plugin that compiled it.
        theirs: Identity,
        /// The same of the plugin that was to load it.
        ours: Identity,
    },
    /// It cannot be told which plugin this is.
    #[non_exhaustive]
    Unidentified {
        /// Why not, and what to do.
        problem: String,
    },
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnvelopeError::Damaged { problem } => {
                write!(f, "these bytes hold no compiled program: {problem}")
            }
            EnvelopeError::OtherPlugin { theirs, ours } => {
                f.write_str("another plugin compiled the program:")?;
                for (name, value) in ours.iter() {
                    let other = theirs.get(name).unwrap_or("unknown");
                    if other != value {
                        write!(f, " `{name}` is {other} there and {value} here;")?;
                    }
                }
                f.write_str(
                    " compile the program with this plugin, or load it with the one that compiled it",
                )
            }
            EnvelopeError::Unidentified { problem } => {
                write!(f, "it cannot be told which plugin this is: {problem}")
            }
        }
    }
}

impl std::error::Error for EnvelopeError {}
