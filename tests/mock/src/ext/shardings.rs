//! Shardings of parameters and outputs: whole on every device, unless the program says otherwise.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::executable::Executable;
use pjrt_sys::shardings as sys;

/// How an array is spread, as text.
pub(crate) const SHARDING: &str = "{replicated}";

pub(crate) fn calls(all: &mut Calls) {
    all.add(
        "PJRT_Shardings_PJRT_Executable_ParameterShardings",
        of_parameters,
    );
    all.add("PJRT_Shardings_PJRT_Executable_OutputShardings", of_outputs);
}

fn of_parameters(
    call: &Call,
    args: &mut sys::PJRT_Shardings_PJRT_Executable_ParameterShardings_Args,
) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    args.num_parameters = found.program.parameters.len();
    (args.shardings, args.sharding_sizes) = found.parameters_spread.lists();
    Ok(())
}

fn of_outputs(
    call: &Call,
    args: &mut sys::PJRT_Shardings_PJRT_Executable_OutputShardings_Args,
) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    args.num_outputs = found.program.outputs.len();
    (args.shardings, args.sharding_sizes) = found.outputs_spread.lists();
    Ok(())
}
