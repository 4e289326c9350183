//! The real CPU plugin (PJRT 0.81): of each type, as many objects are destroyed as were made.

use pjrt::{
    Argument, Buffer, BufferSpec, Client, ClientOptions, CompileOptions, ElementType, ErrorCode,
    ExecuteOptions, HostArray, HostVec, LoadedExecutable, Memory, Plugin, Program,
};
use pjrt_tests::books::{Books, counted};
use pjrt_tests::child;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// How long another process may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Two outputs; the first argument may be donated.
const TWO: &str = "module @two {
  func.func @main(%x: tensor<4xf32> {tf.aliasing_output = 0 : i32}, %y: tensor<4xf32>)
      -> (tensor<4xf32>, tensor<4xf32>) {
    %0 = stablehlo.add %x, %y : tensor<4xf32>
    %1 = stablehlo.multiply %x, %y : tensor<4xf32>
    return %0, %1 : tensor<4xf32>, tensor<4xf32>
  }
}";

/// The sum of what two replicas have.
const SUM: &str = "module @sum attributes {mhlo.num_replicas = 2 : i32} {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = \"stablehlo.all_reduce\"(%x) ({
      ^bb0(%a: tensor<f32>, %b: tensor<f32>):
        %1 = stablehlo.add %a, %b : tensor<f32>
        stablehlo.return %1 : tensor<f32>
    }) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}";

/// The CPU plugin with books of its own.
fn cpu() -> Option<(Plugin, Arc<Books>)> {
    // The plugin is there, or fetched now.
    pjrt_tests::plugin("cpu")?;
    let library = pjrt::install::Installer::new().path_of("cpu")?;
    Some(counted("cpu", &library))
}

fn client(plugin: &Plugin) -> Client {
    let options = ClientOptions::cpu().device_count(2);
    plugin.create_client(&options).unwrap()
}

fn four(client: &Client) -> Buffer {
    client.buffer_from_slice(&[3.0f32; 4], &[4]).unwrap()
}

fn memory(client: &Client) -> Memory {
    client.addressable_devices().unwrap()[0]
        .default_memory()
        .unwrap()
}

fn compile(client: &Client, code: &str) -> LoadedExecutable {
    let options = CompileOptions::new();
    client.compile(&Program::mlir(code), &options).unwrap()
}

/// Whatever comes back is dropped; an error has this code.
fn fails<T>(code: ErrorCode, result: pjrt::Result<T>) {
    match result {
        Ok(_) => panic!("{code:?} was expected"),
        Err(error) => assert_eq!(error.code(), code, "{error}"),
    }
}

#[test]
fn clients_devices_and_topologies_go() {
    let Some((plugin, books)) = cpu() else { return };
    let client = client(&plugin);
    let devices = client.devices().unwrap();
    fails(ErrorCode::UNIMPLEMENTED, devices[0].memory_stats());
    fails(ErrorCode::UNIMPLEMENTED, plugin.create_topology("cpu", &[]));
    let topology = client.topology_description().unwrap();
    let bytes = topology.serialize().unwrap();
    fails(ErrorCode::NOT_FOUND, plugin.deserialize_topology(&bytes));
    let options = CompileOptions::new();
    let compiled = topology.compile(&Program::mlir(TWO), &options, Some(&client));
    fails(ErrorCode::NOT_FOUND, compiled);
    let copies = (client.clone(), devices.clone(), topology.clone());
    drop((bytes, topology, devices, client));
    assert_eq!(books.accounts()["PJRT_Client"].left(), 1);
    drop(copies);
    books.settle(&[]).unwrap();
    let accounts = books.accounts();
    assert_eq!(accounts["PJRT_Client"].made, 1);
    assert_eq!(accounts["PJRT_Error"].made, 4);
    assert_eq!(accounts["PJRT_SerializedTopology"].made, 1);
}

#[test]
fn buffers_of_all_kinds_go() {
    let Some((plugin, books)) = cpu() else { return };
    let client = client(&plugin);
    let devices = client.addressable_devices().unwrap();
    let plain = four(&client);
    let given = HostVec::from_slice(&[1.0f32; 4]).unwrap();
    let lent = Arc::new(given);
    let lent = client.buffer_from_lent(&lent, &HostArray::new(&[4]));
    let lent = lent.unwrap();
    let placed = HostArray::new(&[2, 2]).on(&devices[1]);
    drop(client.buffer_from_array(&[1.0f32; 4], &placed).unwrap());
    drop(plain.copy_to_device(&devices[1]).unwrap());
    drop(plain.copy_to_memory(&memory(&client)).unwrap());
    assert_eq!(lent.to_vec::<f32>().unwrap(), [1.0; 4]);
    let layouts: pjrt::layouts::Layouts = plugin.extension().unwrap();
    drop(layouts.buffer_layout(&plain).unwrap());
    // Copies that nobody waits for, and one that is refused.
    for _ in 0..10 {
        drop(plain.copy_raw_to_host(0, 16).unwrap());
        drop(plain.copy_raw_to_host(4, 8).unwrap().into_future());
    }
    assert!(plain.copy_raw_to_host(4, 16).is_err());
    assert!(client.buffer_from_slice(&[1.0f32; 4], &[5]).is_err());
    plain.delete().unwrap();
    fails(ErrorCode::INVALID_ARGUMENT, plain.unsafe_pointer());
    drop((plain, lent, devices, client));
    books.settle(&[]).unwrap();
    let accounts = books.accounts();
    assert_eq!(accounts["PJRT_Buffer"].made, 5);
    assert_eq!(accounts["PJRT_Layouts_MemoryLayout"].made, 1);
    assert!(accounts["PJRT_Event"].made >= 20);
    assert!(accounts["PJRT_Error"].made >= 1);
}

#[test]
fn events_and_their_errors_go_however_they_are_asked() {
    let Some((plugin, books)) = cpu() else { return };
    let client = client(&plugin);
    let spec = BufferSpec {
        element_type: ElementType::F32,
        dims: &[2],
        layout: None,
    };
    let mut manager = client
        .create_buffers_for_async_transfer(&[spec, spec, spec], &memory(&client))
        .unwrap();
    let broken = manager.retrieve_buffer(0).unwrap();
    let event = broken.ready_event().unwrap();
    let (sender, receiver) = channel();
    event
        .on_ready(move |outcome| sender.send(outcome.is_err()).unwrap())
        .unwrap();
    // One that is given up before its time, and one that nobody asks.
    drop(broken.ready_event().unwrap().into_future());
    drop(broken.ready_event().unwrap());
    manager
        .set_buffer_error(0, ErrorCode::DATA_LOSS, "gone")
        .unwrap();
    assert!(receiver.recv().unwrap());
    for _ in 0..2 {
        fails(ErrorCode::DATA_LOSS, event.wait());
        fails(ErrorCode::DATA_LOSS, event.error());
    }
    fails(ErrorCode::DATA_LOSS, broken.to_vec::<f32>());
    drop(manager.transfer_data(1, vec![0; 8], 0, true).unwrap());
    // The third is never retrieved nor sent.
    drop((manager, event, broken, client));
    books.settle(&[]).unwrap();
    let accounts = books.accounts();
    assert_eq!(accounts["PJRT_AsyncHostToDeviceTransferManager"].made, 1);
    assert!(accounts["PJRT_Event"].made >= 4);
    assert!(accounts["PJRT_Error"].made >= 4);
}

#[test]
fn programs_runs_and_what_comes_of_them_go() {
    let Some((plugin, books)) = cpu() else { return };
    let client = client(&plugin);
    let two = compile(&client, TWO);
    let (x, y) = (four(&client), four(&client));
    let lists = || vec![vec![Argument::Borrow(&x), Argument::Borrow(&y)]];
    let options = ExecuteOptions::new();
    for _ in 0..3 {
        assert_eq!(
            two.run(&[&x, &y]).unwrap()[1].to_vec::<f32>().unwrap(),
            [9.0; 4]
        );
        // Runs whose outputs nobody looks at, or waits for.
        drop(two.execute(lists(), &options).unwrap());
        let runs = two.execute(lists(), &options).unwrap();
        drop(
            runs.into_iter()
                .map(IntoFuture::into_future)
                .collect::<Vec<_>>(),
        );
    }
    // A donated argument, refused ones, and one that the plugin refuses.
    let donated = vec![vec![Argument::Donate(four(&client)), Argument::Borrow(&y)]];
    drop(two.execute(donated, &options).unwrap());
    assert!(two.run(&[&x]).is_err());
    let gone = four(&client);
    gone.delete().unwrap();
    let context = Arc::new(plugin.create_execute_context().unwrap());
    let with = ExecuteOptions::new().context(context);
    fails(
        ErrorCode::INVALID_ARGUMENT,
        two.execute(vec![vec![Argument::Borrow(&gone), (&y).into()]], &with),
    );
    // Two devices.
    let options_of_two = CompileOptions::new().replicas(2);
    let sum = client.compile(&Program::mlir(SUM), &options_of_two);
    let sum = sum.unwrap();
    let devices = client.addressable_devices().unwrap();
    let far = x.copy_to_device(&devices[1]).unwrap();
    let lists = vec![vec![Argument::Borrow(&x)], vec![Argument::Borrow(&far)]];
    for run in sum.execute(lists, &options).unwrap() {
        assert_eq!(run.outputs[0].to_vec::<f32>().unwrap(), [6.0; 4]);
    }
    // Programs that do not compile, and programs as bytes.
    let nonsense = Program::mlir("nonsense");
    assert!(client.compile(&nonsense, &CompileOptions::new()).is_err());
    let executable = two.executable().unwrap();
    let bytes = executable.serialize().unwrap();
    // SAFETY: this plugin wrote the bytes a moment ago.
    drop(unsafe { client.deserialize_and_load(&bytes, None, None) }.unwrap());
    drop(executable.optimized_program().unwrap());
    drop((bytes, executable, two, sum, with, devices, client));
    drop((x, y, far, gone));
    books.settle(&[]).unwrap();
    let accounts = books.accounts();
    assert_eq!(accounts["PJRT_LoadedExecutable"].made, 3);
    assert_eq!(accounts["PJRT_ExecuteContext"].made, 1);
    assert_eq!(accounts["PJRT_SerializedExecutable"].made, 1);
    // Outputs of ten runs of one program and of two devices of another; five arguments.
    assert_eq!(accounts["PJRT_Buffer"].made, 20 + 2 + 5);
}

#[test]
fn what_is_forgotten_is_told() {
    let Some((plugin, books)) = cpu() else { return };
    books.settle(&[]).unwrap();
    let client = client(&plugin);
    let buffer = four(&client);
    buffer.ready_event().unwrap().wait().unwrap();
    drop(client);
    std::mem::forget(buffer);
    // A buffer keeps its client.
    books
        .settle(&[("PJRT_Buffer", 1), ("PJRT_Client", 1)])
        .unwrap();
    let complaint = books.check(&[]).unwrap_err();
    assert!(
        complaint.contains("PJRT_Buffer: 1 made, 0 destroyed"),
        "{complaint}"
    );
}

#[test]
#[ignore = "run by another test, as a process"]
fn tidy() {
    let Some(client) = pjrt_tests::cpu() else {
        return;
    };
    drop(four(&client));
}

#[test]
#[ignore = "run by another test, as a process"]
fn forgetful() {
    let Some(client) = pjrt_tests::cpu() else {
        return;
    };
    std::mem::forget(four(&client));
}

#[test]
fn a_process_that_leaves_objects_fails_where_they_are_counted() {
    if !pjrt_tests::wanted("cpu") {
        return;
    }
    let ends = |test: &str| {
        let mut command = child::again(test);
        command.env("PJRT_COUNT_OBJECTS", "1");
        command.env_remove("PJRT_RECORD_CALLS");
        let (status, said) = child::ended(&mut command, LIMIT);
        (status.and_then(|status| status.code()), said)
    };
    let (code, said) = ends("tidy");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("objects of the plugin were destroyed"),
        "{said}"
    );
    let (code, said) = ends("forgetful");
    assert_eq!(code, Some(101), "{said}");
    assert!(said.contains("PJRT_Buffer: 1 made, 0 destroyed"), "{said}");
}
