//! The CUDA plugin without a GPU: what it is, topologies of a target that is described to it, and
//! programs compiled for them. It is large: the tests run where it is installed.

use pjrt::abi_version::AbiVersion;
use pjrt::custom_partitioner::CustomPartitioner;
use pjrt::ffi::Handler;
use pjrt::layouts::Layouts;
use pjrt::memory_descriptions::MemoryDescriptions;
use pjrt::profiler::Profiler;
use pjrt::shardings::Shardings;
use pjrt::stream::Stream;
use pjrt::{
    ClientOptions, CompileOptions, ElementType, Error, ErrorCode, Executable, ExtensionType,
    OwnEvent, Plugin, Program, TopologyDescription, Value,
};
use pjrt_tests::{cuda, installed};
use std::fmt::Debug;

const ADD: &str = "module @add {
  func.func @main(%x: tensor<8x128xf32>) -> tensor<8x128xf32> {
    %y = stablehlo.add %x, %x : tensor<8x128xf32>
    return %y : tensor<8x128xf32>
  }
}";

fn plugin() -> Option<Plugin> {
    installed("cuda13")
}

/// The plugin and a topology of it.
fn topology() -> Option<(Plugin, TopologyDescription)> {
    let plugin = plugin()?;
    let topology = cuda::topology(&plugin, cuda::TARGET, cuda::SHAPE).unwrap();
    Some((plugin, topology))
}

fn compile(topology: &TopologyDescription, mlir: &str) -> Executable {
    let compiled = topology.compile(&Program::mlir(mlir), &CompileOptions::new(), None);
    compiled.unwrap_or_else(|error| panic!("cannot compile: {error}"))
}

fn code<T: Debug>(result: pjrt::Result<T>) -> ErrorCode {
    match result {
        Err(Error::Plugin(error)) => error.code,
        other => panic!("expected an error of the plugin, got {other:?}"),
    }
}

#[test]
fn the_plugin_says_what_it_is_and_what_it_offers() {
    let Some(plugin) = plugin() else { return };
    assert_eq!(
        (plugin.api_version().major, plugin.api_version().minor),
        (0, 116)
    );
    let attributes = plugin.attributes().unwrap();
    assert_eq!(attributes.get("xla_version"), Some(Value::Int64(2)));
    assert_eq!(attributes.get("cuda_version"), Some(Value::Int64(13000)));
    assert_eq!(plugin.extension_chain_fault(), None);
    let found: Vec<(ExtensionType, usize)> = plugin
        .extensions()
        .iter()
        .map(|e| (e.kind, e.size))
        .collect();
    assert_eq!(
        found,
        [
            (ExtensionType::ABI_VERSION, 120),
            (ExtensionType::XLA_TRANSFORM, 56),
            (ExtensionType::SHARDINGS, 40),
            (ExtensionType::CROSS_HOST_TRANSFERS, 56),
            (ExtensionType::MEMORY_DESCRIPTIONS, 40),
            (ExtensionType::FFI, 48),
            (ExtensionType::LAYOUTS, 80),
            // It ends in a truth value, and says so.
            (ExtensionType::GPU_CUSTOM_CALL, 33),
            (ExtensionType::STREAM, 40),
            (ExtensionType::CUSTOM_PARTITIONER, 40),
            (ExtensionType::PROFILER, 40),
        ]
    );
    plugin.extension::<Stream>().unwrap();
}

#[test]
fn without_a_gpu_there_is_no_client() {
    let Some(plugin) = plugin() else { return };
    let client = plugin.create_client(&ClientOptions::new());
    // On a machine with a GPU this test has nothing to refuse.
    if let Err(error) = client {
        assert_eq!(error.function(), Some("PJRT_Client_Create"));
        assert_eq!(error.code(), ErrorCode::FAILED_PRECONDITION, "{error}");
        assert!(error.to_string().contains("No visible GPU"), "{error}");
    }
}

#[test]
fn a_topology_needs_a_target_and_a_shape() {
    let Some(plugin) = plugin() else { return };
    let made = |target, shape| cuda::topology(&plugin, target, shape);
    let error = made(cuda::TARGET, "").unwrap_err();
    assert_eq!(error.code(), ErrorCode::FAILED_PRECONDITION);
    assert!(error.to_string().contains("topology shape"), "{error}");
    let error = made("nothing {", cuda::SHAPE).unwrap_err();
    assert_eq!(error.code(), ErrorCode::FAILED_PRECONDITION);
    assert!(error.to_string().contains("target_config"), "{error}");
    assert_eq!(code(made(cuda::TARGET, "two")), ErrorCode::INTERNAL);
}

#[test]
fn a_topology_has_the_devices_of_its_shape_and_the_attributes_of_its_target() {
    let Some((plugin, topology)) = topology() else {
        return;
    };
    assert_eq!(topology.platform_name().unwrap(), "cuda");
    assert_eq!(topology.platform_version().unwrap(), cuda::KIND);
    let attributes = topology.attributes().unwrap();
    let target = attributes.get("target_config").and_then(Value::as_str);
    assert!(target.unwrap().contains(cuda::KIND), "{attributes:?}");
    assert!(attributes.get("host_target_machine_options").is_some());
    let memories = plugin.extension::<MemoryDescriptions>().unwrap();
    let devices = topology.device_descriptions().unwrap();
    let place =
        |device: &pjrt::DeviceDescription| (device.id().unwrap(), device.process_index().unwrap());
    let places: Vec<(i32, i32)> = devices.iter().map(place).collect();
    assert_eq!(places, [(0, 0), (1, 0), (2, 1), (3, 1)]);
    for device in &devices {
        assert_eq!(device.kind().unwrap(), cuda::KIND);
        assert!(device.debug_string().unwrap().starts_with(cuda::KIND));
        assert!(device.display_string().unwrap().contains(cuda::KIND));
        let attributes = device.attributes().unwrap();
        let text = |name| attributes.get(name).and_then(Value::as_str);
        assert_eq!(text("compute_capability"), Some("9.0"));
        // An empty text has no address.
        assert_eq!(text("fabric_uuid"), Some(""));
        assert_eq!(attributes.get("core_count"), Some(Value::Int64(100)));
        let described = memories.of(device).unwrap();
        assert!(described.memories.is_empty() && described.default_index.is_none());
    }
}

#[test]
fn a_topology_is_the_same_after_it_was_written() {
    let Some((plugin, topology)) = topology() else {
        return;
    };
    let bytes = topology.serialize().unwrap();
    let again = plugin.deserialize_topology(&bytes).unwrap();
    let fingerprint = topology.fingerprint().unwrap();
    assert_eq!(again.fingerprint().unwrap(), fingerprint);
    assert_eq!(again.device_descriptions().unwrap().len(), 4);
    let other = cuda::topology(&plugin, cuda::TARGET, "1x1x2").unwrap();
    assert_ne!(other.fingerprint().unwrap(), fingerprint);
    assert!(plugin.deserialize_topology(b"\xff").is_err());
}

#[test]
fn arrays_have_a_layout_in_each_kind_of_memory() {
    let Some((plugin, topology)) = topology() else {
        return;
    };
    let kinds = topology.memory_space_kind_ids().unwrap();
    assert_eq!(kinds.len(), 2);
    for kind in kinds {
        let shape = topology.canonical_shape(*kind, &[8, 128], ElementType::F32, None);
        let shape = shape.unwrap().unwrap();
        assert_eq!(shape.dimensions, [8, 128]);
    }
    let unknown = topology.canonical_shape(0, &[8, 128], ElementType::F32, None);
    assert_eq!(code(unknown), ErrorCode::INVALID_ARGUMENT);
    let layouts: Layouts = plugin.extension().unwrap();
    let layout = layouts.topology_default_layout(&topology, ElementType::F32, &[8, 128]);
    assert_eq!(layout.unwrap().layout().unwrap().to_string(), "{1,0}");
}

#[test]
fn a_program_is_compiled_by_the_compiler_that_was_installed_with_the_plugin() {
    let Some((plugin, topology)) = topology() else {
        return;
    };
    let executable = compile(&topology, ADD);
    drop(topology);
    assert_eq!(executable.name().unwrap(), "add");
    let counts = [
        executable.num_replicas().unwrap(),
        executable.num_partitions().unwrap(),
        executable.num_outputs().unwrap(),
    ];
    assert_eq!(counts, [1, 1, 1]);
    assert_eq!(
        executable.output_element_types().unwrap(),
        [ElementType::F32]
    );
    assert_eq!(executable.output_dimensions().unwrap(), [&[8, 128]]);
    assert!(!executable.serialize().unwrap().is_empty());
    assert!(!executable.fingerprint().unwrap().is_empty());
    let stats = executable.compiled_memory_stats().unwrap();
    assert_eq!(stats.argument_size_in_bytes, 8 * 128 * 4);
    let layouts: Layouts = plugin.extension().unwrap();
    let shardings: Shardings = plugin.extension().unwrap();
    assert_eq!(layouts.output_layouts(&executable).unwrap().len(), 1);
    assert_eq!(layouts.parameter_layouts(&executable).unwrap().len(), 1);
    assert_eq!(shardings.parameter_shardings(&executable).unwrap(), None);
    assert_eq!(shardings.output_shardings(&executable).unwrap(), None);
}

#[test]
fn a_programs_abi_version_is_written_and_read_back() {
    let Some((plugin, topology)) = topology() else {
        return;
    };
    let extension = plugin.extension::<AbiVersion>().unwrap();
    let version = extension.of_executable(&compile(&topology, ADD)).unwrap();
    let bytes = version.to_proto().unwrap();
    let again = extension.executable_from_proto(&bytes).unwrap();
    assert_eq!(again.platform_id().unwrap(), version.platform_id().unwrap());
    assert_eq!(*again.to_proto().unwrap(), *bytes);
    assert!(extension.executable_from_proto(b"\xff").is_err());
}

#[test]
fn a_program_calls_what_was_registered_by_name() {
    let Some((plugin, topology)) = topology() else {
        return;
    };
    let call = |name: &str| {
        Program::mlir(format!(
            "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {{
              %0 = stablehlo.custom_call @{name}(%x) {{api_version = 4 : i32}}
                : (tensor<4xf32>) -> tensor<4xf32>
              return %0 : tensor<4xf32>
            }}"
        ))
    };
    let options = CompileOptions::new();
    let handler = Handler::device("registered_for_cuda", "CUDA").execute(|_| Ok(()));
    handler.register(&plugin).unwrap();
    topology
        .compile(&call("registered_for_cuda"), &options, None)
        .unwrap();
    let unknown = topology.compile(&call("registered_by_nobody"), &options, None);
    assert_eq!(code(unknown), ErrorCode::NOT_FOUND);
    let partitioner: CustomPartitioner = plugin.extension().unwrap();
    partitioner
        .register_batch_partitionable("split_by_rows")
        .unwrap();
}

#[test]
fn an_event_of_ours_happens_as_it_is_set() {
    let Some(plugin) = plugin() else { return };
    let event = OwnEvent::create(&plugin).unwrap();
    let waiting = event.event();
    assert!(!waiting.is_ready().unwrap());
    event.set(Ok(())).unwrap();
    waiting.wait().unwrap();
    let event = OwnEvent::create(&plugin).unwrap();
    let waiting = event.event();
    event.set(Err((ErrorCode::DATA_LOSS, "as told"))).unwrap();
    let error = waiting.wait().unwrap_err();
    assert_eq!(error.code(), ErrorCode::DATA_LOSS);
    assert!(error.to_string().contains("as told"), "{error}");
    plugin.create_execute_context().unwrap();
}

#[test]
fn a_recording_is_made_of_the_host() {
    let Some(plugin) = plugin() else { return };
    let profiler: Profiler = plugin.extension().unwrap();
    let mut session = profiler.create(&[]).unwrap();
    session.start().unwrap();
    session.stop().unwrap();
    session.collect().unwrap();
}
