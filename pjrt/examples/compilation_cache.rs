//! Keeps a compiled program on disk: `cargo run --example compilation_cache --features cache`, twice.
//!
//! The first start compiles and keeps the program in the user's cache directory (or in the one that
//! `PJRT_CACHE_DIR` names), the next one loads it. Each also compiles without the cache and says how
//! long either takes.

use pjrt::cache::CompilationCache;
use pjrt::{CompileOptions, Plugin, Program};
use std::fmt::Write as _;
use std::time::Instant;

/// Layers of different sizes, so that none is compiled for another.
fn layers(count: usize) -> String {
    let mut body = String::new();
    for (layer, size) in (64..64 + count).enumerate() {
        let (next, after) = (layer + 1, size + 1);
        let _ = write!(
            body,
            "
    %w{layer} = stablehlo.constant dense<0.01> : tensor<{size}x{after}xf32>
    %y{layer} = stablehlo.dot_general %x{layer}, %w{layer}, contracting_dims = [1] x [0] : (tensor<8x{size}xf32>, tensor<{size}x{after}xf32>) -> tensor<8x{after}xf32>
    %z{layer} = stablehlo.exponential %y{layer} : tensor<8x{after}xf32>
    %x{next} = stablehlo.tanh %z{layer} : tensor<8x{after}xf32>"
        );
    }
    let last = 64 + count;
    format!(
        "module @layers {{
  func.func @main(%x0: tensor<8x64xf32>) -> tensor<8x{last}xf32> {{{body}
    return %x{count} : tensor<8x{last}xf32>
  }}
}}"
    )
}

pub(crate) fn main() -> pjrt::Result<()> {
    let client = Plugin::find("cpu")?.create_client(&Default::default())?;
    let code = layers(24);
    let (program, options) = (Program::mlir(code.as_str()), CompileOptions::new());

    // From the opening of the folder to the loaded program, the plugin's file looked at.
    let start = Instant::now();
    let cache = CompilationCache::builder().limit(1 << 30).open()?;
    let (executable, outcome) = cache.compile_with_outcome(&client, &program, &options)?;
    let cached = start.elapsed();
    println!("{}: {outcome}", cache.folder().display());

    let start = Instant::now();
    client.compile(&program, &options)?;
    let compiled = start.elapsed();
    println!(
        "with the cache {cached:.1?}, without {compiled:.1?}: {:.1} times as fast",
        compiled.as_secs_f64() / cached.as_secs_f64()
    );

    let x = client.buffer_from_slice(&[0.5f32; 8 * 64], &[8, 64])?;
    println!("{:?}", &executable.run(&[&x])?[0].to_vec::<f32>()?[..4]);
    Ok(())
}
