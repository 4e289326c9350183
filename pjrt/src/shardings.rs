//! The extension that tells how parameters and outputs are spread over partitions.

pjrt_macros::generate!(extension shardings);
