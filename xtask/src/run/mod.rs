//! Running a program that a person names, on inputs that a person gives.

mod dtype;
pub mod dump;
mod elements;
mod inputs;
mod latency;
mod listing;
pub mod npy;
mod plugin;
pub mod session;
mod show;
mod wire;

use std::fmt;

/// Why a program was not run: what was expected, what came, and what to do next.
#[derive(Debug)]
pub struct Problem {
    what: String,
    next: Option<String>,
}

impl Problem {
    /// A problem of which the text says everything.
    pub fn new(what: impl Into<String>) -> Problem {
        Problem {
            what: what.into(),
            next: None,
        }
    }

    /// The same, with what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Problem {
        self.next = Some(next.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.next {
            Some(next) if self.what.contains('\n') => write!(f, "\nnext: {next}"),
            Some(next) => write!(f, "; next: {next}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

impl From<pjrt::Error> for Problem {
    fn from(error: pjrt::Error) -> Problem {
        Problem::new(error.to_string())
    }
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Problem {
        Problem::new(format!("cannot write what the program gave: {error}"))
    }
}
