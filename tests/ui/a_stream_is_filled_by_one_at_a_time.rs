//! What the plugin does not lock takes the stream alone.

fn fill(stream: &pjrt::CopyToDeviceStream) {
    let _ = stream.add_chunk(vec![0]);
}

fn main() {
    let _ = fill;
}
