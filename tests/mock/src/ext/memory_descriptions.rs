//! Memories of devices that nobody is connected to.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::device::Description;
use crate::memory::KINDS;
use crate::memory_of::text;
use pjrt_sys::memory_descriptions as sys;
use std::sync::Arc;

/// What is known of a memory without a client.
struct MemoryDescription(&'static str, i32);

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_DeviceDescription_MemoryDescriptions", descriptions);
    all.add("PJRT_MemoryDescription_Kind", kind);
}

fn descriptions(
    call: &Call,
    args: &mut sys::PJRT_DeviceDescription_MemoryDescriptions_Args,
) -> Outcome {
    let found = call.get::<Description>(args.device_description)?;
    let owner = args.device_description as usize;
    let handles = found.memories.get_or_init(|| {
        let made = KINDS.iter().map(|(kind, id)| {
            let memory = Arc::new(MemoryDescription(kind, *id));
            let handle: *mut sys::PJRT_MemoryDescription = call.lend(memory, owner);
            handle as usize
        });
        made.collect()
    });
    args.memory_descriptions = handles.as_ptr().cast();
    args.num_memory_descriptions = handles.len();
    args.default_memory_index = 0;
    Ok(())
}

fn kind(call: &Call, args: &mut sys::PJRT_MemoryDescription_Kind_Args) -> Outcome {
    let memory = call.get::<MemoryDescription>(args.memory_description)?;
    (args.kind, args.kind_size) = text(memory.0.as_bytes());
    args.kind_id = memory.1;
    Ok(())
}
