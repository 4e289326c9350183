//! The extension that reads compiled TPU programs.

pjrt_macros::generate!(extension tpu_executable);
