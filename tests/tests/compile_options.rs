//! Options of a compilation on their way: what the mock is given, and what real plugins make of it.

use pjrt::abi_version::AbiVersion;
use pjrt::executable_metadata::ExecutableMetadata;
use pjrt::proto::{
    ExecutableAbiVersionProto, ExecutableMetadataProto, LayoutProto, Message, PrimitiveType,
    ShapeProto, TopologyDescriptionProto,
};
use pjrt::{
    Client, ClientOptions, CompileOptions, DeviceAssignment, Error, ErrorCode, InvalidOptions,
    LoadedExecutable, PluginError, Program, Result,
};
use pjrt_tests::tpu::topology;
use pjrt_tests::{cpu, mock};

const DOUBLE: &str = "module @double { func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = stablehlo.add %x, %x : tensor<4xf32>
  return %y : tensor<4xf32>
} }";

/// Two partitions of four numbers, in the words of Shardy.
const FOR_SHARDY: &str = r#"module @split attributes {mhlo.num_partitions = 2 : i32} {
  sdy.mesh @mesh = <["x"=2]>
  func.func @main(%x: tensor<4xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}]>}) -> (tensor<4xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}]>}) {
    %y = stablehlo.add %x, %x : tensor<4xf32>
    return %y : tensor<4xf32>
  }
}"#;

fn compiled(client: &Client, code: &str, options: &CompileOptions) -> Result<LoadedExecutable> {
    client.compile(&Program::mlir(code), options)
}

fn refused<T>(result: Result<T>) -> InvalidOptions {
    match result.err() {
        Some(Error::Options(problem)) => *problem,
        other => panic!("expected refused options, got {other:?}"),
    }
}

fn reported<T>(result: Result<T>) -> Box<PluginError> {
    match result.err() {
        Some(Error::Plugin(error)) => error,
        other => panic!("expected the plugin's error, got {other:?}"),
    }
}

/// Options with a field that no version of the message has.
fn with_field_of_tomorrow(options: &CompileOptions) -> CompileOptions {
    let bytes = [&options.to_bytes()[..], &[0xca, 0x3e, 2, b'h', b'i']].concat();
    CompileOptions::from_bytes(&bytes).unwrap()
}

#[test]
fn a_plugin_gets_what_was_set_and_gives_it_back() {
    let plugin = mock(114);
    let client = plugin.create_client(&ClientOptions::new()).unwrap();
    let options = CompileOptions::new()
        .option("xla_dump_to", "somewhere")
        .unwrap()
        .raw_option("of_the_plugin", 3)
        .profile_version(5)
        .shardy(true);
    let options = with_field_of_tomorrow(&options);
    let text = Program::mlir("mock one\nparam f32[2]\nout 0\n");
    let loaded = client.compile(&text, &options).unwrap();

    let given = loaded.executable().unwrap().compile_options().unwrap();

    assert_eq!(given, options);
    assert_eq!(given.to_bytes(), options.to_bytes());
    assert_eq!(given.proto().unknown_fields(), [0xca, 0x3e, 2, b'h', b'i']);
}

#[test]
fn options_that_cannot_be_meant_reach_no_plugin() {
    let plugin = mock(114);
    let client = plugin.create_client(&ClientOptions::new()).unwrap();
    let text = Program::mlir("mock one\nparam f32[2]\nout 0\n");
    for bytes in [&[][..], &[0x1a, 2, 0x20, 1]] {
        let options = CompileOptions::from_bytes(bytes).unwrap();
        let problem = refused(client.compile(&text, &options));
        assert!(
            matches!(problem, InvalidOptions::Counts { .. }),
            "{problem:?}"
        );
    }
    assert_eq!(plugin.mock.calls("PJRT_Client_Compile"), 0);
}

#[test]
fn an_option_by_name_has_its_effect() {
    let Some(client) = cpu() else { return };
    let folder = tempfile::tempdir().unwrap();
    let options = CompileOptions::new()
        .option("xla_dump_to", folder.path().to_str().unwrap())
        .and_then(|options| options.option("xla_dump_hlo_as_text", true))
        .unwrap();

    compiled(&client, DOUBLE, &options).unwrap();

    let files = std::fs::read_dir(folder.path()).unwrap().flatten();
    let names: Vec<_> = files.map(|file| file.file_name()).collect();
    assert!(!names.is_empty(), "nothing was dumped");
}

#[test]
fn a_wrong_name_is_told_by_us_and_by_the_plugin() {
    let Some(client) = cpu() else { return };
    let ours = refused(CompileOptions::new().option("xla_dump_too", "x"));
    assert!(ours.to_string().contains("`xla_dump_to`"), "{ours}");

    let options = CompileOptions::new().raw_option("xla_dump_too", "x");
    let theirs = reported(compiled(&client, DOUBLE, &options));

    assert_eq!(theirs.code, ErrorCode::INVALID_ARGUMENT);
    assert!(theirs.message.contains("xla_dump_too"), "{theirs}");
}

#[test]
fn every_kind_of_value_is_taken() {
    let Some(client) = cpu() else { return };
    let options = CompileOptions::new()
        .option("xla_cpu_enable_fast_math", false)
        .and_then(|o| o.option("xla_backend_optimization_level", 1))
        .and_then(|o| o.option("xla_gpu_autotune_gemm_rtol", 0.0))
        .and_then(|o| o.option("xla_gpu_enable_command_buffer", "FUSION,CUBLAS"))
        .unwrap();
    compiled(&client, DOUBLE, &options).unwrap();
}

#[test]
fn a_program_runs_where_it_is_assigned() {
    let Some(client) = cpu() else { return };
    let default = client.default_device_assignment(2, 1).unwrap();
    let mut ids = default.devices().to_vec();
    ids.reverse();
    let assignment = DeviceAssignment::new(2, 1, ids).unwrap();
    let options = CompileOptions::new().device_assignment(&assignment);

    let loaded = compiled(&client, DOUBLE, &options).unwrap();

    assert_eq!(
        loaded.device_assignment().unwrap(),
        Some(assignment.clone())
    );
    let ids = loaded.addressable_devices().unwrap().into_iter();
    let ids: Vec<i32> = ids
        .map(|d| d.description().unwrap().id().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    for id in ids {
        assert!(assignment.logical_id(id).is_some(), "{id}");
    }
    let nowhere = DeviceAssignment::new(1, 1, [77]).unwrap();
    let options = CompileOptions::new().device_assignment(&nowhere);
    assert_eq!(
        reported(compiled(&client, DOUBLE, &options)).code,
        ErrorCode::INVALID_ARGUMENT
    );
}

#[test]
fn a_portable_program_is_assigned_to_no_device() {
    let Some(client) = cpu() else { return };
    let loaded = compiled(&client, DOUBLE, &CompileOptions::new().portable(true)).unwrap();
    assert_eq!(loaded.device_assignment().unwrap(), None);
    assert!(loaded.addressable_devices().unwrap().is_empty());
}

#[test]
fn layouts_that_do_not_fit_the_program_are_refused_by_the_compiler() {
    let Some(client) = cpu() else { return };
    let shape = |dims: &[i64]| {
        let mut layout = LayoutProto::default();
        layout.minor_to_major = (0..dims.len() as i64).rev().collect();
        let mut shape = ShapeProto::default();
        shape.element_type = PrimitiveType::F32;
        shape.dimensions = dims.to_vec();
        shape.is_dynamic_dimension = vec![false; dims.len()];
        shape.layout = Some(Box::new(layout));
        shape
    };
    let options = CompileOptions::new().argument_layouts([shape(&[4])]);
    compiled(&client, DOUBLE, &options.clone().result_layout(shape(&[4]))).unwrap();
    let wrong = options.argument_layouts([shape(&[4]), shape(&[4])]);
    assert_eq!(
        reported(compiled(&client, DOUBLE, &wrong)).code,
        ErrorCode::INVALID_ARGUMENT
    );
}

#[test]
fn a_module_for_the_other_partitioner_gets_a_hint() {
    let Some(client) = cpu() else { return };
    let options = CompileOptions::new().partitions(2).spmd_partitioning(true);
    compiled(&client, FOR_SHARDY, &options.clone().shardy(true)).unwrap();

    let error = reported(compiled(&client, FOR_SHARDY, &options));

    let hint = error.hint.expect("a hint");
    assert!(hint.contains("shardy(true)"), "{hint}");
    assert!(error.to_string().contains(hint), "{error}");
    // Another failure of a module that agrees with its options has none.
    let broken = reported(compiled(&client, "module {", &CompileOptions::new()));
    assert_eq!(broken.hint, None);
}

#[test]
fn libtpu_keeps_the_options_of_a_program() {
    let Some(topology) = topology("v5e:2x2") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let options = CompileOptions::new()
        .partitions(2)
        .spmd_partitioning(true)
        .option("xla_dump_to", folder.path().to_str().unwrap())
        .unwrap();
    let options = with_field_of_tomorrow(&options);
    let executable = topology
        .compile(&Program::mlir(DOUBLE), &options, None)
        .unwrap();
    assert_eq!(executable.num_partitions().unwrap(), 2);
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_some());

    let given = executable.compile_options().unwrap();

    given.check().unwrap();
    let build = given.proto().executable_build_options.clone().unwrap();
    assert_eq!((build.num_replicas, build.num_partitions), (1, 2));
    assert!(build.use_spmd_partitioning);
    assert_eq!(
        CompileOptions::from_bytes(&given.to_bytes()).unwrap(),
        given
    );
    let again = topology
        .compile(&Program::mlir(DOUBLE), &given, None)
        .unwrap();
    assert_eq!(again.num_partitions().unwrap(), 2);
    let wrong = options.raw_option("xla_tpu_no_such_option", true);
    let error = reported(topology.compile(&Program::mlir(DOUBLE), &wrong, None));
    assert!(error.message.contains("xla_tpu_no_such_option"), "{error}");
}

#[test]
fn what_libtpu_writes_is_read_as_messages() {
    let Some(topology) = topology("v5e:2x2") else {
        return;
    };
    let bytes = topology.serialize().unwrap();
    let message = TopologyDescriptionProto::from_bytes(&bytes).unwrap();
    assert_eq!(message.platform_name, topology.platform_name().unwrap());
    assert!(
        message
            .platform_specific_topology
            .clone()
            .unwrap()
            .type_url
            .contains('/')
    );
    assert_eq!(
        TopologyDescriptionProto::from_bytes(&message.to_bytes()).unwrap(),
        message
    );

    let options = CompileOptions::new();
    let executable = topology
        .compile(&Program::mlir(DOUBLE), &options, None)
        .unwrap();
    let abi: AbiVersion = pjrt_tests::plugin("tpu").unwrap().extension().unwrap();
    let version = abi.of_executable(&executable).unwrap();
    let message = ExecutableAbiVersionProto::from_bytes(&version.to_proto().unwrap()).unwrap();
    assert_eq!(message.platform, Some(version.platform_id().unwrap()));
    assert!(message.version.is_some_and(|version| !version.is_empty()));

    let metadata: ExecutableMetadata = pjrt_tests::plugin("tpu").unwrap().extension().unwrap();
    let metadata = metadata.of(&executable).unwrap();
    let message = ExecutableMetadataProto::from_bytes(metadata.bytes().unwrap()).unwrap();
    let stats = message.compiled_memory_stats.unwrap();
    let told = executable.compiled_memory_stats().unwrap();
    assert_eq!(stats.argument_size_in_bytes, told.argument_size_in_bytes);
    assert_eq!(stats.output_size_in_bytes, told.output_size_in_bytes);
}
