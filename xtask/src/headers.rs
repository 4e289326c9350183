//! Obtaining the C headers: the repository holds none of them.

pub mod marks;
pub mod record;
pub mod set;

pub use set::{HeaderFile, HeaderSet};
