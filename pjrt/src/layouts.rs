//! The extension that tells layouts of arrays on devices.

pjrt_macros::generate!(extension layouts);
pjrt_macros::generate!(handle PJRT_Layouts_MemoryLayout);
