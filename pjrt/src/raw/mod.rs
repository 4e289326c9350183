//! Checked calls: one `unsafe fn` for each C function, over structs of raw values.
//!
//! A checked call fills the C argument struct, sends the right size, tests that the plugin has the
//! function, turns a returned error into [`crate::Error`], and hands the outputs back. It says
//! nothing about ownership, lifetimes or nulls: the safe methods are built on it.

pjrt_macros::generate!(calls core);
