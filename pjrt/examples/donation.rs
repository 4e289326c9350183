//! A program that updates an array in place: `cargo run --example donation`.
//!
//! The CPU plugin must be installed: `cargo xtask plugin install cpu`.

use pjrt::{ClientOptions, CompileOptions, ExecuteOptions, Plugin, Program};

/// One step of gradient descent. `tf.aliasing_output` says that output 0 may take the memory of the
/// first parameter, the weights.
const STEP: &str = r"
module @step {
  func.func @main(%w: tensor<4xf32> {tf.aliasing_output = 0 : i32}, %gradient: tensor<4xf32>) -> tensor<4xf32> {
    %rate = stablehlo.constant dense<0.5> : tensor<4xf32>
    %change = stablehlo.multiply %rate, %gradient : tensor<4xf32>
    %new = stablehlo.subtract %w, %change : tensor<4xf32>
    return %new : tensor<4xf32>
  }
}";

pub(crate) fn main() -> pjrt::Result<()> {
    let client = Plugin::find("cpu")?.create_client(&ClientOptions::new())?;
    let step = client.compile(&Program::mlir(STEP), &CompileOptions::new())?;
    let gradient = client.buffer_from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[4])?;
    let mut weights = client.buffer_from_slice(&[10.0f32; 4], &[4])?;

    // A borrowed buffer is never touched, whatever the program allows: the output gets memory of
    // its own.
    let tried = step.run(&[&weights, &gradient])?;
    println!("borrowed  {:?}", tried[0].to_vec::<f32>()?);
    println!("before    {:?}", weights.to_vec::<f32>()?);

    // A buffer that is given by value is donated. Rust sees to it that nobody uses it any more.
    for _ in 0..3 {
        let before = weights.unsafe_pointer()?;
        let arguments = vec![weights.into(), (&gradient).into()];
        let mut runs = step.execute(vec![arguments], &ExecuteOptions::new())?;
        weights = runs.remove(0).outputs.remove(0);
        println!(
            "donated   {:?}, in place: {}",
            weights.to_vec::<f32>()?,
            weights.unsafe_pointer()? == before
        );
    }
    Ok(())
}
