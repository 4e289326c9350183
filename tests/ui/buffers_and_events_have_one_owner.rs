//! Neither a buffer nor an event can be cloned; a device can.

fn cloned<T: Clone>(value: &T) -> T {
    value.clone()
}

fn all(device: &pjrt::Device, buffer: &pjrt::Buffer, event: &pjrt::Event) {
    cloned(device);
    cloned(buffer);
    cloned(event);
}

fn main() {
    let _ = all;
}
