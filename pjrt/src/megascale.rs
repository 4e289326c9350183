//! The extension for programs that run on several TPU slices.

pjrt_macros::generate!(extension megascale);
pjrt_macros::generate!(handle PJRT_Megascale_ClientContext);
pjrt_macros::generate!(handle PJRT_Megascale_ErrorAggregator);
pjrt_macros::generate!(handle PJRT_Megascale_ErrorDigest);
