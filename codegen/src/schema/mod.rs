//! Facts about the C headers: names, types, numbers. No judgement lives here.
pub mod alike;
mod check;
mod decode;
#[cfg(feature = "tools")]
mod digest;
pub(crate) mod json;
mod load;
mod locate;
mod read;
mod stats;
#[cfg(test)]
pub(crate) mod tests;
mod types;
mod write;

#[cfg(feature = "tools")]
pub use digest::{digest, sha256};
pub use load::{from_value, load, load_file};
pub use stats::Stats;
pub use types::*;
pub use write::{Detail, FORMAT, normalised, to_text, to_value};
