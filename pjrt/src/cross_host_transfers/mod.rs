//! The extension for transfers between devices of different processes.
//!
//! There are two ways, and a platform may have one of them only.
//!
//! - *Descriptors*: the receiver calls [`CrossHostTransfers::make_receive_buffers`] and is told a
//!   descriptor for each buffer. It brings them to the senders by a way of its own, and each sender
//!   calls [`CrossHostTransfers::copy_to_remote_device`] with one.
//! - *Keys*: sender and receiver agree on a key for each buffer, and call
//!   [`CrossHostTransfers::send_buffers`] and [`CrossHostTransfers::receive_buffers`].
//!
//! A receiver's buffer is an ordinary one that gets ready when its contents have come. Sending is
//! `unsafe`, for a platform may write straight into the receiver's memory, and nobody checks that
//! what is sent fits.

mod cancel;
mod keyed;
mod promise;
mod receive;
mod send;
mod shapes;

pub use cancel::{Canceller, KeptCanceller};
pub use keyed::{Incoming, Outgoing};
pub use promise::DescriptorPromise;
pub use receive::ReceiveDescriptors;

use crate::rt::{self, Handle, Place};
use crate::{Buffer, Client, Device, Error, Result};

pjrt_macros::generate!(extension cross_host_transfers);

impl CrossHostTransfers {
    /// Refuses a client of another plugin.
    fn own_client(&self, client: &Client, function: &'static str) -> Result<()> {
        rt::of_plugin(self.table.api(), client, function, "client")
    }

    /// Refuses a device that buffers of this client cannot be made on.
    fn own_device(&self, client: &Client, device: &Device, function: &'static str) -> Result<()> {
        rt::same_client(client, device, function, "device")?;
        if device.is_addressable()? {
            return Ok(());
        }
        let problem = "it belongs to another process, and only that can receive on it".to_owned();
        Err(refused(function, "device", problem))
    }
}

fn refused(function: &'static str, argument: &'static str, problem: String) -> Error {
    Error::InvalidArgument {
        function,
        argument,
        problem,
    }
}

/// Refuses an empty list: real plugins look at the first entry without asking.
fn not_empty<T>(list: &[T], function: &'static str, argument: &'static str) -> Result<()> {
    if list.is_empty() {
        let problem = "at least one buffer must be given".to_owned();
        return Err(refused(function, argument, problem));
    }
    Ok(())
}

/// Takes over the buffers that a plugin has written into memory of ours.
///
/// # Safety
///
/// What is not null is a new buffer of the client, the caller's to destroy.
unsafe fn buffers(
    client: &Client,
    written: &[*mut crate::sys::PJRT_Buffer],
    function: &'static str,
) -> Result<Vec<Buffer>> {
    let place = Place {
        function,
        field: "buffers",
    };
    // SAFETY: the caller's promise; a buffer needs its client.
    unsafe { rt::owned_list(client.api(), written, rt::owner_of(client).as_ref(), place) }
}
