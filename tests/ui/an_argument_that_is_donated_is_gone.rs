//! A buffer that a run is given by value is donated, and gone.

use pjrt::{Argument, Buffer, ExecuteOptions, LoadedExecutable};

fn donated(program: &LoadedExecutable, buffer: Buffer) {
    let arguments = vec![vec![Argument::Donate(buffer)]];
    let _ = LoadedExecutable::execute(program, arguments, &ExecuteOptions::new());
    let _ = buffer.dimensions();
}

fn borrowed_and_donated(program: &LoadedExecutable, buffer: Buffer) {
    let arguments = vec![vec![Argument::Borrow(&buffer), Argument::Donate(buffer)]];
    let _ = LoadedExecutable::execute(program, arguments, &ExecuteOptions::new());
}

fn main() {
    let _ = (donated, borrowed_and_donated);
}
