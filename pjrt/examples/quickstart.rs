//! Compiles a dense layer and runs it on the CPU: `cargo run --example quickstart`.
//!
//! The CPU plugin must be installed: `cargo xtask plugin install cpu`.

use pjrt::{ClientOptions, CompileOptions, Plugin, Program};

pub(crate) fn main() -> pjrt::Result<()> {
    let plugin = Plugin::find("cpu")?;
    let client = plugin.create_client(&ClientOptions::new())?;
    println!(
        "{} with PJRT {} on {}",
        plugin.name(),
        plugin.api_version(),
        client.platform_name()?
    );

    // relu(x * w + b): the bias is part of the program, x and w are its inputs.
    let program = Program::mlir(include_str!("dense_layer.mlir"));
    let layer = client.compile(&program, &CompileOptions::new())?;

    let x = client.buffer_from_slice(&[1.0f32, 2.0, 3.0, -1.0, 0.5, 2.0], &[2, 3])?;
    let w = client.buffer_from_slice(&[0.5f32, -1.0, 0.25, 2.0, -0.75, 1.0], &[3, 2])?;
    let outputs = layer.run(&[&x, &w])?;

    println!(
        "{:?} {:?}",
        outputs[0].dimensions()?,
        outputs[0].to_vec::<f32>()?
    );
    Ok(())
}
