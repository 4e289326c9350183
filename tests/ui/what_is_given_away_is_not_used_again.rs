//! A donated buffer and a deleted program are gone.

use pjrt::{Buffer, LoadedExecutable};

fn donated(buffer: Buffer) {
    let _ = Buffer::donate_with_control_dependency(buffer);
    let _ = buffer.dimensions();
}

fn deleted(executable: LoadedExecutable) {
    let _ = LoadedExecutable::delete(executable);
    let _ = executable.executable();
}

fn main() {
    let _ = (donated, deleted);
}
