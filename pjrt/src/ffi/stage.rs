//! When a handler is called.

pjrt_macros::generate!(enum XLA_FFI_ExecutionStage);
