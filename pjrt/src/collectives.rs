//! The extension for collective operations among processes.

pjrt_macros::generate!(extension collectives);
pjrt_macros::generate!(handle PJRT_Collectives);
