//! Sockets: part of the board, so that nobody frees them.

use crate::driver::lock;
use crate::server::facts::sys;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// What a handle of a socket points to.
pub(crate) struct Port {
    pub(crate) label: String,
}

/// The sockets around one device.
struct Around([*mut sys::Acme_Port; 2]);

// SAFETY: the sockets that these point to never change, and are never freed.
unsafe impl Send for Around {}
// SAFETY: as above.
unsafe impl Sync for Around {}

/// The sockets of a board, by device.
pub(crate) struct Sockets(Mutex<BTreeMap<i32, &'static Around>>);

impl Sockets {
    pub(crate) const fn new() -> Sockets {
        Sockets(Mutex::new(BTreeMap::new()))
    }

    /// The sockets around a device, in an array that is as old as the board.
    pub(crate) fn around(&self, device: i32) -> &'static [*mut sys::Acme_Port] {
        let make = || {
            let port = |side: &str| {
                let label = format!("{side} of {device}");
                Box::into_raw(Box::new(Port { label })).cast()
            };
            &*Box::leak(Box::new(Around(["left", "right"].map(port))))
        };
        &lock(&self.0).entry(device).or_insert_with(make).0
    }
}
