//! Memories of devices.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::client::Client;
use crate::memory_of::text;
use pjrt_sys as sys;
use std::sync::{OnceLock, Weak};

/// Kinds that every device has, the default first: names and ids.
pub(crate) const KINDS: [(&str, i32); 3] = [
    ("device", 1001),
    ("pinned_host", 1002),
    ("unpinned_host", 1003),
];

/// A memory.
pub(crate) struct Memory {
    pub(crate) id: i32,
    pub(crate) kind: (&'static str, i32),
    /// Place of its device among those of the client.
    pub(crate) device: usize,
    pub(crate) client: Weak<Client>,
    pub(crate) debug: String,
    /// Handles of the devices that reach it.
    pub(crate) devices: OnceLock<Vec<usize>>,
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Memory_Id", id);
    all.add("PJRT_Memory_Kind", kind);
    all.add("PJRT_Memory_Kind_Id", kind_id);
    all.add("PJRT_Memory_DebugString", debug_string);
    all.add("PJRT_Memory_ToString", to_string);
    all.add("PJRT_Memory_AddressableByDevices", addressable_by);
}

fn id(call: &Call, args: &mut sys::PJRT_Memory_Id_Args) -> Outcome {
    args.id = call.get::<Memory>(args.memory)?.id;
    Ok(())
}

fn kind(call: &Call, args: &mut sys::PJRT_Memory_Kind_Args) -> Outcome {
    let memory = call.get::<Memory>(args.memory)?;
    (args.kind, args.kind_size) = text(memory.kind.0.as_bytes());
    Ok(())
}

fn kind_id(call: &Call, args: &mut sys::PJRT_Memory_Kind_Id_Args) -> Outcome {
    args.kind_id = call.get::<Memory>(args.memory)?.kind.1;
    Ok(())
}

fn debug_string(call: &Call, args: &mut sys::PJRT_Memory_DebugString_Args) -> Outcome {
    let memory = call.get::<Memory>(args.memory)?;
    (args.debug_string, args.debug_string_size) = text(memory.debug.as_bytes());
    Ok(())
}

fn to_string(call: &Call, args: &mut sys::PJRT_Memory_ToString_Args) -> Outcome {
    let memory = call.get::<Memory>(args.memory)?;
    (args.to_string, args.to_string_size) = text(memory.debug.as_bytes());
    Ok(())
}

fn addressable_by(call: &Call, args: &mut sys::PJRT_Memory_AddressableByDevices_Args) -> Outcome {
    let memory = call.get::<Memory>(args.memory)?;
    let devices = memory.devices.get().map_or(&[][..], Vec::as_slice);
    (args.devices, args.num_devices) = (devices.as_ptr().cast(), devices.len());
    Ok(())
}
