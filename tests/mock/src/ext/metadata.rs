//! Metadata of executables: the name of the program.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::executable::Executable;
use crate::memory_of::text;
use pjrt_sys::executable_metadata as sys;
use std::sync::Arc;

/// Metadata that a caller has. Its address is the struct that callers read.
struct Metadata(#[allow(dead_code, reason = "callers read it")] Vec<u8>);

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_ExecutableMetadata_GetExecutableMetadata", get);
    all.add("PJRT_ExecutableMetadata_DestroySerializedMetadata", destroy);
}

fn get(call: &Call, args: &mut sys::PJRT_ExecutableMetadata_GetExecutableMetadata_Args) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    let bytes = found.program.name.clone().into_bytes();
    let (start, size) = text(&bytes);
    let words = [start as usize, size];
    args.metadata = call.inner.give_words(Arc::new(Metadata(bytes)), words);
    Ok(())
}

fn destroy(
    call: &Call,
    args: &mut sys::PJRT_ExecutableMetadata_DestroySerializedMetadata_Args,
) -> Outcome {
    call.destroy::<Metadata>(args.metadata).map(drop)
}
