//! Custom calls of GPUs, by name. They are kept and never called.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::failure::Failure;
use crate::memory_of::string;
use pjrt_sys::gpu as sys;

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Gpu_Register_Custom_Call", register);
}

fn register(call: &Call, args: &mut sys::PJRT_Gpu_Register_Custom_Call_Args) -> Outcome {
    let name = string(args.function_name, args.function_name_size)?;
    if name.is_empty() {
        return Err(Failure::invalid("a custom call needs a name"));
    }
    match args.api_version {
        0 | 1 => {}
        other => {
            return Err(Failure::unimplemented(format!(
                "no custom calls of API {other}"
            )));
        }
    }
    // Versions that had one function for all stages gave it another name: nothing of it is read.
    let one_function = call
        .era()
        .lacks_field::<sys::PJRT_Gpu_Register_Custom_Call_Args>("handler_execute");
    if args.handler_execute.is_null() && !one_function {
        return Err(Failure::invalid(
            "a custom call needs a function that runs it",
        ));
    }
    Ok(())
}
