//! Facts about the C headers: names, types, numbers. No judgement lives here.
mod types;

pub use types::*;
