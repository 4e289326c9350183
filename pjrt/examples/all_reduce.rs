//! Replicas that add up what each of them has: `cargo run --example all_reduce`.
//!
//! The CPU plugin must be installed: `cargo xtask plugin install cpu`. It shows as many devices as
//! it is told to.

use pjrt::{ClientOptions, CompileOptions, ExecuteOptions, Plugin, Program};

const DEVICES: u32 = 4;

/// The sum over all replicas, divided by their number.
const MEAN: &str = r#"
module @mean attributes {mhlo.num_replicas = 4 : i32} {
  func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
    %sum = "stablehlo.all_reduce"(%x) ({
      ^bb0(%a: tensor<f32>, %b: tensor<f32>):
        %c = stablehlo.add %a, %b : tensor<f32>
        stablehlo.return %c : tensor<f32>
    }) {replica_groups = dense<[[0, 1, 2, 3]]> : tensor<1x4xi64>} : (tensor<3xf32>) -> tensor<3xf32>
    %four = stablehlo.constant dense<4.0> : tensor<3xf32>
    %mean = stablehlo.divide %sum, %four : tensor<3xf32>
    return %mean : tensor<3xf32>
  }
}"#;

pub(crate) fn main() -> pjrt::Result<()> {
    let options = ClientOptions::cpu().device_count(i64::from(DEVICES));
    let client = Plugin::find("cpu")?.create_client(&options)?;
    let options = CompileOptions::new().replicas(DEVICES);
    let mean = client.compile(&Program::mlir(MEAN), &options)?;

    // One list of arguments for each device that the program runs on, in the program's order.
    let mut arguments = Vec::new();
    for (device, place) in mean.addressable_devices()?.iter().zip(0u8..) {
        let mine = [1.0f32, 10.0, 100.0].map(|x| x * f32::from(place));
        let buffer = client.buffer_from_slice_on(&mine, &[3], device)?;
        println!("device {} has {mine:?}", device.description()?.id()?);
        arguments.push(vec![buffer.into()]);
    }

    for run in mean.execute(arguments, &ExecuteOptions::new())? {
        let output = &run.outputs[0];
        println!(
            "device {} got {:?}",
            output.device()?.description()?.id()?,
            output.to_vec::<f32>()?
        );
    }
    Ok(())
}
