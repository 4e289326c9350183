//! Streams of devices; a stream is one more than its device's id.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::device::Device;
use crate::failure::Failure;
use pjrt_sys::stream as sys;

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Get_Stream_For_External_Ready_Events", get);
    all.add("PJRT_Wait_Until_Buffer_Ready_On_Stream", wait);
}

fn get(call: &Call, args: &mut sys::PJRT_Get_Stream_For_External_Ready_Events_Args) -> Outcome {
    let device = call.get::<Device>(args.device)?;
    args.stream = isize::try_from(device.id).unwrap_or(0) + 1;
    Ok(())
}

fn wait(call: &Call, args: &mut sys::PJRT_Wait_Until_Buffer_Ready_On_Stream_Args) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    let devices = isize::try_from(buffer.client.devices().len()).unwrap_or(0);
    if !(1..=devices).contains(&args.stream) {
        return Err(Failure::invalid(format!("no stream {}", args.stream)));
    }
    buffer.wait().map(drop)
}
