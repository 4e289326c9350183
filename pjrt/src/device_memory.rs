//! What the devices' memories held when a call found none left.

use crate::rt::Handle;
use crate::{Client, Error, ErrorCode, MemoryStats, client_of};
use std::fmt;
use std::sync::Arc;

/// The memory of a device when a call failed for want of memory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceMemory {
    /// The device, as it prints itself.
    pub device: String,
    /// What its allocator said right after the failure.
    pub stats: Arc<MemoryStats>,
}

impl fmt::Display for DeviceMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} bytes in use",
            self.device, self.stats.bytes_in_use
        )?;
        if let Some(limit) = self.stats.bytes_limit {
            write!(f, " of {limit}")?;
        }
        match self.stats.largest_free_block_bytes {
            Some(free) => write!(f, ", the largest free block has {free}"),
            None => Ok(()),
        }
    }
}

/// Adds what is known of the devices' memories to the error of a call on `on` that says that there
/// is none left.
#[cold]
pub fn exhausted<H: Handle>(on: &H, error: Error) -> Error {
    match error {
        Error::Plugin(mut error) if error.code == ErrorCode::RESOURCE_EXHAUSTED => {
            if let Some(client) = client_of::client(on) {
                error.device_memory = of_client(&client);
            }
            Error::Plugin(error)
        }
        error => error,
    }
}

/// Devices that do not tell, as those of CPUs, are left out.
fn of_client(client: &Client) -> Vec<DeviceMemory> {
    let devices = client.addressable_devices().unwrap_or_default();
    let told = devices.into_iter().filter_map(|device| {
        Some(DeviceMemory {
            stats: Arc::new(device.memory_stats().ok()?),
            device: format!("{device:?}"),
        })
    });
    told.collect()
}
