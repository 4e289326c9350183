//! Whoever lends a device an address vouches for what is there.

use std::ffi::c_void;

fn mapped(client: &pjrt::Client, address: *mut c_void) {
    client.dma_map(address, 4096).unwrap();
    client.dma_unmap(address).unwrap();
}

fn main() {
    let _ = mapped;
}
