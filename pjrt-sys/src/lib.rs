//! Raw bindings to the PJRT C API.
#![no_std]
