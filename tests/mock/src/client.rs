//! Clients.

use crate::buffer::Buffer;
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::device::Device;
use crate::event::Sent;
use crate::failure::Failure;
use crate::memory::{KINDS, Memory};
use crate::memory_of::{room, text};
use crate::named::Value;
use crate::topology::{PLATFORM, PLATFORM_VERSION, Topology};
use pjrt_sys as sys;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// A client.
#[derive(Default)]
pub(crate) struct Client {
    places: OnceLock<Places>,
    /// Every buffer that was made, for statistics.
    buffers: Mutex<Vec<Weak<Buffer>>>,
    /// Ranges that are mapped, by start.
    mapped: Mutex<BTreeMap<usize, usize>>,
    /// Who wants to be told of what.
    listeners: Mutex<Vec<(i64, Arc<Listener>)>>,
}

/// Is given the arguments of a callback.
type Listener = dyn Fn(Sent<*mut c_void>) + Send + Sync;

/// Handles of what goes with a client.
struct Places {
    /// Number of the process.
    process: i32,
    /// Devices of this process.
    devices: Vec<usize>,
    /// Devices of all processes, by id.
    all: Vec<usize>,
    memories: Vec<usize>,
    topology: usize,
}

impl Client {
    /// Devices of this process.
    pub(crate) fn devices(&self) -> &[usize] {
        self.places.get().map_or(&[], |p| p.devices.as_slice())
    }

    /// Devices of all processes.
    fn all(&self) -> &[usize] {
        self.places.get().map_or(&[], |p| p.all.as_slice())
    }

    /// The handle of a device, by its place.
    pub(crate) fn device(&self, index: usize) -> Result<usize, Failure> {
        let device = self.devices().get(index).copied();
        device.ok_or_else(|| Failure::invalid(format!("no device {index}")))
    }

    /// Bytes that buffers have on a device.
    pub(crate) fn bytes_in_use(&self, device: i32) -> usize {
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        buffers.retain(|buffer| buffer.strong_count() != 0);
        let live = buffers.iter().filter_map(Weak::upgrade);
        live.filter(|b| b.device.id == device && !b.is_deleted())
            .map(|b| b.shape.bytes())
            .sum()
    }

    /// Adds one who wants to be told.
    pub(crate) fn listen(&self, kind: i64, listener: Box<Listener>) {
        let mut listeners = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        listeners.push((kind, listener.into()));
    }

    /// Tells everybody who wants to know, and gives how many there are.
    pub(crate) fn tell(&self, kind: i64, told: *mut c_void) -> usize {
        let listeners = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut wanting = listeners.clone();
        drop(listeners);
        wanting.retain(|(wanted, _)| *wanted == kind);
        for (_, listener) in &wanting {
            listener(Sent::new(told));
        }
        wanting.len()
    }

    pub(crate) fn note(&self, buffer: &Arc<Buffer>) {
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        buffers.push(Arc::downgrade(buffer));
    }
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Client_Create", create);
    all.add("PJRT_Client_Destroy", destroy);
    all.add("PJRT_Client_PlatformName", platform_name);
    all.add("PJRT_Client_PlatformVersion", platform_version);
    all.add("PJRT_Client_ProcessIndex", process_index);
    all.add("PJRT_Client_TopologyDescription", topology);
    all.add("PJRT_Client_Devices", devices);
    all.add("PJRT_Client_AddressableDevices", addressable_devices);
    all.add("PJRT_Client_LookupDevice", lookup);
    all.add("PJRT_Client_LookupAddressableDevice", lookup_addressable);
    all.add("PJRT_Client_AddressableMemories", memories);
    all.add("PJRT_Client_UpdateGlobalProcessInfo", process_info);
    all.add("PJRT_Client_DefaultDeviceAssignment", assignment);
    all.add("PJRT_Client_DmaMap", map);
    all.add("PJRT_Client_DmaUnmap", unmap);
}

fn create(call: &Call, args: &mut sys::PJRT_Client_Create_Args) -> Outcome {
    let mut count = call.inner.devices;
    let mut group = call.inner.group;
    for (name, value) in call.named(args.create_options, args.num_options)? {
        match (name.as_str(), value) {
            ("cpu_device_count", Value::Int(value)) => {
                let value = usize::try_from(value)
                    .ok()
                    .filter(|v| (1..=1024).contains(v));
                count = value.ok_or_else(|| Failure::invalid("no such number of devices"))?;
            }
            ("node_id", Value::Int(value)) => group.node = value,
            ("num_nodes", Value::Int(value)) => group.nodes = value,
            _ => return Err(Failure::invalid(format!("no option `{name}`"))),
        }
    }
    crate::key_value::exchange(call, args, count)?;
    group.meet(call, args, count)?;
    let (process, processes) = group.place()?;
    let client = Arc::new(Client::default());
    let handle: *mut sys::PJRT_Client = call.give(client.clone());
    let owner = handle as usize;
    let topology = Topology::of_processes(call, count, processes);
    let topology_handle: *mut sys::PJRT_TopologyDescription = call.lend(topology.clone(), owner);
    topology.describe(call, owner);
    let mut places = Places {
        process,
        devices: Vec::new(),
        all: Vec::new(),
        memories: Vec::new(),
        topology: topology_handle as usize,
    };
    for (id, description) in (0..).zip(topology.descriptions()) {
        let (at, local) = topology.grid.process_of(id);
        let addressable = at == process;
        let device = Arc::new(Device {
            id,
            local,
            addressable,
            client: Arc::downgrade(&client),
            description: *description,
            memories: OnceLock::new(),
            poisoned: Mutex::default(),
            launched: Mutex::default(),
        });
        let device_handle: *mut sys::PJRT_Device = call.lend(device.clone(), owner);
        places.all.push(device_handle as usize);
        if !addressable {
            continue;
        }
        let index = places.devices.len();
        let mut of_device = Vec::new();
        for kind in KINDS {
            let id = i32::try_from(places.memories.len()).unwrap_or(i32::MAX);
            let memory = Arc::new(Memory {
                id,
                kind,
                device: index,
                client: Arc::downgrade(&client),
                debug: format!("MockMemory(id={id}, kind={})", kind.0),
                devices: OnceLock::from(vec![device_handle as usize]),
            });
            let memory: *mut sys::PJRT_Memory = call.lend(memory, owner);
            of_device.push(memory as usize);
            places.memories.push(memory as usize);
        }
        let first = device.memories.set(of_device);
        debug_assert!(first.is_ok(), "a device is new");
        places.devices.push(device_handle as usize);
    }
    let first = client.places.set(places);
    debug_assert!(first.is_ok(), "a client is new");
    args.client = handle;
    Ok(())
}

fn destroy(call: &Call, args: &mut sys::PJRT_Client_Destroy_Args) -> Outcome {
    call.destroy::<Client>(args.client).map(drop)
}

fn platform_name(call: &Call, args: &mut sys::PJRT_Client_PlatformName_Args) -> Outcome {
    call.get::<Client>(args.client)?;
    (args.platform_name, args.platform_name_size) = text(PLATFORM.as_bytes());
    Ok(())
}

fn platform_version(call: &Call, args: &mut sys::PJRT_Client_PlatformVersion_Args) -> Outcome {
    call.get::<Client>(args.client)?;
    (args.platform_version, args.platform_version_size) = text(PLATFORM_VERSION.as_bytes());
    Ok(())
}

fn process_index(call: &Call, args: &mut sys::PJRT_Client_ProcessIndex_Args) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    args.process_index = client.places.get().map_or(0, |places| places.process);
    Ok(())
}

fn topology(call: &Call, args: &mut sys::PJRT_Client_TopologyDescription_Args) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    args.topology = client.places.get().map_or(0, |places| places.topology) as *mut _;
    Ok(())
}

fn devices(call: &Call, args: &mut sys::PJRT_Client_Devices_Args) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    let devices = client.all();
    (args.devices, args.num_devices) = (devices.as_ptr().cast(), devices.len());
    Ok(())
}

fn addressable_devices(
    call: &Call,
    args: &mut sys::PJRT_Client_AddressableDevices_Args,
) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    let devices = client.devices();
    args.addressable_devices = devices.as_ptr().cast();
    args.num_addressable_devices = devices.len();
    Ok(())
}

/// The handle of the device with an id.
fn with_id(devices: &[usize], id: i32) -> Result<usize, Failure> {
    let device = usize::try_from(id).ok().and_then(|id| devices.get(id));
    device
        .copied()
        .ok_or_else(|| Failure::invalid(format!("no device has the id {id}")))
}

fn lookup(call: &Call, args: &mut sys::PJRT_Client_LookupDevice_Args) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    args.device = with_id(client.all(), args.id)? as *mut _;
    Ok(())
}

fn lookup_addressable(
    call: &Call,
    args: &mut sys::PJRT_Client_LookupAddressableDevice_Args,
) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    args.addressable_device = with_id(client.devices(), args.local_hardware_id)? as *mut _;
    Ok(())
}

fn memories(call: &Call, args: &mut sys::PJRT_Client_AddressableMemories_Args) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    let memories = client
        .places
        .get()
        .map_or(&[][..], |places| places.memories.as_slice());
    args.addressable_memories = memories.as_ptr().cast();
    args.num_addressable_memories = memories.len();
    Ok(())
}

fn process_info(call: &Call, args: &mut sys::PJRT_Client_UpdateGlobalProcessInfo_Args) -> Outcome {
    call.get::<Client>(args.client)?;
    for info in call.read_all(args.process_infos, args.num_process_infos)? {
        call.known("PJRT_ProcessState", info.state.0.into())?;
        if info.task_id < 0 {
            return Err(Failure::invalid(format!("no task {}", info.task_id)));
        }
        crate::memory_of::string(info.error_message, info.error_message_size)?;
    }
    Ok(())
}

fn assignment(call: &Call, args: &mut sys::PJRT_Client_DefaultDeviceAssignment_Args) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    let count = args.num_replicas.checked_mul(args.num_partitions);
    let count = count.and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count <= client.all().len());
    let count = count.ok_or_else(|| Failure::invalid("not so many devices"))?;
    if count > args.default_assignment_size {
        return Err(Failure::precondition(format!(
            "{count} devices do not fit into {}",
            args.default_assignment_size
        )));
    }
    for (place, id) in room(args.default_assignment, count).iter_mut().zip(0..) {
        *place = id;
    }
    Ok(())
}

fn map(call: &Call, args: &mut sys::PJRT_Client_DmaMap_Args) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    let start = args.data as usize;
    if start == 0 || args.size == 0 {
        return Err(Failure::invalid("nothing to map"));
    }
    let mut mapped = client.mapped.lock().unwrap_or_else(PoisonError::into_inner);
    match mapped.insert(start, args.size) {
        None => Ok(()),
        Some(_) => Err(Failure::new(
            sys::PJRT_Error_Code_ALREADY_EXISTS,
            "mapped before",
        )),
    }
}

fn unmap(call: &Call, args: &mut sys::PJRT_Client_DmaUnmap_Args) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    let mut mapped = client.mapped.lock().unwrap_or_else(PoisonError::into_inner);
    match mapped.remove(&(args.data as usize)) {
        Some(_) => Ok(()),
        None => Err(Failure::new(
            sys::PJRT_Error_Code_NOT_FOUND,
            "nothing is mapped there",
        )),
    }
}
