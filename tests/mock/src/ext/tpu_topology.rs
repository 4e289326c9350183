//! Topologies of TPUs: chips with one core each lie in a grid, and processes have blocks of it.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::failure::Failure;
use crate::memory_of::{items, room};
use crate::topology::{self, Grid, Topology};
use pjrt_sys::tpu_topology as sys;

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_TpuTopology_Subslice", subslice);
    all.add("PJRT_TpuTopology_IsSubsliceTopology", is_subslice);
    all.add(
        "PJRT_TpuTopology_SubsliceDeviceIdFromFullDeviceId",
        in_subslice,
    );
    all.add("PJRT_TpuTopology_ReplaceHostBounds", replace);
    all.add("PJRT_TpuTopology_IsEnhancedBarrierEnabled", barrier);
    all.add("PJRT_TpuTopology_HasLimitedIciConnectivity", limited);
    all.add("PJRT_TpuTopology_IsReachableOverLimitedIci", reachable);
    all.add("PJRT_TpuTopology_ProcessIds", process_ids);
    all.add("PJRT_TpuTopology_LogiDeviceIdsOnProcess", ids_on_process);
    all.add("PJRT_TpuTopology_ProcIdAndIdxOnProcForChip", of_chip);
    all.add(
        "PJRT_TpuTopology_ProcIdAndIdxOnProcForLogiDevice",
        of_device,
    );
    all.add("PJRT_TpuTopology_ProcessCoordFromId", process_place);
    all.add("PJRT_TpuTopology_ChipIdFromCoord", chip_at);
    all.add(
        "PJRT_TpuTopology_LogiDeviceIdFromChipCoordAndIdx",
        device_at,
    );
    all.add(
        "PJRT_TpuTopology_ChipCoordAndIdxForLogiDevice",
        place_of_device,
    );
    all.add("PJRT_TpuTopology_ChipsPerProcessBounds", process_size);
    all.add("PJRT_TpuTopology_ChipBounds", chip_bounds);
    all.add("PJRT_TpuTopology_ProcessBounds", process_bounds);
}

fn grid(call: &Call, topology: *const pjrt_sys::PJRT_TopologyDescription) -> Result<Grid, Failure> {
    Ok(call.get::<Topology>(topology)?.grid)
}

/// Coordinates of the caller.
fn place(start: *const i32, count: usize) -> Result<[i32; 3], Failure> {
    let given = items(start, count);
    given
        .try_into()
        .map_err(|_| Failure::invalid(format!("{given:?} are not three coordinates")))
}

/// Bounds of the caller.
fn bounds(start: *const i32, count: usize) -> Result<[i32; 3], Failure> {
    let bounds = place(start, count)?;
    let chips = bounds.iter().try_fold(1i32, |n, b| n.checked_mul(*b));
    match chips {
        Some(chips) if (1..=1 << 10).contains(&chips) && bounds.iter().all(|b| *b > 0) => {
            Ok(bounds)
        }
        _ => Err(Failure::invalid(format!("no grid of {bounds:?}"))),
    }
}

/// Fills memory of the caller, and gives how many numbers there are.
fn fill(start: *mut i32, most: usize, numbers: &[i32]) -> Result<usize, Failure> {
    if most < numbers.len() {
        return Err(Failure::invalid(format!(
            "no room for {} numbers",
            numbers.len()
        )));
    }
    room(start, numbers.len()).copy_from_slice(numbers);
    Ok(numbers.len())
}

/// A number that must be below another.
fn below(number: i32, end: i32) -> Outcome {
    match (0..end).contains(&number) {
        true => Ok(()),
        false => Err(Failure::invalid(format!("{number} is not in 0..{end}"))),
    }
}

fn subslice(call: &Call, args: &mut sys::PJRT_TpuTopology_Subslice_Args) -> Outcome {
    let whole = grid(call, args.topology)?;
    let part = Grid {
        chips: bounds(
            args.chips_per_host_bounds,
            args.chips_per_host_bounds_num_dims,
        )?,
        processes: bounds(args.host_bounds, args.host_bounds_num_dims)?,
        part: true,
    };
    let pairs = part.bounds().into_iter().zip(whole.bounds());
    if pairs.into_iter().any(|(part, whole)| part > whole) {
        return Err(Failure::invalid("the part is larger than the whole"));
    }
    args.subslice_topology = topology::give_grid(call, part);
    Ok(())
}

fn is_subslice(call: &Call, args: &mut sys::PJRT_TpuTopology_IsSubsliceTopology_Args) -> Outcome {
    args.is_subslice_topology = grid(call, args.topology)?.part;
    Ok(())
}

fn in_subslice(
    call: &Call,
    args: &mut sys::PJRT_TpuTopology_SubsliceDeviceIdFromFullDeviceId_Args,
) -> Outcome {
    let whole = grid(call, args.client_topology)?;
    let part = grid(call, args.subslice_topology)?;
    let origin = place(args.subslice_origin, args.subslice_origin_dim_num)?;
    below(args.full_device_id, whole.count())?;
    let at = whole.place(args.full_device_id);
    let inner: Vec<i32> = at.iter().zip(origin).map(|(at, o)| at - o).collect();
    let inner = place(inner.as_ptr(), inner.len())?;
    args.subslice_device_id = part
        .id(inner)
        .ok_or_else(|| call.violation("the device is outside of the part".to_owned()))?;
    Ok(())
}

fn replace(call: &Call, args: &mut sys::PJRT_TpuTopology_ReplaceHostBounds_Args) -> Outcome {
    let old = grid(call, args.topology)?;
    let processes = bounds(args.host_bounds, args.host_bounds_dim_num)?;
    args.new_topology = topology::give_grid(call, Grid { processes, ..old });
    Ok(())
}

fn barrier(call: &Call, args: &mut sys::PJRT_TpuTopology_IsEnhancedBarrierEnabled_Args) -> Outcome {
    grid(call, args.topology)?;
    args.is_enhanced_barrier_enabled = true;
    Ok(())
}

fn limited(
    call: &Call,
    args: &mut sys::PJRT_TpuTopology_HasLimitedIciConnectivity_Args,
) -> Outcome {
    grid(call, args.topology)?;
    args.has_limited_ici_connectivity = false;
    Ok(())
}

fn reachable(
    call: &Call,
    args: &mut sys::PJRT_TpuTopology_IsReachableOverLimitedIci_Args,
) -> Outcome {
    let chips = grid(call, args.topology)?.count();
    below(args.source_chip_id, chips)?;
    below(args.dest_chip_id, chips)?;
    args.is_reachable_over_limited_ici = true;
    Ok(())
}

fn process_ids(call: &Call, args: &mut sys::PJRT_TpuTopology_ProcessIds_Args) -> Outcome {
    let ids: Vec<i32> = (0..grid(call, args.topology)?.process_count()).collect();
    let most = usize::try_from(args.max_process_ids).unwrap_or(0);
    args.num_process_ids = fill(args.process_ids, most, &ids)?;
    Ok(())
}

fn ids_on_process(
    call: &Call,
    args: &mut sys::PJRT_TpuTopology_LogiDeviceIdsOnProcess_Args,
) -> Outcome {
    let grid = grid(call, args.topology)?;
    below(args.process_id, grid.process_count())?;
    let ids: Vec<i32> = (0..grid.count())
        .filter(|id| grid.process_of(*id).0 == args.process_id)
        .collect();
    let most = usize::try_from(args.max_logical_device_ids).unwrap_or(0);
    args.num_logical_device_ids = fill(args.logical_device_of_default_type_ids, most, &ids)?;
    Ok(())
}

fn of_chip(
    call: &Call,
    args: &mut sys::PJRT_TpuTopology_ProcIdAndIdxOnProcForChip_Args,
) -> Outcome {
    let grid = grid(call, args.topology)?;
    below(args.chip_id, grid.count())?;
    (args.process_id, args.index_on_process) = grid.process_of(args.chip_id);
    Ok(())
}

fn of_device(
    call: &Call,
    args: &mut sys::PJRT_TpuTopology_ProcIdAndIdxOnProcForLogiDevice_Args,
) -> Outcome {
    let grid = grid(call, args.topology)?;
    below(args.device_id, grid.count())?;
    (args.process_id, args.index_on_process) = grid.process_of(args.device_id);
    Ok(())
}

fn process_place(call: &Call, args: &mut sys::PJRT_TpuTopology_ProcessCoordFromId_Args) -> Outcome {
    let grid = grid(call, args.topology)?;
    below(args.process_id, grid.process_count())?;
    let at = topology::place(grid.processes, args.process_id);
    args.coords_num_dims = fill(args.coords, args.coords_max_dims, &at)?;
    Ok(())
}

fn chip_at(call: &Call, args: &mut sys::PJRT_TpuTopology_ChipIdFromCoord_Args) -> Outcome {
    let at = place(args.coords, args.coords_num_dims)?;
    let id = grid(call, args.topology)?.id(at);
    args.chip_id = id.ok_or_else(|| Failure::invalid(format!("no chip at {at:?}")))?;
    Ok(())
}

fn device_at(
    call: &Call,
    args: &mut sys::PJRT_TpuTopology_LogiDeviceIdFromChipCoordAndIdx_Args,
) -> Outcome {
    let at = place(args.chip_coords, args.chip_coords_num_dims)?;
    below(args.logical_device_index_on_chip, 1)?;
    let id = grid(call, args.topology)?.id(at);
    args.logical_device_of_default_type_id =
        id.ok_or_else(|| Failure::invalid(format!("no chip at {at:?}")))?;
    Ok(())
}

fn place_of_device(
    call: &Call,
    args: &mut sys::PJRT_TpuTopology_ChipCoordAndIdxForLogiDevice_Args,
) -> Outcome {
    let grid = grid(call, args.topology)?;
    below(args.device_id, grid.count())?;
    let at = grid.place(args.device_id);
    args.chip_coords_num_dims = fill(args.chip_coords, args.chip_coords_max_dims, &at)?;
    args.device_index_on_chip = 0;
    Ok(())
}

fn process_size(
    call: &Call,
    args: &mut sys::PJRT_TpuTopology_ChipsPerProcessBounds_Args,
) -> Outcome {
    let size = grid(call, args.topology)?.chips;
    args.chip_per_process_bounds_num_dims = fill(
        args.chip_per_process_bounds,
        args.chip_per_process_bounds_max_dims,
        &size,
    )?;
    Ok(())
}

fn chip_bounds(call: &Call, args: &mut sys::PJRT_TpuTopology_ChipBounds_Args) -> Outcome {
    let bounds = grid(call, args.topology)?.bounds();
    args.chip_bounds_num_dims = fill(args.chip_bounds, args.chip_bounds_max_dims, &bounds)?;
    Ok(())
}

fn process_bounds(call: &Call, args: &mut sys::PJRT_TpuTopology_ProcessBounds_Args) -> Outcome {
    let bounds = grid(call, args.topology)?.processes;
    args.process_bounds_num_dims =
        fill(args.process_bounds, args.process_bounds_max_dims, &bounds)?;
    Ok(())
}
