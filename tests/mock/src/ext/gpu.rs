//! Custom calls of GPUs, by name. Those of the first API have no frames.

use super::custom_call::{self, Handlers, Original};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::failure::Failure;
use crate::memory_of::string;
use pjrt_sys::ffi_api::XLA_FFI_Handler;
use pjrt_sys::gpu as sys;
use std::ffi::c_void;

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
    if one_function {
        return Ok(());
    }
    if args.api_version == 0 {
        // SAFETY: this is what the function is in that API, and the caller's word for it.
        let original =
            unsafe { std::mem::transmute::<*mut c_void, Original>(args.handler_execute) };
        let handlers = Handlers {
            original: Some(original),
            ..Handlers::default()
        };
        return custom_call::register(call, name, "GPU".to_owned(), handlers);
    }
    // SAFETY: this is what the functions of all stages are, and the caller's word for it.
    let stage = |function: *mut c_void| unsafe {
        std::mem::transmute::<*mut c_void, XLA_FFI_Handler>(function)
    };
    let handlers = Handlers {
        instantiate: stage(args.handler_instantiate),
        prepare: stage(args.handler_prepare),
        initialize: stage(args.handler_initialize),
        execute: stage(args.handler_execute),
        original: None,
    };
    custom_call::register(call, name, "GPU".to_owned(), handlers)
}
