//! `cargo xtask quickstart`: a program on the CPU plugin, from nothing.

use pjrt::{ClientOptions, CompileOptions, Plugin, Program};
use std::error::Error;
use std::time::{Duration, Instant};

const PROGRAM: &str = include_str!("../../pjrt/examples/dense_layer.mlir");
const X: [f32; 6] = [1.0, 2.0, 3.0, -1.0, 0.5, 2.0];
const W: [f32; 6] = [0.5, -1.0, 0.25, 2.0, -0.75, 1.0];
const BIAS: [f32; 2] = [0.5, -1.0];

/// Runs it; prints an error and gives `false` if something fails.
pub fn report() -> bool {
    let result = run();
    if let Err(error) = &result {
        eprintln!("error: {error}");
    }
    result.is_ok()
}

/// Installs the plugin if it is missing, compiles and runs a dense layer, and prints what came out
/// beside the same computed here.
fn run() -> Result<(), Box<dyn Error>> {
    let mut steps = Steps::default();
    let library = steps.time("install the CPU plugin", || {
        crate::plugin_cmd::installed("cpu")
    })?;
    let plugin = steps.time("load it", || Plugin::load(&library))?;
    let client = steps.time("create a client", || {
        plugin.create_client(&ClientOptions::new())
    })?;
    println!("plugin    {}", plugin.name());
    println!(
        "platform  {}, PJRT {}",
        client.platform_name()?,
        plugin.api_version()
    );
    println!("says      {:?}", plugin.attributes()?);
    println!("devices   {}", client.addressable_devices()?.len());

    let layer = steps.time("compile the program", || {
        client.compile(&Program::mlir(PROGRAM), &CompileOptions::new())
    })?;
    let (x, w) = steps.time("copy the inputs", || {
        Ok::<_, pjrt::Error>((
            client.buffer_from_slice(&X, &[2, 3])?,
            client.buffer_from_slice(&W, &[3, 2])?,
        ))
    })?;
    let found = steps.time("run it and copy the output", || {
        layer
            .run(&[&x, &w])?
            .first()
            .ok_or("no output")?
            .to_vec::<f32>()
            .map_err(Box::<dyn Error>::from)
    })?;
    let expected = dense_layer();
    println!("\nrelu(x * w + b)\n  on XLA   {found:?}\n  in Rust  {expected:?}\n");
    steps.print();
    if found == expected {
        Ok(())
    } else {
        Err("the plugin computed something else than Rust".into())
    }
}

/// The same layer in Rust.
fn dense_layer() -> Vec<f32> {
    let cell = |row: usize, unit: usize| {
        let product: f32 = (0..3).map(|k| X[row * 3 + k] * W[k * 2 + unit]).sum();
        (product + BIAS[unit]).max(0.0)
    };
    (0..4).map(|i| cell(i / 2, i % 2)).collect()
}

/// Times of the steps, in order.
#[derive(Default)]
struct Steps(Vec<(&'static str, Duration)>);

impl Steps {
    fn time<T, E>(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let start = Instant::now();
        let result = step();
        self.0.push((name, start.elapsed()));
        result
    }

    fn print(&self) {
        for (name, time) in &self.0 {
            println!("{:>10.3} ms  {name}", time.as_secs_f64() * 1e3);
        }
    }
}
