//! Devices and what describes them.

pjrt_macros::generate!(handle PJRT_Device);
pjrt_macros::generate!(handle PJRT_DeviceDescription);
