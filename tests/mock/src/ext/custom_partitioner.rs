//! Partitioners of custom calls: kept until the plugin goes, and never asked.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::failure::Failure;
use crate::memory_of::string;
use pjrt_sys::custom_partitioner as sys;

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Register_Custom_Partitioner", register);
    all.add("PJRT_Register_Batch_Partitionable", batch);
}

fn named(name: String) -> Outcome {
    match name.is_empty() {
        true => Err(Failure::invalid("a custom call needs a name")),
        false => Ok(()),
    }
}

fn register(call: &Call, args: &mut sys::PJRT_Register_Custom_Partitioner_Args) -> Outcome {
    named(string(args.name, args.name_size)?)?;
    if args.callbacks.is_null() {
        return Err(call.violation("no callbacks".to_owned()));
    }
    Ok(())
}

fn batch(_call: &Call, args: &mut sys::PJRT_Register_Batch_Partitionable_Args) -> Outcome {
    named(string(args.name, args.name_size)?)
}
