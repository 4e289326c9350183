//! Bytes that come with the function that frees them are gone with their holder.

fn text(layout: &pjrt::layouts::MemoryLayout) -> &[u8] {
    &layout.serialize().unwrap()
}

fn main() {
    let _ = text;
}
