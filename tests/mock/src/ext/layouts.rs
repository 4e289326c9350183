//! Layouts. Every array lies in row-major order.

use super::{hold, release};
use crate::buffer::Shape;
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::client::Client;
use crate::executable::Executable;
use crate::topology::Topology;
use pjrt_sys::layouts as sys;
use std::sync::Arc;

/// A layout, as text.
struct Layout(String);

impl Layout {
    fn of(shape: &Shape) -> Arc<Layout> {
        let order = (0..shape.dims.len()).rev().map(|dim| dim.to_string());
        Arc::new(Layout(format!(
            "{{{}}}",
            order.collect::<Vec<_>>().join(",")
        )))
    }
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Layouts_MemoryLayout_Destroy", destroy);
    all.add("PJRT_Layouts_MemoryLayout_Serialize", serialize);
    all.add("PJRT_Layouts_PJRT_Client_GetDefaultLayout", of_client);
    all.add("PJRT_Layouts_PJRT_Topology_GetDefaultLayout", of_topology);
    all.add("PJRT_Layouts_PJRT_Buffer_MemoryLayout", of_buffer);
    all.add("PJRT_Layouts_PJRT_Executable_GetOutputLayouts", of_outputs);
    all.add(
        "PJRT_Layouts_PJRT_Executable_GetParameterLayouts",
        of_parameters,
    );
}

fn destroy(call: &Call, args: &mut sys::PJRT_Layouts_MemoryLayout_Destroy_Args) -> Outcome {
    call.destroy::<Layout>(args.layout).map(drop)
}

fn serialize(call: &Call, args: &mut sys::PJRT_Layouts_MemoryLayout_Serialize_Args) -> Outcome {
    let layout = call.get::<Layout>(args.layout)?;
    let bytes = layout.0.clone().into_bytes();
    (
        args.serialized_bytes,
        args.serialized_bytes_size,
        args.serialized_layout,
    ) = hold(call, bytes);
    args.serialized_layout_deleter = Some(release);
    Ok(())
}

fn of_client(
    call: &Call,
    args: &mut sys::PJRT_Layouts_PJRT_Client_GetDefaultLayout_Args,
) -> Outcome {
    call.get::<Client>(args.client)?;
    let shape = Shape::read(call, args.type_, args.dims, args.num_dims)?;
    args.layout = call.give(Layout::of(&shape));
    Ok(())
}

fn of_topology(
    call: &Call,
    args: &mut sys::PJRT_Layouts_PJRT_Topology_GetDefaultLayout_Args,
) -> Outcome {
    call.get::<Topology>(args.topology_description)?;
    let shape = Shape::read(call, args.type_, args.dims, args.num_dims)?;
    args.layout = call.give(Layout::of(&shape));
    Ok(())
}

fn of_buffer(call: &Call, args: &mut sys::PJRT_Layouts_PJRT_Buffer_MemoryLayout_Args) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    args.layout = call.give(Layout::of(&buffer.shape));
    Ok(())
}

/// Handles that end with the executable's, made once for each kind.
fn lend(call: &Call, executable: usize, shapes: &mut dyn Iterator<Item = &Shape>) -> Vec<usize> {
    let handles = shapes.map(|shape| {
        let layout: *mut sys::PJRT_Layouts_MemoryLayout = call.lend(Layout::of(shape), executable);
        layout as usize
    });
    handles.collect()
}

fn of_outputs(
    call: &Call,
    args: &mut sys::PJRT_Layouts_PJRT_Executable_GetOutputLayouts_Args,
) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    let owner = args.executable as usize;
    let handles = found.lent(owner, "outputs", || {
        lend(
            call,
            owner,
            &mut found.program.outputs.iter().map(|o| &o.shape),
        )
    });
    (args.layouts, args.num_outputs) = (handles.0 as *mut _, handles.1);
    Ok(())
}

fn of_parameters(
    call: &Call,
    args: &mut sys::PJRT_Layouts_PJRT_Executable_GetParameterLayouts_Args,
) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    let owner = args.executable as usize;
    let handles = found.lent(owner, "parameters", || {
        lend(call, owner, &mut found.program.parameters.iter())
    });
    (args.layouts, args.num_parameters) = (handles.0 as *mut _, handles.1);
    Ok(())
}
