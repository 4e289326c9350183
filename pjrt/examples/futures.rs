//! Waiting without a thread for it: `cargo run --example futures`.
//!
//! The CPU plugin must be installed: `cargo xtask plugin install cpu`. Events are futures that any
//! executor polls; this example brings the smallest one there is.

use pjrt::{
    Client, ClientOptions, CompileOptions, ExecuteOptions, LoadedExecutable, Plugin, Program,
};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

pub(crate) fn main() -> pjrt::Result<()> {
    let client = Plugin::find("cpu")?.create_client(&ClientOptions::new())?;
    let program = Program::mlir(include_str!("dense_layer.mlir"));
    let layer = client.compile(&program, &CompileOptions::new())?;
    let output = block_on(run(&client, &layer))?;
    println!("{output:?}");
    Ok(())
}

/// Uploads, runs and reads, and gives way wherever the plugin is at work.
async fn run(client: &Client, layer: &LoadedExecutable) -> pjrt::Result<Vec<f32>> {
    let x = client.buffer_from_slice(&[1.0f32, 2.0, 3.0, -1.0, 0.5, 2.0], &[2, 3])?;
    let w = client.buffer_from_slice(&[0.5f32, -1.0, 0.25, 2.0, -0.75, 1.0], &[3, 2])?;
    x.ready_event()?.await?;
    w.ready_event()?.await?;

    let arguments = vec![vec![(&x).into(), (&w).into()]];
    let mut runs = layer.execute(arguments, &ExecuteOptions::new())?;
    let run = runs.remove(0);
    // If the program fails, this is the error.
    run.done.await?;
    run.outputs[0].to_vec()
}

/// Runs a future on this thread, which sleeps until it is woken.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        std::thread::park();
    }
}
