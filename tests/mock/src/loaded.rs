//! Programs on devices.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::client::Client;
use crate::executable::{Executable, free};
use crate::failure::Failure;
use crate::memory_of::text;
use crate::proto;
use pjrt_sys as sys;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A program on devices.
pub(crate) struct Loaded {
    pub(crate) client: Arc<Client>,
    pub(crate) executable: Arc<Executable>,
    pub(crate) devices: Vec<usize>,
    ids: Vec<sys::PJRT_LogicalDeviceIds>,
    deleted: AtomicBool,
}

impl Loaded {
    /// Puts a program on the first devices of a client.
    pub(crate) fn new(
        client: Arc<Client>,
        executable: Arc<Executable>,
    ) -> Result<Arc<Loaded>, Failure> {
        let (replicas, partitions) = (executable.replicas, executable.partitions);
        let count = replicas.saturating_mul(partitions);
        let devices = client.devices().get(..count).map(<[usize]>::to_vec);
        let devices = devices.ok_or_else(|| {
            let there = client.devices().len();
            Failure::invalid(format!(
                "the program needs {count} devices, and there are {there}"
            ))
        })?;
        let narrow = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        let mut ids = Vec::new();
        for replica in 0..replicas {
            ids.extend((0..partitions).map(|partition| sys::PJRT_LogicalDeviceIds {
                replica: narrow(replica),
                partition: narrow(partition),
            }));
        }
        Ok(Arc::new(Loaded {
            client,
            executable,
            devices,
            ids,
            deleted: AtomicBool::new(false),
        }))
    }

    pub(crate) fn usable(&self) -> Outcome {
        match self.deleted.load(Ordering::SeqCst) {
            false => Ok(()),
            true => Err(Failure::invalid("the program was deleted")),
        }
    }
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_LoadedExecutable_Destroy", unload);
    all.add("PJRT_LoadedExecutable_GetExecutable", executable);
    all.add("PJRT_LoadedExecutable_GetDeviceAssignment", assignment);
    all.add("PJRT_LoadedExecutable_AddressableDevices", devices);
    all.add(
        "PJRT_LoadedExecutable_AddressableDeviceLogicalIds",
        logical_ids,
    );
    all.add("PJRT_LoadedExecutable_Delete", delete);
    all.add("PJRT_LoadedExecutable_IsDeleted", is_deleted);
    all.add("PJRT_LoadedExecutable_Fingerprint", loaded_fingerprint);
}

fn unload(call: &Call, args: &mut sys::PJRT_LoadedExecutable_Destroy_Args) -> Outcome {
    call.destroy::<Loaded>(args.executable).map(drop)
}

fn executable(call: &Call, args: &mut sys::PJRT_LoadedExecutable_GetExecutable_Args) -> Outcome {
    let loaded = call.get::<Loaded>(args.loaded_executable)?;
    args.executable = call.give(loaded.executable.clone());
    Ok(())
}

fn assignment(
    call: &Call,
    args: &mut sys::PJRT_LoadedExecutable_GetDeviceAssignment_Args,
) -> Outcome {
    let loaded = call.get::<Loaded>(args.executable)?;
    let (replicas, partitions) = (loaded.executable.replicas, loaded.executable.partitions);
    let mut message = Vec::new();
    proto::number(1, replicas as u64, &mut message);
    proto::number(2, partitions as u64, &mut message);
    for partition in 0..partitions {
        let mut of_partition = Vec::new();
        for replica in 0..replicas {
            proto::varint((replica * partitions + partition) as u64, &mut of_partition);
        }
        let mut ids = Vec::new();
        proto::nested(1, &of_partition, &mut ids);
        proto::nested(3, &ids, &mut message);
    }
    let holder = Box::new(message);
    (args.serialized_bytes, args.serialized_bytes_size) = text(&holder);
    args.serialized_device_assignment = Box::into_raw(holder).cast();
    args.serialized_device_assignment_deleter = Some(free);
    Ok(())
}

fn devices(call: &Call, args: &mut sys::PJRT_LoadedExecutable_AddressableDevices_Args) -> Outcome {
    let loaded = call.get::<Loaded>(args.executable)?;
    args.addressable_devices = loaded.devices.as_ptr().cast();
    args.num_addressable_devices = loaded.devices.len();
    Ok(())
}

fn logical_ids(
    call: &Call,
    args: &mut sys::PJRT_LoadedExecutable_AddressableDeviceLogicalIds_Args,
) -> Outcome {
    let loaded = call.get::<Loaded>(args.executable)?;
    args.addressable_device_logical_ids = loaded.ids.as_ptr().cast_mut();
    args.num_addressable_device_logical_ids = loaded.ids.len();
    Ok(())
}

fn delete(call: &Call, args: &mut sys::PJRT_LoadedExecutable_Delete_Args) -> Outcome {
    let loaded = call.get::<Loaded>(args.executable)?;
    loaded.deleted.store(true, Ordering::SeqCst);
    Ok(())
}

fn is_deleted(call: &Call, args: &mut sys::PJRT_LoadedExecutable_IsDeleted_Args) -> Outcome {
    let loaded = call.get::<Loaded>(args.executable)?;
    args.is_deleted = loaded.deleted.load(Ordering::SeqCst);
    Ok(())
}

fn loaded_fingerprint(
    call: &Call,
    args: &mut sys::PJRT_LoadedExecutable_Fingerprint_Args,
) -> Outcome {
    let loaded = call.get::<Loaded>(args.executable)?;
    (
        args.executable_fingerprint,
        args.executable_fingerprint_size,
    ) = text(loaded.executable.fingerprint.as_bytes());
    Ok(())
}
