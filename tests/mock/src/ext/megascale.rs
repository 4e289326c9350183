//! Megascale: contexts, configurations of slices, numbers of devices across slices.

use super::collectives::Provider;
use super::multi_slice::Config;
use super::texts::Texts;
use super::{Held, release};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::client::Client;
use crate::failure::Failure;
use crate::memory_of::{bytes, items, string};
use crate::topology::Topology;
use pjrt_sys::megascale as sys;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a process has of Megascale.
struct Context {
    client: Option<Arc<Client>>,
    initialized: AtomicBool,
}

/// A device's number is its slice's times this, and its own.
const PER_SLICE: i64 = 100_000;
/// Where a context that is initialised listens.
const PORT: i32 = 8471;

pub(crate) fn calls(all: &mut Calls) {
    all.add(
        "PJRT_Megascale_CreateClientContextFromPjRtClient",
        of_client,
    );
    all.add("PJRT_Megascale_CreateDefaultClientContext", by_default);
    all.add("PJRT_Megascale_DeleteClientContext", delete);
    all.add("PJRT_Megascale_CreateAoTConfig", ahead);
    all.add("PJRT_Megascale_CreateMultiSliceConfig", config);
    all.add("PJRT_Megascale_ClientContext_Initialize", initialize);
    all.add("PJRT_Megascale_ClientContext_UnblockPendingWork", unblock);
    all.add("PJRT_Megascale_ClientContext_MegascalePort", port);
    all.add("PJRT_Megascale_CreateMegascaleCollectives", collectives);
    all.add("PJRT_Megascale_DeviceId_To_MegascaleId", to_megascale);
    all.add("PJRT_Megascale_MegascaleId_To_DeviceId", from_megascale);
    all.add("PJRT_Megascale_GetInterfaceAddressesHelper", addresses);
}

fn context(call: &Call, client: Option<Arc<Client>>) -> *mut sys::PJRT_Megascale_ClientContext {
    call.give(Arc::new(Context {
        client,
        initialized: AtomicBool::new(false),
    }))
}

fn of_client(
    call: &Call,
    args: &mut sys::PJRT_Megascale_CreateClientContextFromPjRtClient_Args,
) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    args.client_context = context(call, Some(client));
    Ok(())
}

fn by_default(
    call: &Call,
    args: &mut sys::PJRT_Megascale_CreateDefaultClientContext_Args,
) -> Outcome {
    args.client_context = context(call, None);
    Ok(())
}

fn delete(call: &Call, args: &mut sys::PJRT_Megascale_DeleteClientContext_Args) -> Outcome {
    call.destroy::<Context>(args.client_context).map(drop)
}

fn made(topology: &Topology, slices: i32, slice: i32) -> Result<Arc<Config>, Failure> {
    if slices < 1 || !(0..slices).contains(&slice) {
        return Err(Failure::invalid(format!("no slice {slice} of {slices}")));
    }
    let devices = i32::try_from(topology.devices).unwrap_or(i32::MAX);
    Ok(Arc::new(Config {
        slices,
        slice,
        devices,
    }))
}

fn ahead(call: &Call, args: &mut sys::PJRT_Megascale_CreateAoTConfig_Args) -> Outcome {
    let topology = call.get::<Topology>(args.topology)?;
    let config = made(&topology, args.num_slices, 0)?;
    args.multi_slice_config = call.give(config);
    Ok(())
}

fn config(call: &Call, args: &mut sys::PJRT_Megascale_CreateMultiSliceConfig_Args) -> Outcome {
    let topology = call.get::<Topology>(args.topology)?;
    call.get::<Context>(args.client_context)?;
    for (start, size) in [
        (args.endpoint_addresses, args.endpoint_addresses_size),
        (args.dcn_topology, args.dcn_topology_size),
    ] {
        let size =
            usize::try_from(size).map_err(|_| call.violation("a length is negative".to_owned()))?;
        if crate::proto::fields(bytes(start, size)).is_none() {
            return Err(Failure::invalid("addresses and topology are messages"));
        }
    }
    let config = made(&topology, args.num_slices, args.local_slice_id)?;
    args.multi_slice_config = call.give(config);
    Ok(())
}

fn initialize(
    call: &Call,
    args: &mut sys::PJRT_Megascale_ClientContext_Initialize_Args,
) -> Outcome {
    let context = call.get::<Context>(args.client_context)?;
    context.initialized.store(true, Ordering::SeqCst);
    Ok(())
}

fn unblock(
    call: &Call,
    args: &mut sys::PJRT_Megascale_ClientContext_UnblockPendingWork_Args,
) -> Outcome {
    let context = call.get::<Context>(args.client_context)?;
    match context.client {
        Some(_) if args.expire_after_ms >= 0 => Ok(()),
        Some(_) => Err(Failure::invalid("a time before now")),
        None => Err(Failure::precondition("the context has no client")),
    }
}

fn port(call: &Call, args: &mut sys::PJRT_Megascale_ClientContext_MegascalePort_Args) -> Outcome {
    let context = call.get::<Context>(args.client_context)?;
    if !context.initialized.load(Ordering::SeqCst) {
        return Err(Failure::precondition("the context is not initialised"));
    }
    args.port = PORT;
    Ok(())
}

fn collectives(
    call: &Call,
    args: &mut sys::PJRT_Megascale_CreateMegascaleCollectives_Args,
) -> Outcome {
    call.get::<Context>(args.client_context)?;
    let info = call.read(args.processes_info.cast_const())?;
    for count in [info.num_slice_indexes, info.num_per_slice_indexes] {
        if count != 0 && count != info.num_addresses {
            return Err(Failure::invalid("another number of indexes than addresses"));
        }
    }
    args.collectives = call.give(Arc::new(Provider));
    Ok(())
}

fn to_megascale(
    _call: &Call,
    args: &mut sys::PJRT_Megascale_DeviceId_To_MegascaleId_Args,
) -> Outcome {
    let device = i64::from(args.per_slice_device_id);
    if args.slice_id < 0 || !(0..PER_SLICE).contains(&device) {
        return Err(Failure::invalid("no such device"));
    }
    args.megascale_id = i64::from(args.slice_id) * PER_SLICE + device;
    Ok(())
}

fn from_megascale(
    _call: &Call,
    args: &mut sys::PJRT_Megascale_MegascaleId_To_DeviceId_Args,
) -> Outcome {
    let id = args.megascale_id;
    let slice = i32::try_from(id / PER_SLICE).ok().filter(|_| id >= 0);
    let Some(slice) = slice else {
        let code = pjrt_sys::PJRT_Error_Code_OUT_OF_RANGE;
        return Err(Failure::new(code, format!("no device has the number {id}")));
    };
    args.slice_id = slice;
    args.per_slice_device_id = i32::try_from(id % PER_SLICE).unwrap_or(i32::MAX);
    Ok(())
}

/// This machine has one interface, which is asked for by the beginning of its name.
fn addresses(
    call: &Call,
    args: &mut sys::PJRT_Megascale_GetInterfaceAddressesHelper_Args,
) -> Outcome {
    let name = string(args.megascale_port_name, args.megascale_port_name_size)?;
    let starts = items(
        args.interface_prefixes.cast_const(),
        args.num_interface_prefixes,
    );
    let sizes = items(args.interface_prefixes_sizes, args.num_interface_prefixes);
    let mut wanted = args.use_all_interfaces;
    for (start, size) in starts.iter().zip(sizes) {
        wanted |= "loopback".starts_with(&string(*start, *size)?);
    }
    if !wanted {
        let code = pjrt_sys::PJRT_Error_Code_NOT_FOUND;
        return Err(Failure::new(code, "no such interface"));
    }
    let address = format!("{name} 127.0.0.1:{}", args.megascale_port).into_bytes();
    let texts = Texts::new(vec![address]);
    args.serialized_addresses = texts.starts();
    args.serialized_addresses_sizes = texts.sizes().cast_mut();
    args.num_addresses = texts.count();
    args.addresses = Held::give(call, texts);
    args.addresses_deleter = Some(release);
    Ok(())
}
