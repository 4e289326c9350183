//! The extension that XLA gives as a pattern.

pjrt_macros::generate!(extension example);
pjrt_macros::generate!(handle PJRT_ExampleExtensionCpp);
