//! The sending end of a running program's receive operation.

pjrt_macros::generate!(handle PJRT_CopyToDeviceStream);
