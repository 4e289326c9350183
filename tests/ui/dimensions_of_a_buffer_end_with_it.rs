//! The dimensions that a buffer lends cannot be read when it is gone.

fn rank(buffer: pjrt::Buffer) -> usize {
    let dims = buffer.dimensions().unwrap();
    drop(buffer);
    dims.len()
}

fn main() {
    let _ = rank;
}
