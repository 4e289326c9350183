//! From a handle back to the client that it belongs to.

use crate::rt::{self, Borrow, Handle};
use crate::{Buffer, Client, Device, LoadedExecutable};

/// The client that a handle belongs to, if it belongs to one.
pub(crate) fn client<H: Handle>(of: &H) -> Option<Client> {
    let owner = rt::client_of(of)?;
    let raw = owner.client()?.cast();
    // SAFETY: the owner keeps the client alive whose address it tells.
    Some(unsafe { Client::borrow(raw, owner) })
}

impl LoadedExecutable {
    /// The client that the program was loaded by.
    pub fn client(&self) -> Option<Client> {
        client(self)
    }
}

impl Buffer {
    /// The client that the array belongs to.
    pub fn client(&self) -> Option<Client> {
        client(self)
    }
}

impl Device {
    /// The client that drives the device.
    pub fn client(&self) -> Option<Client> {
        client(self)
    }
}
