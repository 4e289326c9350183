//! Compiled programs.

pjrt_macros::generate!(handle PJRT_Executable);
