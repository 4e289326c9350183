//! Numbers of topologies of TPUs, and what platforms offer. A chip has one core, which is one device.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::failure::Failure;
use crate::memory_of::{room, string};
use crate::topology::Topology;
use pjrt_sys::tpu_topology as sys;
use std::ffi::c_char;

/// How packets find their way.
const ROUTING: &[u8] = b"mock_mesh\0";
/// The only platform.
const PLATFORM: &str = "mock_tpu";
/// Its slices: names, dimensions, whether they are wrapped and twisted.
const SLICES: [(&str, [i32; 2], bool); 3] = [
    ("1x1", [1, 1], false),
    ("2x2", [2, 2], false),
    ("4x4", [4, 4], true),
];

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_TpuTopology_ProcessCount", processes);
    all.add("PJRT_TpuTopology_ChipsPerProcess", chips_per_process);
    all.add("PJRT_TpuTopology_CoreCountPerChip", cores_per_chip);
    all.add("PJRT_TpuTopology_ChipCount", chips);
    all.add("PJRT_TpuTopology_CoreCount", cores);
    all.add(
        "PJRT_TpuTopology_LogiDeviceCountPerProcess",
        devices_per_process,
    );
    all.add("PJRT_TpuTopology_LogiDeviceCount", devices);
    all.add("PJRT_TpuTopology_LogiDeviceCountPerChip", devices_per_chip);
    all.add("PJRT_TpuTopology_CoreCountPerProcess", cores_per_process);
    all.add("PJRT_TpuTopology_GetRoutingStrategy", routing);
    all.add("PJRT_TpuTopology_GetSliceConfig", slice);
    all.add("PJRT_TpuTopology_GetSliceConfigs", slices);
    all.add("PJRT_TpuTopology_GetDefaultPlatformConfig", platform);
}

type Described = *const pjrt_sys::PJRT_TopologyDescription;

fn all_chips(call: &Call, topology: Described) -> Result<i32, Failure> {
    Ok(call.get::<Topology>(topology)?.grid.count())
}

fn of_process(call: &Call, topology: Described) -> Result<i32, Failure> {
    Ok(call.get::<Topology>(topology)?.grid.chips.iter().product())
}

/// One of something on each chip.
fn one(call: &Call, topology: Described) -> Result<i32, Failure> {
    call.get::<Topology>(topology).map(|_| 1)
}

fn processes(call: &Call, args: &mut sys::PJRT_TpuTopology_ProcessCount_Args) -> Outcome {
    let topology = call.get::<Topology>(args.topology)?;
    args.process_count = topology.grid.process_count();
    Ok(())
}

fn chips_per_process(
    call: &Call,
    args: &mut sys::PJRT_TpuTopology_ChipsPerProcess_Args,
) -> Outcome {
    args.chips_per_process = of_process(call, args.topology)?;
    Ok(())
}

fn cores_per_chip(call: &Call, args: &mut sys::PJRT_TpuTopology_CoreCountPerChip_Args) -> Outcome {
    args.core_count_of_default_type_per_chip = one(call, args.topology)?;
    Ok(())
}

fn chips(call: &Call, args: &mut sys::PJRT_TpuTopology_ChipCount_Args) -> Outcome {
    args.chip_count = all_chips(call, args.topology)?;
    Ok(())
}

fn cores(call: &Call, args: &mut sys::PJRT_TpuTopology_CoreCount_Args) -> Outcome {
    args.core_count_of_default_type = all_chips(call, args.topology)?;
    Ok(())
}

fn devices_per_process(
    call: &Call,
    args: &mut sys::PJRT_TpuTopology_LogiDeviceCountPerProcess_Args,
) -> Outcome {
    args.logical_device_count_of_default_type_per_process = of_process(call, args.topology)?;
    Ok(())
}

fn devices(call: &Call, args: &mut sys::PJRT_TpuTopology_LogiDeviceCount_Args) -> Outcome {
    args.logical_device_count_of_default_type = all_chips(call, args.topology)?;
    Ok(())
}

fn devices_per_chip(
    call: &Call,
    args: &mut sys::PJRT_TpuTopology_LogiDeviceCountPerChip_Args,
) -> Outcome {
    args.logical_device_count_of_default_type_per_chip = one(call, args.topology)?;
    Ok(())
}

fn cores_per_process(
    call: &Call,
    args: &mut sys::PJRT_TpuTopology_CoreCountPerProcess_Args,
) -> Outcome {
    args.core_count_of_default_type_per_process = of_process(call, args.topology)?;
    Ok(())
}

fn routing(call: &Call, args: &mut sys::PJRT_TpuTopology_GetRoutingStrategy_Args) -> Outcome {
    call.get::<Topology>(args.topology)?;
    if args.routing_strategy_len < ROUTING.len() {
        return Err(Failure::invalid("no room for the name"));
    }
    // The length is the caller's; a zero byte ends the name.
    room(args.routing_strategy.cast::<u8>(), ROUTING.len()).copy_from_slice(ROUTING);
    Ok(())
}

fn known(name: *const c_char, size: usize) -> Outcome {
    let name = string(name, size)?;
    match name == PLATFORM {
        true => Ok(()),
        false => Err(Failure::invalid(format!("no platform `{name}`"))),
    }
}

fn config((_, dimensions, wrapped): &(&str, [i32; 2], bool)) -> sys::PJRT_TpuTopology_SliceConfig {
    let mut config = sys::PJRT_TpuTopology_SliceConfig::zeroed();
    config.dim_size = dimensions.len();
    for (axis, size) in dimensions.iter().enumerate() {
        config.dimensions[axis] = *size;
        config.wrap[axis] = *wrapped;
    }
    config
}

fn slice(call: &Call, args: &mut sys::PJRT_TpuTopology_GetSliceConfig_Args) -> Outcome {
    known(args.platform_type_name, args.platform_type_name_len)?;
    let name = string(args.slice_name, args.slice_name_len)?;
    let found = SLICES.iter().find(|(other, ..)| *other == name);
    let found = found.ok_or_else(|| Failure::invalid(format!("no slice `{name}`")))?;
    call.write(&config(found), args.slice_config)
}

fn slices(call: &Call, args: &mut sys::PJRT_TpuTopology_GetSliceConfigs_Args) -> Outcome {
    known(args.platform_type_name, args.platform_type_name_len)?;
    args.num_slice_configs = SLICES.len();
    let stride = call.size::<sys::PJRT_TpuTopology_SliceConfig>()?;
    let places = SLICES.iter().take(args.max_slice_configs).enumerate();
    if args.slice_configs.is_null() {
        return Ok(());
    }
    for (index, found) in places {
        let place = args.slice_configs.wrapping_byte_add(index * stride);
        call.write(&config(found), place)?;
    }
    Ok(())
}

fn platform(
    _call: &Call,
    args: &mut sys::PJRT_TpuTopology_GetDefaultPlatformConfig_Args,
) -> Outcome {
    known(args.platform_type_name, args.platform_type_name_len)?;
    (args.num_chips_per_tray, args.num_trays) = (4, 2);
    Ok(())
}
