//! Named values, and the texts in them, belong to the description.

fn version(device: &pjrt::Device) -> Option<&str> {
    let description = device.description().unwrap();
    description.attributes().unwrap().get("version")?.as_str()
}

fn main() {
    let _ = version;
}
