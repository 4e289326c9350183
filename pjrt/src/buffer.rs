//! Buffers: arrays on a device.

mod given;

pjrt_macros::generate!(handle PJRT_Buffer);
