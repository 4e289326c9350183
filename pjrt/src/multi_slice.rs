//! The extension for programs that run on several slices.

pjrt_macros::generate!(extension multi_slice);
pjrt_macros::generate!(handle PJRT_MultiSlice_Config);
