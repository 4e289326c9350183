//! Whoever lends a device an address vouches for what is there.

fn queued(streams: &pjrt::stream::Stream, address: isize, buffer: &pjrt::Buffer) {
    streams.wait_until_buffer_ready(address, buffer).unwrap();
}

fn main() {
    let _ = queued;
}
