//! Where a program came from.

use super::Identity;
use crate::Error;
use std::fmt;

/// Where a program came from, and what became of its entry.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// From the cache.
    #[non_exhaustive]
    Hit {
        /// Size of the entry.
        bytes: u64,
    },
    /// It was compiled.
    #[non_exhaustive]
    Miss {
        /// Why it was not loaded.
        why: Miss,
        /// Why the cache does not have it now either, if it does not. Nothing is left half written.
        not_stored: Option<Error>,
    },
    /// It was compiled without a look at the cache: what compiles it cannot be identified, or works
    /// together with other processes.
    #[non_exhaustive]
    Bypassed {
        /// Why.
        why: String,
    },
}

/// Why an entry was not loaded. Every one that was there is removed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Miss {
    /// There is none.
    Absent,
    /// It cannot be read.
    Unreadable(Error),
    /// It is cut short or was changed.
    #[non_exhaustive]
    Damaged {
        /// What is wrong with it.
        problem: String,
    },
    /// It is of another program or plugin and lies under a wrong name.
    #[non_exhaustive]
    OtherIdentity {
        /// What it says that it is.
        found: Identity,
    },
    /// The plugin says that it does not run what its own version compiled.
    Incompatible(Error),
    /// The plugin did not take it.
    Refused(Error),
}

impl Outcome {
    /// Whether the program came from the cache.
    pub fn is_hit(&self) -> bool {
        matches!(self, Outcome::Hit { .. })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Hit { bytes } => write!(f, "from the cache: {bytes} bytes"),
            Outcome::Miss { why, not_stored } => {
                write!(f, "compiled: {why}")?;
                match not_stored {
                    Some(error) => write!(f, "; not kept: {error}"),
                    None => f.write_str("; kept"),
                }
            }
            Outcome::Bypassed { why } => write!(f, "compiled without the cache: {why}"),
        }
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Miss::Absent => f.write_str("the cache has no entry"),
            Miss::Unreadable(error) => write!(f, "the entry cannot be read: {error}"),
            Miss::Damaged { problem } => write!(f, "the entry is damaged: {problem}"),
            Miss::OtherIdentity { found } => {
                write!(f, "the entry is of something else: {found}")
            }
            Miss::Incompatible(error) => write!(f, "the entry does not fit the plugin: {error}"),
            Miss::Refused(error) => write!(f, "the plugin refused the entry: {error}"),
        }
    }
}
