//! When a handler is called.

use crate::sys::ffi_api as c;
use std::fmt;

/// When a handler is called: `XLA_FFI_ExecutionStage`. A value that this crate does not know is
/// kept and printed as its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stage(u32);

impl Stage {
    /// Once for each place in a program that calls the handler, while it is compiled or loaded.
    pub const INSTANTIATE: Stage = Stage(c::XLA_FFI_ExecutionStage_INSTANTIATE.0);
    /// Before a run, to ask for resources. The arrays have addresses and no contents.
    pub const PREPARE: Stage = Stage(c::XLA_FFI_ExecutionStage_PREPARE.0);
    /// Before a run, with the resources asked for. The arrays have addresses and no contents.
    pub const INITIALIZE: Stage = Stage(c::XLA_FFI_ExecutionStage_INITIALIZE.0);
    /// In a run.
    pub const EXECUTE: Stage = Stage(c::XLA_FFI_ExecutionStage_EXECUTE.0);
    /// While commands are recorded for later runs.
    pub const RECORD: Stage = Stage(c::XLA_FFI_ExecutionStage_RECORD.0);

    pub(super) fn from_raw(raw: c::XLA_FFI_ExecutionStage) -> Stage {
        Stage(raw.0)
    }

    pub(super) fn as_raw(self) -> c::XLA_FFI_ExecutionStage {
        c::XLA_FFI_ExecutionStage(self.0)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Stage::INSTANTIATE => "instantiate",
            Stage::PREPARE => "prepare",
            Stage::INITIALIZE => "initialize",
            Stage::EXECUTE => "execute",
            Stage::RECORD => "record",
            Stage(other) => return write!(f, "XLA_FFI_ExecutionStage {other}"),
        })
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
