//! JAX as an oracle: programs that JAX lowers to StableHLO give here what they give there.
//!
//! `jax_oracle/programs.py` has the programs. JAX runs them on its own CPU backend, this on the CPU
//! plugin, and the outputs are compared: whole numbers, truth values and numbers of a byte exactly,
//! the others as [`arrays::tolerance`] says.

#[path = "jax_oracle/arrays.rs"]
mod arrays;
#[path = "jax_oracle/environment.rs"]
mod environment;
#[path = "jax_oracle/export.rs"]
mod export;

use export::{Export, exported};
use pjrt::{Buffer, Client, CompileOptions, Program};
use pjrt_tests::cpu;

/// Runs a program on the plugin, as text or as bytecode, and compares every output with JAX's.
fn compare(client: &Client, export: &Export, name: &str, code: &Program<'_>) {
    let expected = export.program(name);
    let executable = client
        .compile(code, &CompileOptions::new())
        .unwrap_or_else(|error| panic!("{name} does not compile: {error}"));
    let inputs: Vec<Buffer> = expected.inputs.iter().map(|x| x.upload(client)).collect();
    let inputs: Vec<&Buffer> = inputs.iter().collect();
    let outputs = executable
        .run(&inputs)
        .unwrap_or_else(|error| panic!("{name} does not run: {error}"));
    assert_eq!(outputs.len(), expected.outputs.len(), "outputs of {name}");
    for (place, (output, expected)) in outputs.iter().zip(&expected.outputs).enumerate() {
        if let Err(difference) = expected.against(output) {
            panic!("output {place} of {name}, {expected}: {difference}");
        }
    }
}

macro_rules! programs {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        mod as_in_jax {
            $(#[test]
            fn $name() {
                super::run(stringify!($name));
            })*
        }
    };
}

programs! {
    mlp mlp_gradient convolution scan bf16 f16 f64 complex_64 complex_128 integers widths booleans
    random_bits gather_and_scatter branches narrow_floats
}

fn run(name: &str) {
    let (Some(client), Some(export)) = (cpu(), exported()) else {
        return;
    };
    let bytecode = export.bytecode(name);
    compare(&client, export, name, &Program::mlir(bytecode));
    let text = export.text(name);
    compare(&client, export, name, &Program::mlir(text));
}

#[test]
fn every_program_of_the_script_is_compared() {
    let Some(export) = exported() else { return };
    assert_eq!(export.names(), NAMES);
    println!("JAX {}, StableHLO {}", export.jax, export.stablehlo);
}
