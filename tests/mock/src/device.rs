//! Devices and their descriptions.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::client::Client;
use crate::failure::Failure;
use crate::memory_of::{string, text};
use crate::named::{Named, Value};
use pjrt_sys as sys;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// What is known of a device without a client.
pub(crate) struct Description {
    pub(crate) id: i32,
    /// Number of its process.
    process: i32,
    pub(crate) kind: String,
    debug: String,
    display: String,
    attributes: Named,
    /// Handles of what is known of its memories.
    pub(crate) memories: OnceLock<Vec<usize>>,
}

impl Description {
    pub(crate) fn new(call: &Call, id: i32, process: i32) -> Arc<Description> {
        let values = vec![
            ("core", Value::Int(id.into())),
            ("name", Value::Text(format!("m{id}"))),
        ];
        Arc::new(Description {
            id,
            process,
            kind: "mock".to_owned(),
            debug: format!("MOCK_{id}"),
            display: format!("MockDevice(id={id})"),
            attributes: Named::new(call.era(), values),
            memories: OnceLock::new(),
        })
    }
}

/// A device of a client.
pub(crate) struct Device {
    pub(crate) id: i32,
    /// Its place among those of its process.
    pub(crate) local: i32,
    /// It is of the process of its client.
    pub(crate) addressable: bool,
    pub(crate) client: Weak<Client>,
    pub(crate) description: usize,
    /// Handles of its memories, the default one first.
    pub(crate) memories: OnceLock<Vec<usize>>,
    /// Runs that fail before they are started, by launch id.
    pub(crate) poisoned: Mutex<BTreeMap<i32, Failure>>,
    /// Launch ids that have run.
    pub(crate) launched: Mutex<Vec<i32>>,
}

/// Something that others do on a device.
struct Tracking;

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_DeviceDescription_Id", id);
    all.add("PJRT_DeviceDescription_ProcessIndex", process_index);
    all.add("PJRT_DeviceDescription_Attributes", attributes);
    all.add("PJRT_DeviceDescription_Kind", kind);
    all.add("PJRT_DeviceDescription_DebugString", debug_string);
    all.add("PJRT_DeviceDescription_ToString", to_string);
    all.add("PJRT_Device_GetDescription", description);
    all.add("PJRT_Device_IsAddressable", is_addressable);
    all.add("PJRT_Device_LocalHardwareId", local_hardware_id);
    all.add("PJRT_Device_AddressableMemories", addressable_memories);
    all.add("PJRT_Device_DefaultMemory", default_memory);
    all.add("PJRT_Device_MemoryStats", memory_stats);
    all.add("PJRT_Device_ClearMemoryStats", clear_memory_stats);
    all.add("PJRT_Device_PoisonExecution", poison);
    all.add("PJRT_Device_GetAttributes", device_attributes);
    all.add("PJRT_Device_CreateAsyncTrackingEvent", track);
    all.add("PJRT_AsyncTrackingEvent_Destroy", tracked);
}

fn id(call: &Call, args: &mut sys::PJRT_DeviceDescription_Id_Args) -> Outcome {
    args.id = call.get::<Description>(args.device_description)?.id;
    Ok(())
}

fn process_index(call: &Call, args: &mut sys::PJRT_DeviceDescription_ProcessIndex_Args) -> Outcome {
    args.process_index = call.get::<Description>(args.device_description)?.process;
    Ok(())
}

fn attributes(call: &Call, args: &mut sys::PJRT_DeviceDescription_Attributes_Args) -> Outcome {
    let found = call.get::<Description>(args.device_description)?;
    (args.attributes, args.num_attributes) = found.attributes.array();
    Ok(())
}

fn kind(call: &Call, args: &mut sys::PJRT_DeviceDescription_Kind_Args) -> Outcome {
    let found = call.get::<Description>(args.device_description)?;
    (args.device_kind, args.device_kind_size) = text(found.kind.as_bytes());
    Ok(())
}

fn debug_string(call: &Call, args: &mut sys::PJRT_DeviceDescription_DebugString_Args) -> Outcome {
    let found = call.get::<Description>(args.device_description)?;
    (args.debug_string, args.debug_string_size) = text(found.debug.as_bytes());
    Ok(())
}

fn to_string(call: &Call, args: &mut sys::PJRT_DeviceDescription_ToString_Args) -> Outcome {
    let found = call.get::<Description>(args.device_description)?;
    (args.to_string, args.to_string_size) = text(found.display.as_bytes());
    Ok(())
}

fn description(call: &Call, args: &mut sys::PJRT_Device_GetDescription_Args) -> Outcome {
    args.device_description = call.get::<Device>(args.device)?.description as *mut _;
    Ok(())
}

fn is_addressable(call: &Call, args: &mut sys::PJRT_Device_IsAddressable_Args) -> Outcome {
    args.is_addressable = call.get::<Device>(args.device)?.addressable;
    Ok(())
}

fn local_hardware_id(call: &Call, args: &mut sys::PJRT_Device_LocalHardwareId_Args) -> Outcome {
    args.local_hardware_id = call.get::<Device>(args.device)?.local;
    Ok(())
}

impl Device {
    pub(crate) fn memories(&self) -> &[usize] {
        self.memories.get().map_or(&[], Vec::as_slice)
    }
}

fn addressable_memories(
    call: &Call,
    args: &mut sys::PJRT_Device_AddressableMemories_Args,
) -> Outcome {
    let device = call.get::<Device>(args.device)?;
    let memories = device.memories();
    (args.memories, args.num_memories) = (memories.as_ptr().cast(), memories.len());
    Ok(())
}

fn default_memory(call: &Call, args: &mut sys::PJRT_Device_DefaultMemory_Args) -> Outcome {
    let device = call.get::<Device>(args.device)?;
    args.memory = device.memories().first().copied().unwrap_or(0) as *mut _;
    Ok(())
}

fn memory_stats(call: &Call, args: &mut sys::PJRT_Device_MemoryStats_Args) -> Outcome {
    let device = call.get::<Device>(args.device)?;
    let client = device.client.upgrade();
    let in_use = client.map_or(0, |client| client.bytes_in_use(device.id));
    args.bytes_in_use = i64::try_from(in_use).unwrap_or(i64::MAX);
    args.peak_bytes_in_use = args.bytes_in_use;
    args.peak_bytes_in_use_is_set = true;
    args.bytes_limit = 1 << 30;
    args.bytes_limit_is_set = true;
    args.peak_allocated_bytes = args.bytes_in_use;
    args.peak_allocated_bytes_is_set = true;
    Ok(())
}

fn clear_memory_stats(call: &Call, args: &mut sys::PJRT_Device_ClearMemoryStats_Args) -> Outcome {
    call.get::<Device>(args.device).map(drop)
}

fn poison(call: &Call, args: &mut sys::PJRT_Device_PoisonExecution_Args) -> Outcome {
    let device = call.get::<Device>(args.device)?;
    call.known("PJRT_Error_Code", args.error_code.0.into())?;
    let mut failure = Failure::given(args.error_code, args.error_message, args.error_message_size);
    for (key, value) in call.named(args.payload, args.num_payload)? {
        let Value::Text(value) = value else {
            return Err(Failure::invalid(format!("the payload `{key}` is no text")));
        };
        failure.payload.push((key.into_bytes(), value.into_bytes()));
    }
    let launched = device
        .launched
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    args.poisoned = !launched.contains(&args.launch_id);
    drop(launched);
    if args.poisoned {
        let mut poisoned = device
            .poisoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        poisoned.insert(args.launch_id, failure);
    }
    Ok(())
}

unsafe extern "C" fn free_attributes(attributes: *mut sys::PJRT_Device_Attributes) {
    if !attributes.is_null() {
        // SAFETY: the pointer was made below of a box, and callers call this once.
        drop(unsafe { Box::from_raw(attributes.cast::<Named>()) });
    }
}

fn device_attributes(call: &Call, args: &mut sys::PJRT_Device_GetAttributes_Args) -> Outcome {
    let device = call.get::<Device>(args.device)?;
    let values = vec![
        ("core", Value::Int(device.id.into())),
        ("coords", Value::Ints(vec![device.id.into(), 0, 0])),
    ];
    let list = Box::new(Named::new(call.era(), values));
    (args.attributes, args.num_attributes) = list.array();
    args.device_attributes = Box::into_raw(list).cast();
    args.attributes_deleter = Some(free_attributes);
    Ok(())
}

fn track(call: &Call, args: &mut sys::PJRT_Device_CreateAsyncTrackingEvent_Args) -> Outcome {
    call.get::<Device>(args.device)?;
    string(args.description, args.description_size)?;
    args.event = call.give(Arc::new(Tracking));
    Ok(())
}

fn tracked(call: &Call, args: &mut sys::PJRT_AsyncTrackingEvent_Destroy_Args) -> Outcome {
    call.destroy::<Tracking>(args.event).map(drop)
}
