//! Two processes that share work and meet through a folder: `cargo run --example two_processes`.
//!
//! The CPU plugin must be installed: `cargo xtask plugin install cpu`. The program starts itself
//! twice. Each process adds up its half of the numbers on its device, tells the other, and waits for
//! what the other says.
//!
//! The store is given to the client too: plugins that know of other processes, as that for CUDA with
//! its options `num_nodes` and `node_id`, exchange through it what they need to be one set of
//! devices. The CPU plugin knows of one process only.

use pjrt::{ClientOptions, CompileOptions, DirectoryStore, KeyValueStore, Plugin, Program};
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Tells a process which of the two it is, and where the folder is.
const NODE: &str = "TWO_PROCESSES_NODE";
const FOLDER: &str = "TWO_PROCESSES_FOLDER";

const SUM: &str = r#"
func.func @main(%x: tensor<50xf32>) -> tensor<f32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %sum = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [0]
    : (tensor<50xf32>, tensor<f32>) -> tensor<f32>
  return %sum : tensor<f32>
}"#;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    match (std::env::var(NODE), std::env::var_os(FOLDER)) {
        (Ok(node), Some(folder)) => work(node.parse()?, folder.into()),
        _ => start(),
    }
}

/// Starts both processes and waits for them.
fn start() -> Result<(), Box<dyn Error>> {
    // Values stay in a folder, so each run has a new one.
    let folder = std::env::temp_dir().join(format!("two-processes-{}", std::process::id()));
    let mut processes = Vec::new();
    for node in ["0", "1"] {
        let process = Command::new(std::env::current_exe()?)
            .args(std::env::args_os().skip(1))
            .env(NODE, node)
            .env(FOLDER, &folder)
            .spawn()?;
        processes.push(process);
    }
    let mut ended = Vec::new();
    for process in &mut processes {
        ended.push(process.wait()?.success());
    }
    std::fs::remove_dir_all(&folder)?;
    if ended == [true, true] {
        Ok(())
    } else {
        Err("a process has failed".into())
    }
}

/// What each of them does.
fn work(node: u8, folder: PathBuf) -> Result<(), Box<dyn Error>> {
    let store = Arc::new(DirectoryStore::new(folder)?);
    let options = ClientOptions::new().key_value_store(store.clone());
    let client = Plugin::find("cpu")?.create_client(&options)?;

    let first = f32::from(node) * 50.0;
    let mine: Vec<f32> = (1..=50u8).map(|i| first + f32::from(i)).collect();
    let sum = client.compile(&Program::mlir(SUM), &CompileOptions::new())?;
    let sum = sum.run(&[&client.buffer_from_slice(&mine, &[50])?])?;
    let sum = sum[0].to_vec::<f32>()?[0];

    let key = |node: u8| format!("two_processes/sum/{node}");
    store.put(key(node).as_bytes(), &sum.to_le_bytes())?;
    let other = store.get(key(1 - node).as_bytes(), Duration::from_secs(60))?;
    let other = other.ok_or("the other process has said nothing for a minute")?;
    let other = f32::from_le_bytes(other.as_slice().try_into()?);
    println!("process {node}: {sum} here, {} in all", sum + other);
    assert_eq!(sum + other, 5050.0);
    Ok(())
}
