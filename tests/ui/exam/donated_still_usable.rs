//! A buffer is donated by whoever has it, not by whoever sees it.

use pjrt::{Argument, Buffer, ExecuteOptions, LoadedExecutable};

fn donated(program: &LoadedExecutable, buffer: Buffer) {
    let arguments = vec![vec![Argument::Donate(&buffer)]];
    let _ = program.execute(arguments, &ExecuteOptions::new());
    let _ = buffer.dimensions();
}

fn main() {
    let _ = donated;
}
