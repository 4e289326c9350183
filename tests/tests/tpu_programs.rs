//! libtpu without a TPU: topologies by name, and programs compiled for them ahead of time.

use pjrt::proto::PrimitiveType;
use pjrt::{
    CompileOptions, ElementType, Error, ErrorCode, MemoryLayout, NamedValue, Program, Value,
};
use pjrt_tests::tpu::{compile_for, topology};
use pjrt_tests::{cpu, plugin};

const ADD: &str = "module @add {
  func.func @main(%x: tensor<8x128xf32>) -> tensor<8x128xf32> {
    %y = stablehlo.add %x, %x : tensor<8x128xf32>
    return %y : tensor<8x128xf32>
  }
}";

fn code<T: std::fmt::Debug>(result: pjrt::Result<T>) -> ErrorCode {
    match result {
        Err(Error::Plugin(error)) => error.code,
        other => panic!("expected an error of the plugin, got {other:?}"),
    }
}

#[test]
fn a_topology_has_options_and_survives_being_written() {
    let Some(plugin) = plugin("tpu") else { return };
    let option = |name, value| [NamedValue { name, value }];
    let slices = option("num_slices", Value::Int64(2));
    let topology = plugin.create_topology("v5e:4x4", &slices).unwrap();
    assert_eq!(topology.device_descriptions().unwrap().len(), 32);
    // One of several slices cannot be written.
    assert_eq!(code(topology.serialize()), ErrorCode::UNIMPLEMENTED);
    let topology = plugin.create_topology("v5e:4x4", &[]).unwrap();
    let bytes = topology.serialize().unwrap();
    let again = plugin.deserialize_topology(&bytes).unwrap();
    assert_eq!(
        again.fingerprint().unwrap(),
        topology.fingerprint().unwrap()
    );
    let unknown = plugin.create_topology("v5e:4x4", &option("nosuch", Value::Int64(1)));
    assert_eq!(code(unknown), ErrorCode::INVALID_ARGUMENT);
    let wrong = plugin.create_topology("v5e:4x4", &option("num_slices", Value::Bool(true)));
    assert_eq!(code(wrong), ErrorCode::INVALID_ARGUMENT);
    assert_eq!(
        code(plugin.create_topology("v6e-4", &[])),
        ErrorCode::INVALID_ARGUMENT
    );
}

#[test]
fn a_shape_gets_the_layout_of_its_memory() {
    let Some(topology) = topology("v5e:2x2") else {
        return;
    };
    let kind = topology.memory_space_kind_ids().unwrap()[0];
    let (fits, wrong) = (MemoryLayout::row_major(2), MemoryLayout::row_major(3));
    let shape = |layout| topology.canonical_shape(kind, &[8, 128], ElementType::F32, layout);
    let tiled = shape(None).unwrap().unwrap();
    assert_eq!(tiled.element_type, PrimitiveType::F32);
    assert_eq!(tiled.dimensions, [8, 128]);
    assert!(!tiled.layout.unwrap().tiles.is_empty());
    assert!(shape(Some(&fits)).unwrap().is_some());
    let wrong = shape(Some(&wrong));
    assert!(matches!(wrong, Err(Error::InvalidArgument { .. })));
}

#[test]
fn a_program_compiled_ahead_of_time_tells_about_itself() {
    let Some(topology) = topology("v5e:2x2") else {
        return;
    };
    let executable = compile_for(&topology, ADD);
    drop(topology);
    assert_eq!(executable.name().unwrap(), "add");
    assert_eq!(
        executable.output_element_types().unwrap(),
        [ElementType::F32]
    );
    assert_eq!(executable.output_dimensions().unwrap(), [&[8, 128]]);
    assert_eq!(executable.output_memory_kinds().unwrap(), ["device"]);
    assert_eq!(executable.parameter_memory_kinds().unwrap(), ["device"]);
    let stats = executable.compiled_memory_stats().unwrap();
    assert_eq!(stats.argument_size_in_bytes, 8 * 128 * 4);
    assert!(!executable.serialize().unwrap().is_empty());
    let options = executable.compile_options().unwrap();
    options.check().unwrap();
    let program = executable.optimized_program().unwrap();
    assert_eq!(program.format(), "hlo_with_config");
    assert!(!program.code().is_empty());
    assert!(!executable.fingerprint().unwrap().is_empty());
}

#[test]
fn a_client_of_another_plugin_is_refused() {
    let (Some(topology), Some(client)) = (topology("v5e:2x2"), cpu()) else {
        return;
    };
    let options = CompileOptions::new();
    let compiled = topology.compile(&Program::mlir(ADD), &options, Some(&client));
    assert!(matches!(
        compiled,
        Err(Error::ForeignHandle {
            argument: "client",
            ..
        })
    ));
    let too_many = topology.compile(&Program::mlir(ADD), &options.replicas(64), None);
    assert_eq!(code(too_many), ErrorCode::INVALID_ARGUMENT);
}
