//! The same on the real CPU plugin, which calls back at once where it can.

use super::LONG;
use super::executors::run;
use ::futures::executor::LocalPool;
use pjrt::{CompileOptions, ErrorCode, Events, ExecuteOptions, Program};
use pjrt_tests::cpu;
use std::sync::mpsc::channel;

const DOUBLE: &str = "func.func @main(%x: tensor<1024xf32>) -> tensor<1024xf32> {
    %0 = stablehlo.add %x, %x : tensor<1024xf32>
    return %0 : tensor<1024xf32>
}";

#[test]
fn copies_and_runs_can_be_awaited() {
    let Some(client) = cpu() else { return };
    let program = Program::mlir(DOUBLE);
    let double = client.compile(&program, &CompileOptions::new()).unwrap();
    let x = client.buffer_from_slice(&[1.5f32; 1024], &[1024]).unwrap();
    let work = || async {
        let started = double.execute(vec![vec![(&x).into()]], &ExecuteOptions::new())?;
        let mut bytes = Vec::new();
        for run in started {
            let outputs = run.await?;
            bytes = outputs[0].copy_raw_to_host(0, 4096)?.await?;
        }
        Ok::<_, pjrt::Error>(bytes)
    };
    let expected = 3.0f32.to_ne_bytes().repeat(1024);
    for _ in 0..20 {
        assert_eq!(run(work()).unwrap(), expected);
        assert_eq!(pollster::block_on(work()).unwrap(), expected);
        assert_eq!(LocalPool::new().run_until(work()).unwrap(), expected);
    }
    // Given up at any time.
    for _ in 0..20 {
        drop(double.execute(vec![vec![(&x).into()]], &ExecuteOptions::new()));
        drop(x.copy_raw_to_host(0, 4096).unwrap().into_future());
    }
}

#[test]
fn waits_with_a_limit_and_joined_events_end() {
    let Some(client) = cpu() else { return };
    let arrays: Vec<_> = (0..8)
        .map(|_| client.buffer_from_slice(&[1.0f32; 16], &[16]).unwrap())
        .collect();
    let join = || -> pjrt::Result<Events> { arrays.iter().map(|a| a.ready_event()).collect() };
    assert!(join().unwrap().wait_timeout(LONG).unwrap());
    join().unwrap().wait().unwrap();
    run(join().unwrap().into_future()).unwrap();
    assert!(join().unwrap().into_vec()[0].wait_timeout(LONG).unwrap());
}

#[test]
fn callbacks_run_once_whether_the_event_has_happened_or_not() {
    let Some(client) = cpu() else { return };
    let program = Program::mlir(DOUBLE);
    let double = client.compile(&program, &CompileOptions::new()).unwrap();
    let x = client.buffer_from_slice(&[1.5f32; 1024], &[1024]).unwrap();
    for _ in 0..50 {
        let (sender, told) = channel();
        let mut runs = double
            .execute(vec![vec![(&x).into()]], &ExecuteOptions::new())
            .unwrap();
        let done = runs.pop().unwrap().done;
        let early = sender.clone();
        done.on_ready(move |outcome| early.send(outcome).unwrap())
            .unwrap();
        done.wait().unwrap();
        // It has happened: the callback runs before this returns.
        done.on_ready(move |outcome| sender.send(outcome).unwrap())
            .unwrap();
        drop(done);
        told.recv_timeout(LONG).unwrap().unwrap();
        told.recv_timeout(LONG).unwrap().unwrap();
        // Both callbacks are gone, and with them their senders.
        assert!(told.recv_timeout(LONG).is_err());
    }
}

#[test]
fn async_tracking_events_are_made_or_refused() {
    let Some(client) = cpu() else { return };
    let device = client.devices().unwrap().remove(0);
    match device.create_async_tracking_event("work") {
        Ok(event) => drop(event),
        Err(error) => assert_eq!(error.code(), ErrorCode::UNIMPLEMENTED, "{error}"),
    }
}
