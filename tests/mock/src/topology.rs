//! Topologies: what programs can be compiled for without devices.

use crate::buffer::Shape;
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::device::Description;
use crate::failure::Failure;
use crate::memory::KINDS;
use crate::memory_of::{bytes, string, text};
use crate::named::{Named, Value};
use pjrt_sys as sys;
use std::ffi::c_char;
use std::sync::{Arc, OnceLock};

/// A topology.
pub(crate) struct Topology {
    pub(crate) devices: usize,
    pub(crate) grid: Grid,
    pub(crate) descriptions: OnceLock<Vec<usize>>,
    attributes: Named,
    kind_ids: Vec<i32>,
}

/// Where devices lie: blocks of chips, one for each process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Chips of a process along each axis.
    pub(crate) chips: [i32; 3],
    /// Processes along each axis.
    pub(crate) processes: [i32; 3],
    /// It was cut out of another.
    pub(crate) part: bool,
}

/// Coordinates of a number within bounds; the first axis runs fastest.
pub(crate) fn place(bounds: [i32; 3], id: i32) -> [i32; 3] {
    let [x, y, _] = bounds.map(|bound| bound.max(1));
    [id % x, id / x % y, id / x / y]
}

impl Grid {
    /// All devices in one process, side by side.
    fn line(devices: usize) -> Grid {
        let devices = i32::try_from(devices).unwrap_or(i32::MAX);
        Grid {
            chips: [devices, 1, 1],
            processes: [1; 3],
            part: false,
        }
    }

    /// Chips along each axis.
    pub(crate) fn bounds(&self) -> [i32; 3] {
        let [[a, b, c], [x, y, z]] = [self.chips, self.processes];
        [a * x, b * y, c * z]
    }

    pub(crate) fn count(&self) -> i32 {
        self.bounds().iter().product()
    }

    pub(crate) fn process_count(&self) -> i32 {
        self.processes.iter().product()
    }

    /// Where a chip is.
    pub(crate) fn place(&self, chip: i32) -> [i32; 3] {
        place(self.bounds(), chip)
    }

    /// The chip at a place.
    pub(crate) fn id(&self, at: [i32; 3]) -> Option<i32> {
        let inside = at
            .iter()
            .zip(self.bounds())
            .all(|(at, end)| (0..end).contains(at));
        inside.then(|| number(self.bounds(), at))
    }

    /// The process of a chip, and its place among those of the process.
    pub(crate) fn process_of(&self, chip: i32) -> (i32, i32) {
        let ([x, y, z], [a, b, c]) = (self.place(chip), self.chips.map(|n| n.max(1)));
        let process = number(self.processes, [x / a, y / b, z / c]);
        (process, number(self.chips, [x % a, y % b, z % c]))
    }
}

/// The number of a place within bounds.
fn number([width, height, _]: [i32; 3], [x, y, z]: [i32; 3]) -> i32 {
    x + width * (y + height * z)
}

/// Platform of all clients and topologies.
pub(crate) const PLATFORM: &str = "mock";
pub(crate) const PLATFORM_VERSION: &str = "mock 1";
const MAGIC: &str = "mock topology ";

impl Topology {
    pub(crate) fn new(call: &Call, devices: usize) -> Arc<Topology> {
        Topology::of(call, Grid::line(devices), devices)
    }

    /// So many devices in each of some processes.
    pub(crate) fn of_processes(call: &Call, devices: usize, processes: i32) -> Arc<Topology> {
        let mut grid = Grid::line(devices);
        grid.processes = [processes, 1, 1];
        let all = usize::try_from(grid.count()).unwrap_or(0);
        Topology::of(call, grid, all)
    }

    fn of(call: &Call, grid: Grid, devices: usize) -> Arc<Topology> {
        let count = i64::try_from(devices).unwrap_or(i64::MAX);
        let values = vec![
            ("num_devices", Value::Int(count)),
            ("shape", Value::Ints(vec![count, 1])),
        ];
        Arc::new(Topology {
            devices,
            grid,
            descriptions: OnceLock::new(),
            attributes: Named::new(call.era(), values),
            kind_ids: KINDS.iter().map(|(_, id)| *id).collect(),
        })
    }

    /// Makes the descriptions, which end with the topology or its client.
    pub(crate) fn describe(&self, call: &Call, owner: usize) {
        let handles = (0..self.devices).map(|id| {
            let id = i32::try_from(id).unwrap_or(i32::MAX);
            let handle: *mut sys::PJRT_DeviceDescription = call.lend(
                Description::new(call, id, self.grid.process_of(id).0),
                owner,
            );
            handle as usize
        });
        let made = self.descriptions.set(handles.collect());
        debug_assert!(made.is_ok(), "a topology is described once");
    }

    pub(crate) fn descriptions(&self) -> &[usize] {
        self.descriptions.get().map_or(&[], Vec::as_slice)
    }
}

fn give(call: &Call, devices: usize) -> *mut sys::PJRT_TopologyDescription {
    handle(call, Topology::new(call, devices))
}

/// A topology of chips in a grid, with one device each.
pub(crate) fn give_grid(call: &Call, grid: Grid) -> *mut sys::PJRT_TopologyDescription {
    let devices = usize::try_from(grid.count()).unwrap_or(0);
    handle(call, Topology::of(call, grid, devices))
}

fn handle(call: &Call, topology: Arc<Topology>) -> *mut sys::PJRT_TopologyDescription {
    let handle: *mut sys::PJRT_TopologyDescription = call.give(topology.clone());
    topology.describe(call, handle as usize);
    handle
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_TopologyDescription_Create", create);
    all.add("PJRT_TopologyDescription_Destroy", destroy);
    all.add("PJRT_TopologyDescription_PlatformName", platform_name);
    all.add("PJRT_TopologyDescription_PlatformVersion", platform_version);
    all.add(
        "PJRT_TopologyDescription_GetDeviceDescriptions",
        descriptions,
    );
    all.add("PJRT_TopologyDescription_Serialize", serialize);
    all.add("PJRT_TopologyDescription_Deserialize", deserialize);
    all.add("PJRT_TopologyDescription_Attributes", attributes);
    all.add("PJRT_TopologyDescription_Fingerprint", fingerprint);
    all.add(
        "PJRT_TopologyDescription_MakeCanonicalShapeForMemorySpace",
        canonical_shape,
    );
    all.add("PJRT_TopologyDescription_GetMemorySpaceKindIds", kind_ids);
}

fn create(call: &Call, args: &mut sys::PJRT_TopologyDescription_Create_Args) -> Outcome {
    let name = string(args.topology_name, args.topology_name_size)?;
    let options = call.named(args.create_options, args.num_options)?;
    let mut devices = match name.as_str() {
        "" => call.inner.devices,
        name => name
            .strip_prefix("mock:")
            .and_then(|count| count.parse().ok())
            .ok_or_else(|| Failure::invalid(format!("no topology `{name}`: say mock:N")))?,
    };
    for (name, value) in options {
        match (name.as_str(), value) {
            ("devices", Value::Int(count)) => devices = usize::try_from(count).unwrap_or(0),
            _ => return Err(Failure::invalid(format!("no option `{name}`"))),
        }
    }
    args.topology = give(call, devices);
    Ok(())
}

fn destroy(call: &Call, args: &mut sys::PJRT_TopologyDescription_Destroy_Args) -> Outcome {
    call.destroy::<Topology>(args.topology).map(drop)
}

fn platform_name(
    call: &Call,
    args: &mut sys::PJRT_TopologyDescription_PlatformName_Args,
) -> Outcome {
    call.get::<Topology>(args.topology)?;
    (args.platform_name, args.platform_name_size) = text(PLATFORM.as_bytes());
    Ok(())
}

fn platform_version(
    call: &Call,
    args: &mut sys::PJRT_TopologyDescription_PlatformVersion_Args,
) -> Outcome {
    call.get::<Topology>(args.topology)?;
    (args.platform_version, args.platform_version_size) = text(PLATFORM_VERSION.as_bytes());
    Ok(())
}

fn descriptions(
    call: &Call,
    args: &mut sys::PJRT_TopologyDescription_GetDeviceDescriptions_Args,
) -> Outcome {
    let topology = call.get::<Topology>(args.topology)?;
    let handles = topology.descriptions();
    (args.descriptions, args.num_descriptions) = (handles.as_ptr().cast(), handles.len());
    Ok(())
}

unsafe extern "C" fn free(serialized: *mut sys::PJRT_SerializedTopology) {
    if !serialized.is_null() {
        // SAFETY: the pointer was made below of a box, and callers call this once.
        drop(unsafe { Box::from_raw(serialized.cast::<String>()) });
    }
}

fn serialize(call: &Call, args: &mut sys::PJRT_TopologyDescription_Serialize_Args) -> Outcome {
    let topology = call.get::<Topology>(args.topology)?;
    let holder = Box::new(format!("{MAGIC}{}", topology.devices));
    (args.serialized_bytes, args.serialized_bytes_size) = text(holder.as_bytes());
    args.serialized_topology = Box::into_raw(holder).cast();
    args.serialized_topology_deleter = Some(free);
    Ok(())
}

fn deserialize(call: &Call, args: &mut sys::PJRT_TopologyDescription_Deserialize_Args) -> Outcome {
    let given = bytes(args.serialized_topology, args.serialized_topology_size);
    let count = std::str::from_utf8(given)
        .ok()
        .and_then(|text| text.strip_prefix(MAGIC));
    let devices = count.and_then(|count| count.parse().ok());
    let devices = devices.ok_or_else(|| Failure::invalid("no serialised topology"))?;
    args.topology = give(call, devices);
    Ok(())
}

fn attributes(call: &Call, args: &mut sys::PJRT_TopologyDescription_Attributes_Args) -> Outcome {
    let topology = call.get::<Topology>(args.topology)?;
    (args.attributes, args.num_attributes) = topology.attributes.array();
    Ok(())
}

fn fingerprint(call: &Call, args: &mut sys::PJRT_TopologyDescription_Fingerprint_Args) -> Outcome {
    let topology = call.get::<Topology>(args.topology)?;
    args.fingerprint = 0x6d6f_636b_0000_0000 | topology.devices as u64;
    Ok(())
}

/// Room for a serialised shape; the function that frees one is not told how long it is.
const LARGEST_SHAPE: usize = 1024;

unsafe extern "C" fn free_shape(shape: *const c_char) {
    if !shape.is_null() {
        // SAFETY: the bytes begin a block of this size, which was leaked below.
        drop(unsafe { Box::from_raw(shape.cast_mut().cast::<[u8; LARGEST_SHAPE]>()) });
    }
}

fn canonical_shape(
    call: &Call,
    args: &mut sys::PJRT_TopologyDescription_MakeCanonicalShapeForMemorySpace_Args,
) -> Outcome {
    let topology = call.get::<Topology>(args.topology)?;
    if !topology.kind_ids.contains(&args.memory_space_kind_id) {
        let id = args.memory_space_kind_id;
        return Err(Failure::invalid(format!("no memory of kind {id}")));
    }
    let shape = Shape::read(call, args.element_type, args.dims, args.num_dims)?;
    if !args.layout.is_null() {
        call.read(args.layout)?;
    }
    let mut bytes = shape.to_proto();
    args.serialized_shape_size = bytes.len();
    bytes.resize(LARGEST_SHAPE.max(bytes.len()), 0);
    let block: Box<[u8; LARGEST_SHAPE]> = bytes
        .try_into()
        .map_err(|_| Failure::invalid("more dimensions than arrays have"))?;
    args.serialized_shape = Box::into_raw(block).cast();
    args.serialized_shape_deleter = Some(free_shape);
    Ok(())
}

fn kind_ids(
    call: &Call,
    args: &mut sys::PJRT_TopologyDescription_GetMemorySpaceKindIds_Args,
) -> Outcome {
    let topology = call.get::<Topology>(args.topology)?;
    let ids = &topology.kind_ids;
    (args.memory_space_kind_ids, args.num_memory_space_kind_ids) = (ids.as_ptr(), ids.len());
    Ok(())
}
