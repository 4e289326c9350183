//! The extension that tells which memories a device has, without driving it.

pjrt_macros::generate!(extension memory_descriptions);
pjrt_macros::generate!(handle PJRT_MemoryDescription);
