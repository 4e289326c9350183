//! Procedural macros of the pjrt crate.
