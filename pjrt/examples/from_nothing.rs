//! Installs the CPU plugin where it is missing, and adds a vector to itself on it:
//! `cargo run --example from_nothing --features install`.
//!
//! The first start fetches the plugin's Python package with pip.

use pjrt::install::Installer;
use pjrt::{ClientOptions, CompileOptions, Plugin, Program};

const PROGRAM: &str = "
    func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
      %sum = stablehlo.add %x, %x : tensor<3xf32>
      return %sum : tensor<3xf32>
    }";

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let installed = Installer::new().install("cpu")?;
    let plugin = Plugin::load(&installed.library)?;
    let client = plugin.create_client(&ClientOptions::new())?;

    let twice = client.compile(&Program::mlir(PROGRAM), &CompileOptions::new())?;
    let x = client.buffer_from_slice(&[1.0f32, 2.0, 3.0], &[3])?;
    for output in twice.run(&[&x])? {
        println!("{:?}", output.to_vec::<f32>()?);
    }
    Ok(())
}
