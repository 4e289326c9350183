//! Versions of the binary interface that programs and clients have.

use super::{hold, release};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::client::Client;
use crate::executable::Executable;
use crate::failure::Failure;
use crate::memory_of::bytes;
use crate::proto;
use pjrt_sys::abi_version as sys;
use std::ffi::c_char;
use std::sync::Arc;

/// The version of a client.
struct Runtime(u64);

/// The version that a program needs.
struct Needed(u64);

/// The only platform.
const PLATFORM: u64 = 0x6d6f_636b;
const VERSION: u64 = 1;

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Client_RuntimeAbiVersion", of_client);
    all.add("PJRT_Executable_GetAbiVersion", of_executable);
    all.add("PJRT_RuntimeAbiVersion_Destroy", destroy_runtime);
    all.add(
        "PJRT_RuntimeAbiVersion_IsCompatibleWithRuntime",
        fits_runtime,
    );
    all.add(
        "PJRT_RuntimeAbiVersion_IsCompatibleWithExecutable",
        fits_executable,
    );
    all.add("PJRT_RuntimeAbiVersion_ToProto", write_runtime);
    all.add("PJRT_RuntimeAbiVersion_PlatformId", platform_of_runtime);
    all.add("PJRT_ExecutableAbiVersion_Destroy", destroy_needed);
    all.add("PJRT_ExecutableAbiVersion_ToProto", write_needed);
    all.add("PJRT_ExecutableAbiVersion_PlatformId", platform_of_needed);
    all.add("PJRT_RuntimeAbiVersion_FromProto", read_runtime);
    all.add("PJRT_ExecutableAbiVersion_FromProto", read_needed);
}

fn of_client(call: &Call, args: &mut sys::PJRT_Client_RuntimeAbiVersion_Args) -> Outcome {
    call.get::<Client>(args.client)?;
    args.abi_version = call.give(Arc::new(Runtime(VERSION)));
    Ok(())
}

fn of_executable(call: &Call, args: &mut sys::PJRT_Executable_GetAbiVersion_Args) -> Outcome {
    call.get::<Executable>(args.executable)?;
    args.abi_version = call.give(Arc::new(Needed(VERSION)));
    Ok(())
}

fn destroy_runtime(call: &Call, args: &mut sys::PJRT_RuntimeAbiVersion_Destroy_Args) -> Outcome {
    call.destroy::<Runtime>(args.abi_version).map(drop)
}

fn destroy_needed(call: &Call, args: &mut sys::PJRT_ExecutableAbiVersion_Destroy_Args) -> Outcome {
    call.destroy::<Needed>(args.abi_version).map(drop)
}

fn fits(ours: u64, theirs: u64) -> Outcome {
    match ours == theirs {
        true => Ok(()),
        false => Err(Failure::precondition(format!(
            "version {ours} does not fit {theirs}"
        ))),
    }
}

fn fits_runtime(
    call: &Call,
    args: &mut sys::PJRT_RuntimeAbiVersion_IsCompatibleWithRuntime_Args,
) -> Outcome {
    let ours = call.get::<Runtime>(args.abi_version)?;
    fits(ours.0, call.get::<Runtime>(args.other_abi_version)?.0)
}

fn fits_executable(
    call: &Call,
    args: &mut sys::PJRT_RuntimeAbiVersion_IsCompatibleWithExecutable_Args,
) -> Outcome {
    let ours = call.get::<Runtime>(args.abi_version)?;
    fits(ours.0, call.get::<Needed>(args.executable_abi_version)?.0)
}

fn message(version: u64) -> Vec<u8> {
    let mut message = Vec::new();
    proto::number(1, PLATFORM, &mut message);
    proto::number(2, version, &mut message);
    message
}

fn version(start: *const c_char, size: usize) -> Result<u64, Failure> {
    let fields = proto::fields(bytes(start, size));
    let version = fields.and_then(|fields| {
        (proto::number_of(&fields, 1) == Some(PLATFORM)).then_some(proto::number_of(&fields, 2)?)
    });
    version.ok_or_else(|| Failure::invalid("no version of this platform"))
}

fn write_runtime(call: &Call, args: &mut sys::PJRT_RuntimeAbiVersion_ToProto_Args) -> Outcome {
    let version = call.get::<Runtime>(args.abi_version)?.0;
    let held = hold(call, message(version));
    (
        args.serialized_proto,
        args.serialized_proto_size,
        args.serialized_proto_holder,
    ) = held;
    args.serialized_proto_deleter = Some(release);
    Ok(())
}

fn write_needed(call: &Call, args: &mut sys::PJRT_ExecutableAbiVersion_ToProto_Args) -> Outcome {
    let version = call.get::<Needed>(args.abi_version)?.0;
    let held = hold(call, message(version));
    (
        args.serialized_proto,
        args.serialized_proto_size,
        args.serialized_proto_holder,
    ) = held;
    args.serialized_proto_deleter = Some(release);
    Ok(())
}

fn platform_of_runtime(
    call: &Call,
    args: &mut sys::PJRT_RuntimeAbiVersion_PlatformId_Args,
) -> Outcome {
    call.get::<Runtime>(args.abi_version)?;
    args.platform_id = PLATFORM;
    Ok(())
}

fn platform_of_needed(
    call: &Call,
    args: &mut sys::PJRT_ExecutableAbiVersion_PlatformId_Args,
) -> Outcome {
    call.get::<Needed>(args.abi_version)?;
    args.platform_id = PLATFORM;
    Ok(())
}

fn read_runtime(call: &Call, args: &mut sys::PJRT_RuntimeAbiVersion_FromProto_Args) -> Outcome {
    let version = version(args.serialized_proto, args.serialized_proto_size)?;
    args.abi_version = call.give(Arc::new(Runtime(version)));
    Ok(())
}

fn read_needed(call: &Call, args: &mut sys::PJRT_ExecutableAbiVersion_FromProto_Args) -> Outcome {
    let version = version(args.serialized_proto, args.serialized_proto_size)?;
    args.abi_version = call.give(Arc::new(Needed(version)));
    Ok(())
}
