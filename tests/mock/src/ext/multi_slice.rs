//! Configurations of several slices.

use super::{Held, hold, release};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::proto;
use pjrt_sys::multi_slice as sys;

/// A configuration.
pub(crate) struct Config {
    pub(crate) slices: i32,
    pub(crate) slice: i32,
    /// Devices of each slice.
    pub(crate) devices: i32,
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_MultiSlice_Config_Destroy", destroy);
    all.add("PJRT_MultiSlice_Config_NumSlices", slices);
    all.add("PJRT_MultiSlice_Config_SliceId", slice);
    all.add("PJRT_MultiSlice_Config_NumDevicesPerSlice", devices);
    all.add("PJRT_MultiSlice_Config_Serialize", serialize);
}

fn destroy(call: &Call, args: &mut sys::PJRT_MultiSlice_Config_Destroy_Args) -> Outcome {
    call.destroy::<Config>(args.config).map(drop)
}

fn slices(call: &Call, args: &mut sys::PJRT_MultiSlice_Config_NumSlices_Args) -> Outcome {
    args.num_slices = call.get::<Config>(args.config)?.slices;
    Ok(())
}

fn slice(call: &Call, args: &mut sys::PJRT_MultiSlice_Config_SliceId_Args) -> Outcome {
    args.slice_id = call.get::<Config>(args.config)?.slice;
    Ok(())
}

fn devices(call: &Call, args: &mut sys::PJRT_MultiSlice_Config_NumDevicesPerSlice_Args) -> Outcome {
    let config = call.get::<Config>(args.config)?;
    let slices: Vec<i32> = (0..config.slices).collect();
    let devices = vec![config.devices; slices.len()];
    args.num_devices_per_slice_map = slices.len();
    (args.slice_ids, args.num_devices) = (slices.as_ptr(), devices.as_ptr());
    args.devices_per_slice_map = Held::give(call, (slices, devices));
    args.devices_per_slice_map_deleter = Some(release);
    Ok(())
}

fn serialize(call: &Call, args: &mut sys::PJRT_MultiSlice_Config_Serialize_Args) -> Outcome {
    let config = call.get::<Config>(args.config)?;
    let mut message = Vec::new();
    for (field, number) in (1..).zip([config.slices, config.slice, config.devices]) {
        proto::number(field, u64::from(number.cast_unsigned()), &mut message);
    }
    (args.serialized, args.size, args.serialized_config) = hold(call, message);
    args.serialized_config_deleter = Some(release);
    Ok(())
}
