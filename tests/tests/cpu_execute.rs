//! The real CPU plugin (PJRT 0.81): the ways to run a program.

use pjrt::{
    Argument, Buffer, Client, CompileOptions, Error, ErrorCode, ExecuteOptions, LoadedExecutable,
    Program,
};
use pjrt_tests::{cpu, plugin};
use std::sync::Arc;

/// Twice its argument, in the argument's own memory where that is donated.
const DOUBLE: &str = "module @double {
  func.func @main(%x: tensor<4xf32> {tf.aliasing_output = 0 : i32}) -> tensor<4xf32> {
    %0 = stablehlo.add %x, %x : tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}";

/// x - y of a matrix and a scalar of another type.
const MIXED: &str = "module @mixed {
  func.func @main(%x: tensor<2x3xf32>, %n: tensor<i32>) -> (tensor<2x3xf32>, tensor<i32>) {
    return %x, %n : tensor<2x3xf32>, tensor<i32>
  }
}";

/// The sum of what two replicas have.
const SUM: &str = "module @sum attributes {mhlo.num_replicas = 2 : i32} {
  func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    %0 = \"stablehlo.all_reduce\"(%x) ({
      ^bb0(%a: tensor<f32>, %b: tensor<f32>):
        %1 = stablehlo.add %a, %b : tensor<f32>
        stablehlo.return %1 : tensor<f32>
    }) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<2xf32>) -> tensor<2xf32>
    return %0 : tensor<2xf32>
  }
}";

const NONE: &str = "module @none {
  func.func @main() -> tensor<f32> {
    %0 = stablehlo.constant dense<7.0> : tensor<f32>
    return %0 : tensor<f32>
  }
}";

fn compile(client: &Client, code: &str) -> LoadedExecutable {
    client
        .compile(&Program::mlir(code), &CompileOptions::new())
        .unwrap()
}

fn four(client: &Client) -> Buffer {
    client
        .buffer_from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[4])
        .unwrap()
}

/// What a call must be refused for, before it reaches the plugin.
fn refused<T: std::fmt::Debug>(result: pjrt::Result<T>) -> String {
    match result {
        Err(error @ Error::InvalidArgument { .. }) => error.to_string(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn a_donated_buffer_gives_its_memory_and_a_borrowed_one_stays() {
    let Some(client) = cpu() else { return };
    let double = compile(&client, DOUBLE);
    let x = four(&client);
    let before = x.unsafe_pointer().ok();
    let options = ExecuteOptions::new();
    let borrowed = double.execute(vec![vec![(&x).into()]], &options).unwrap();
    assert!(!x.is_deleted().unwrap());
    assert_eq!(
        borrowed[0].outputs[0].to_vec::<f32>().unwrap(),
        [2.0, 4.0, 6.0, 8.0]
    );
    borrowed[0].done.wait().unwrap();
    let donated = double.execute(vec![vec![x.into()]], &options).unwrap();
    let y = &donated[0].outputs[0];
    assert_eq!(y.to_vec::<f32>().unwrap(), [2.0, 4.0, 6.0, 8.0]);
    assert!(before.is_some());
    assert_eq!(y.unsafe_pointer().ok(), before);
}

#[test]
fn arguments_that_do_not_fit_are_refused_with_what_was_expected() {
    let Some(client) = cpu() else { return };
    let mixed = compile(&client, MIXED);
    let x = client.buffer_from_slice(&[0.0f32; 6], &[2, 3]).unwrap();
    let n = client.buffer_from_slice(&[7i32], &[]).unwrap();
    assert_eq!(
        mixed.run(&[&x, &n]).unwrap()[1].to_vec::<i32>().unwrap(),
        [7]
    );
    // The plugin would run this: it compares bytes.
    let wrong = client.buffer_from_slice(&[7.0f32], &[]).unwrap();
    let error = refused(mixed.run(&[&x, &wrong]));
    assert!(
        error.contains("is s32[], and device 0 was given f32[]"),
        "{error}"
    );
    let turned = client.buffer_from_slice(&[0.0f32; 6], &[3, 2]).unwrap();
    let error = refused(mixed.run(&[&turned, &n]));
    assert!(
        error.contains("f32[2,3]") && error.contains("f32[3,2]"),
        "{error}"
    );
    let error = refused(mixed.run(&[&x]));
    assert!(
        error.contains("takes 2 arguments, and 1 were given"),
        "{error}"
    );
    let other = plugin("cpu")
        .unwrap()
        .create_client(&Default::default())
        .unwrap();
    let foreign = other.buffer_from_slice(&[7i32], &[]).unwrap();
    assert!(matches!(
        mixed.run(&[&x, &foreign]),
        Err(Error::ForeignHandle { .. })
    ));
}

#[test]
fn a_program_runs_on_two_devices_with_a_list_for_each() {
    let Some(client) = cpu() else { return };
    let options = CompileOptions::new().replicas(2);
    let sum = client.compile(&Program::mlir(SUM), &options).unwrap();
    let devices = sum.addressable_devices().unwrap();
    assert_eq!(devices.len(), 2);
    let on = |index: usize, data: [f32; 2]| {
        client
            .buffer_from_slice_on(&data, &[2], &devices[index])
            .unwrap()
    };
    let (a, b) = (on(0, [1.0, 2.0]), on(1, [10.0, 20.0]));
    let options = ExecuteOptions::new().launch_id(3);
    let runs = sum
        .execute(vec![vec![(&a).into()], vec![(&b).into()]], &options)
        .unwrap();
    assert_eq!(runs.len(), 2);
    for run in &runs {
        run.done.wait().unwrap();
        assert_eq!(run.outputs[0].to_vec::<f32>().unwrap(), [11.0, 22.0]);
    }
    // Each device by a call of its own.
    let (one, two) = std::thread::scope(|scope| {
        let go = |index: usize, x: &Buffer| {
            let options = ExecuteOptions::new();
            let run = sum.execute_on(&devices[index], vec![x.into()], &options);
            run.unwrap().outputs[0].to_vec::<f32>().unwrap()
        };
        let (a, b) = (&a, &b);
        let one = scope.spawn(move || go(0, a));
        let two = scope.spawn(move || go(1, b));
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_eq!((one, two), (vec![11.0, 22.0], vec![11.0, 22.0]));

    let error = refused(sum.run(&[&a]));
    assert!(
        error.contains("runs on 2 devices, and arguments for 1"),
        "{error}"
    );
    let mixed = sum.execute(vec![vec![(&a).into()], vec![b.into()]], &options);
    assert!(refused(mixed).contains("argument 0 is donated on some devices"));
    let uneven = sum.execute(vec![vec![(&a).into()], vec![]], &options);
    refused(uneven);
}

#[test]
fn every_option_of_version_0_81_reaches_a_run_and_later_ones_are_refused_by_name() {
    let Some(client) = cpu() else { return };
    let none = compile(&client, NONE);
    let context = Arc::new(plugin("cpu").unwrap().create_execute_context().unwrap());
    let options = ExecuteOptions::new()
        .launch_id(1)
        .context(context.clone())
        .call_location("tests/cpu_execute.rs:1")
        .task(0, 5)
        .task(1, 6);
    for _ in 0..100 {
        let run = none.execute(vec![vec![]], &options).unwrap();
        assert_eq!(run[0].outputs[0].to_vec::<f32>().unwrap(), [7.0]);
        run[0].done.wait().unwrap();
    }
    let name = |options: ExecuteOptions| match none.execute(vec![vec![]], &options) {
        Err(Error::TooNew { field, .. }) => field,
        other => panic!("expected a refusal, got {other:?}"),
    };
    let new = ExecuteOptions::new;
    assert_eq!(name(new().on_output(1, 1, |_| ())), "hlo_output_callbacks");
    assert_eq!(
        name(new().device_layout_in_callbacks()),
        "use_major_to_minor_data_layout_for_callbacks"
    );
    let zero = none.execute(vec![vec![]], &new().call_location("a\0b"));
    assert!(refused(zero).contains("call_location"));
    let twice = none.execute(vec![vec![]], &new().task(1, 1).task(1, 2));
    assert!(refused(twice).contains("1 is given twice"));
    // The options and their clones are the last to hold it once the runs are over.
    drop(options);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while Arc::strong_count(&context) > 1 {
        assert!(
            std::time::Instant::now() < deadline,
            "the context is still held"
        );
        std::thread::yield_now();
    }
}

#[test]
fn a_run_that_the_plugin_refuses_holds_nothing() {
    let Some(client) = cpu() else { return };
    let double = compile(&client, DOUBLE);
    let deleted = four(&client);
    deleted.delete().unwrap();
    let context = Arc::new(plugin("cpu").unwrap().create_execute_context().unwrap());
    let options = ExecuteOptions::new().context(context.clone());
    let refused = double.execute(vec![vec![Argument::Borrow(&deleted)]], &options);
    match refused {
        Err(Error::Plugin(error)) => assert_eq!(error.code, ErrorCode::INVALID_ARGUMENT),
        other => panic!("expected the plugin's error, got {other:?}"),
    }
    drop(options);
    assert_eq!(Arc::strong_count(&context), 1);
}

/// Sends its argument to the host and gives what comes from there.
const TALK: &str = "module @talk {
  func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    %0 = stablehlo.create_token : !stablehlo.token
    %1 = \"stablehlo.send\"(%x, %0) {channel_handle = #stablehlo.channel_handle<handle = 7, type = 2>, is_host_transfer = true} : (tensor<2xf32>, !stablehlo.token) -> !stablehlo.token
    %2:2 = \"stablehlo.recv\"(%1) {channel_handle = #stablehlo.channel_handle<handle = 8, type = 3>, is_host_transfer = true} : (!stablehlo.token) -> (tensor<2xf32>, !stablehlo.token)
    return %2#0 : tensor<2xf32>
  }
}";

#[test]
fn a_program_that_talks_to_the_host_is_refused_by_the_compiler() {
    let Some(client) = cpu() else { return };
    let compiled = client.compile(&Program::mlir(TALK), &CompileOptions::new());
    match compiled {
        Err(Error::Plugin(error)) => {
            assert_eq!(error.code, ErrorCode::UNIMPLEMENTED, "{error:?}");
            assert!(error.message.contains("`send`"), "{}", error.message);
        }
        other => panic!("expected the compiler's error, got {other:?}"),
    }
}
