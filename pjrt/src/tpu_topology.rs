//! The extension that tells how a TPU topology is built.

pjrt_macros::generate!(extension tpu_topology);
pjrt_macros::generate!(value PJRT_TpuTopology_SliceConfig);
