//! The real CPU plugin (PJRT 0.81): what is known of programs, the ways to get them and rid of
//! them, topologies, and what the plugin refuses.

use pjrt::{
    Client, CompileOptions, ElementType, Error, ErrorCode, LoadedExecutable, NamedValue,
    ProcessInfo, ProcessState, Program, Value,
};
use pjrt_tests::{cpu, plugin};

const DENSE: &str = include_str!("../../pjrt/examples/dense_layer.mlir");

const TWO_OUTPUTS: &str = "module @two_outputs {
  func.func @main(%x: tensor<3xf32>, %n: tensor<i32>) -> (tensor<3xf32>, tensor<i32>) {
    return %x, %n : tensor<3xf32>, tensor<i32>
  }
}";

fn dense(client: &Client) -> LoadedExecutable {
    compile(client, DENSE)
}

fn compile(client: &Client, code: &str) -> LoadedExecutable {
    client
        .compile(&Program::mlir(code), &CompileOptions::new())
        .unwrap()
}

/// The code of the plugin's error that a call must give.
fn code<T: std::fmt::Debug>(result: pjrt::Result<T>) -> ErrorCode {
    match result {
        Err(Error::Plugin(error)) => error.code,
        other => panic!("expected an error of the plugin, got {other:?}"),
    }
}

/// The call is one that a plugin of version 0.81 does not have.
fn too_old<T: std::fmt::Debug>(result: pjrt::Result<T>) {
    let answer = format!("{result:?}");
    assert!(
        matches!(result, Err(Error::Unimplemented { .. })),
        "{answer}"
    );
}

/// The argument that a call must be refused for, before it reaches the plugin.
fn refused<T: std::fmt::Debug>(result: pjrt::Result<T>) -> &'static str {
    match result {
        Err(Error::InvalidArgument { argument, .. }) => argument,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn runs(layer: &LoadedExecutable, client: &Client) {
    let x = client.buffer_from_slice(&[0.0f32; 6], &[2, 3]).unwrap();
    let w = client.buffer_from_slice(&[0.0f32; 6], &[3, 2]).unwrap();
    assert_eq!(
        layer.run(&[&x, &w]).unwrap()[0].to_vec::<f32>().unwrap(),
        [0.5, 0.0, 0.5, 0.0]
    );
}

#[test]
fn outputs_are_known_before_a_run() {
    let Some(client) = cpu() else { return };
    let executable = compile(&client, TWO_OUTPUTS).executable().unwrap();
    assert_eq!(executable.num_outputs().unwrap(), 2);
    assert_eq!(
        executable.output_element_types().unwrap(),
        [ElementType::F32, ElementType::S32]
    );
    let none: &[i64] = &[];
    assert_eq!(executable.output_dimensions().unwrap(), [&[3][..], none]);
    assert_eq!(
        code(executable.output_memory_kinds()),
        ErrorCode::UNIMPLEMENTED
    );
    too_old(executable.parameter_memory_kinds());
}

#[test]
fn the_cost_of_a_run_is_known_before_it() {
    let Some(client) = cpu() else { return };
    let executable = dense(&client).executable().unwrap();
    // Two for each of 2 x 2 x 3 products at least; the order of the costs changes.
    let costs = executable.cost_analysis().unwrap();
    match costs.get("flops") {
        Some(Value::Float(flops)) => assert!(flops >= 24.0, "{costs:?}"),
        other => panic!("no number of operations, {other:?}: {costs:?}"),
    }
    assert_eq!(executable.num_replicas().unwrap(), 1);
    assert_eq!(executable.num_partitions().unwrap(), 1);
}

#[test]
fn the_memory_of_a_run_is_known_before_it() {
    let Some(client) = cpu() else { return };
    let executable = dense(&client).executable().unwrap();
    let stats = executable.compiled_memory_stats().unwrap();
    assert_eq!(stats.argument_size_in_bytes, 2 * 6 * 4);
    assert_eq!(stats.output_size_in_bytes, 4 * 4);
    assert_eq!(stats.host_output_size_in_bytes, Some(0));
}

#[test]
fn the_optimised_program_is_hlo_that_compiles_again() {
    let Some(client) = cpu() else { return };
    let executable = dense(&client).executable().unwrap();
    let program = executable.optimized_program().unwrap();
    assert_eq!(program.format(), "hlo_with_config");
    // The format only comes out; its first field is what goes in.
    assert_eq!(
        code(client.compile(&program, &CompileOptions::new())),
        ErrorCode::INVALID_ARGUMENT
    );
    let module = program.to_hlo().unwrap();
    let again = client.compile(&module, &CompileOptions::new()).unwrap();
    runs(&again, &client);
    // The CPU plugin ends the process when it changes a program that brings an order.
    let ordered = [module.code(), &[7 << 3 | 2, 2, 0x0a, 0]].concat();
    assert_eq!(
        refused(client.compile(&Program::hlo(ordered), &CompileOptions::new())),
        "code"
    );
}

#[test]
fn a_serialized_program_runs_after_it_is_loaded() {
    let Some(client) = cpu() else { return };
    let bytes = dense(&client).executable().unwrap().serialize().unwrap();
    assert!(!bytes.is_empty());
    let options = CompileOptions::new();
    for options in [None, Some(&options)] {
        // SAFETY: this plugin wrote the bytes a moment ago.
        let loaded = unsafe { client.deserialize_and_load(&bytes, options, None) }.unwrap();
        runs(&loaded, &client);
    }
    // SAFETY: the plugin refuses what is no program at all.
    let garbage = unsafe { client.deserialize_and_load(b"no program", None, None) };
    assert_eq!(code(garbage), ErrorCode::INTERNAL);
}

#[test]
fn what_came_after_0_81_is_absent_by_name() {
    let Some(client) = cpu() else { return };
    let layer = dense(&client);
    let executable = layer.executable().unwrap();
    too_old(executable.compile_options());
    too_old(layer.addressable_device_logical_ids());
    too_old(client.load(&executable, None));
    let device = &client.devices().unwrap()[0];
    too_old(device.current_attributes());
    let payload = [NamedValue {
        name: "why",
        value: Value::String(b"a test"),
    }];
    too_old(device.poison_execution(1, ErrorCode::ABORTED, "poison", &payload));
    let topology = client.topology_description().unwrap();
    too_old(topology.canonical_shape(0, &[2, 2], ElementType::F32, None));
}

#[test]
fn poison_is_an_error_and_shapes_are_checked_before_the_call() {
    let Some(client) = cpu() else { return };
    let device = &client.devices().unwrap()[0];
    let ok = device.poison_execution(1, ErrorCode::OK, "no error", &[]);
    assert_eq!(refused(ok), "error_code");
    let topology = client.topology_description().unwrap();
    let token = topology.canonical_shape(0, &[2], ElementType::TOKEN, None);
    assert_eq!(refused(token), "element_type");
    for dims in [&[-1][..], &[i64::MAX, i64::MAX], &[1 << 62, 4]] {
        let shape = topology.canonical_shape(0, dims, ElementType::F32, None);
        assert_eq!(refused(shape), "dims", "{dims:?}");
    }
}

#[test]
fn a_loaded_program_knows_its_devices() {
    let Some(client) = cpu() else { return };
    let options = CompileOptions::new().replicas(2);
    let layer = client.compile(&Program::mlir(DENSE), &options).unwrap();
    let assignment = layer.device_assignment().unwrap().unwrap();
    assert_eq!((assignment.replicas(), assignment.partitions()), (2, 1));
    assert_eq!(layer.addressable_devices().unwrap().len(), 2);
    assert_eq!(code(layer.fingerprint()), ErrorCode::UNIMPLEMENTED);
}

#[test]
fn a_program_is_deleted_through_its_only_handle() {
    let Some(client) = cpu() else { return };
    let layer = dense(&client);
    let other = layer.clone();
    assert_eq!(refused(layer.delete()), "executable");
    let executable = other.executable().unwrap();
    let third = other.clone();
    drop(other);
    // The executable needs the program too.
    assert_eq!(refused(third.delete()), "executable");
    assert_eq!(executable.num_outputs().unwrap(), 1);
    let layer = dense(&client);
    runs(&layer, &client);
    // The number of outputs was asked through an executable, which is gone.
    layer.delete().unwrap();
}

#[test]
fn replicas_and_partitions_have_devices_by_default() {
    let Some(client) = cpu() else { return };
    let devices = client.devices().unwrap();
    let id = |i: usize| devices[i].description().unwrap().id().unwrap();
    let all = [id(0), id(1)];
    let mut assigned = client
        .default_device_assignment(2, 1)
        .unwrap()
        .devices()
        .to_vec();
    assigned.sort_unstable();
    assert_eq!(assigned, all);
    let one = client.default_device_assignment(1, 1).unwrap();
    assert_eq!(one.devices(), [id(0)]);
    for (replicas, partitions) in [(0, 1), (1, 0)] {
        let assigned = client.default_device_assignment(replicas, partitions);
        assert!(matches!(assigned, Err(Error::Options(_))));
    }
    let huge = client.default_device_assignment(u32::MAX, u32::MAX);
    assert_eq!(refused(huge), "default_assignment");
    // More than there are devices: the plugin numbers them nevertheless.
    let many = client.default_device_assignment(8, 2).unwrap();
    assert_eq!(many.devices().len(), 16);
}

#[test]
fn processes_in_listed_states_are_told() {
    let Some(client) = cpu() else { return };
    client.update_process_infos(&[]).unwrap();
    let infos = [
        ProcessInfo::new(0, 1, ProcessState::CONNECTED),
        ProcessInfo::new(1, 2, ProcessState::ERROR).error(ErrorCode::UNAVAILABLE, "gone"),
    ];
    client.update_process_infos(&infos).unwrap();
    let unknown = ProcessInfo::new(0, 1, ProcessState::from(99));
    assert_eq!(refused(client.update_process_infos(&[unknown])), "state");
}

#[test]
fn the_cpu_counts_no_memory() {
    let Some(client) = cpu() else { return };
    let device = &client.devices().unwrap()[0];
    assert_eq!(code(device.memory_stats()), ErrorCode::UNIMPLEMENTED);
}

#[test]
fn the_cpu_has_its_clients_topology_and_no_other() {
    let (Some(plugin), Some(client)) = (plugin("cpu"), cpu()) else {
        return;
    };
    assert_eq!(
        code(plugin.create_topology("cpu", &[])),
        ErrorCode::UNIMPLEMENTED
    );
    let topology = client.topology_description().unwrap();
    let bytes = topology.serialize().unwrap();
    assert!(!bytes.is_empty());
    assert_eq!(
        code(plugin.deserialize_topology(&bytes)),
        ErrorCode::NOT_FOUND
    );
    let program = Program::mlir(DENSE);
    for client in [None, Some(&client)] {
        assert_eq!(
            code(topology.compile(&program, &CompileOptions::new(), client)),
            ErrorCode::NOT_FOUND
        );
    }
}

#[test]
fn a_context_for_runs_is_made() {
    let Some(plugin) = plugin("cpu") else { return };
    drop(plugin.create_execute_context().unwrap());
}
