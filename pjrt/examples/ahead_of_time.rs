//! Compiles for a TPU v5e on a machine that has none: `cargo run --example ahead_of_time`.
//!
//! libtpu must be installed: `cargo xtask plugin install tpu`. Without it the example says so.

use pjrt::{CompileOptions, Error, Plugin, Program};

pub(crate) fn main() -> pjrt::Result<()> {
    let plugin = match Plugin::find("tpu") {
        Ok(plugin) => plugin,
        Err(error @ Error::Find(_)) => {
            println!("skipped: libtpu is not installed; `cargo xtask plugin install tpu` does it");
            println!("{error}");
            return Ok(());
        }
        Err(error) => return Err(error),
    };

    // A topology stands for devices that are elsewhere: here one host with four chips.
    let topology = plugin.create_topology("v5e:2x2", &[])?;
    println!(
        "{}, {} devices",
        topology.platform_version()?.lines().next().unwrap_or(""),
        topology.device_descriptions()?.len()
    );

    let program = Program::mlir(include_str!("dense_layer.mlir"));
    let executable = topology.compile(&program, &CompileOptions::new(), None)?;
    println!(
        "{}: {} bytes of code, output {} of {:?}",
        executable.name()?,
        executable.generated_code_size()?,
        executable.output_element_types()?[0],
        executable.output_dimensions()?[0]
    );

    // These bytes go to the host with the TPU, which loads them.
    let bytes = executable.serialize()?;
    println!("serialised: {} bytes", bytes.len());
    Ok(())
}
