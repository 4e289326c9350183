//! Transfers of many pieces, and marks that others are at work.

pjrt_macros::generate!(handle PJRT_AsyncHostToDeviceTransferManager);
pjrt_macros::generate!(handle PJRT_AsyncTrackingEvent);
