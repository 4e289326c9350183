//! Extensions that tell of executables, devices and layouts, and what makes objects of its own.

use super::{Scene, Step};
use pjrt::abi_version::AbiVersion;
use pjrt::example::Example;
use pjrt::executable_metadata::ExecutableMetadata;
use pjrt::ffi::{Handler, UserType};
use pjrt::layouts::Layouts;
use pjrt::memory_descriptions::MemoryDescriptions;
use pjrt::phase_compile::PhaseCompile;
use pjrt::profiler::Profiler;
use pjrt::shardings::Shardings;
use pjrt::tpu_executable::TpuExecutable;
use pjrt::triton::{KernelOptions, Triton};
use pjrt::{CompileOptions, ElementType, ErrorCode};

pub const ALL: &[Step] = &[
    ("layouts", layouts),
    ("described", described),
    ("versions", versions),
    ("profiler", profiler),
    ("phases", phases),
    ("tpu_executable", tpu_executable),
    ("kernels", kernels),
    ("custom_calls", custom_calls),
];

fn layouts(scene: &Scene) {
    let layouts: Layouts = scene.plugin.extension().unwrap();
    let topology = scene.client.topology_description().unwrap();
    let shape = (ElementType::F32, [2, 3]);
    let of_client = layouts.client_default_layout(&scene.client, shape.0, &shape.1);
    let of_topology = layouts.topology_default_layout(&topology, shape.0, &shape.1);
    for layout in [of_client, of_topology] {
        assert_eq!(*layout.unwrap().serialize().unwrap(), *b"{1,0}");
    }
    let executable = scene.executable();
    assert!(layouts.buffer_layout(&scene.floats()).is_ok());
    assert_eq!(layouts.output_layouts(&executable).unwrap().len(), 1);
    assert_eq!(layouts.parameter_layouts(&executable).unwrap().len(), 1);
}

fn described(scene: &Scene) {
    let executable = scene.executable();
    let shardings: Shardings = scene.plugin.extension().unwrap();
    let parameters = shardings.parameter_shardings(&executable).unwrap();
    assert_eq!(parameters, shardings.output_shardings(&executable).unwrap());
    let metadata: ExecutableMetadata = scene.plugin.extension().unwrap();
    assert_eq!(metadata.of(&executable).unwrap().bytes().unwrap(), b"one");
    let memories: MemoryDescriptions = scene.plugin.extension().unwrap();
    let device = scene.client.devices().unwrap().remove(0);
    let described = memories.of(&device.description().unwrap()).unwrap();
    assert_eq!(described.memories[0].kind().unwrap().kind, "device");
    let example: Example = scene.plugin.extension().unwrap();
    let object = example.create().unwrap();
    example.example_method(Some(&object), 3).unwrap();
}

fn versions(scene: &Scene) {
    let versions: AbiVersion = scene.plugin.extension().unwrap();
    let ours = versions.of_client(&scene.client).unwrap();
    let needed = versions.of_executable(&scene.executable()).unwrap();
    assert_eq!(ours.platform_id().unwrap(), needed.platform_id().unwrap());
    let again = versions
        .runtime_from_proto(&ours.to_proto().unwrap())
        .unwrap();
    ours.check_runtime(&again).unwrap();
    let again = versions
        .executable_from_proto(&needed.to_proto().unwrap())
        .unwrap();
    ours.check_executable(&again).unwrap();
}

fn profiler(scene: &Scene) {
    let profiler: Profiler = scene.plugin.extension().unwrap();
    // A message with one field.
    let options = [0x0a, 1, 7];
    let mut session = profiler.create(&options).unwrap();
    session.start().unwrap();
    // Errors of this table have functions of their own.
    let error = session.collect().unwrap_err();
    assert_eq!(error.code(), ErrorCode::FAILED_PRECONDITION);
    assert!(error.to_string().contains("still records"), "{error}");
    session.stop().unwrap();
    assert_eq!(session.collect().unwrap(), [8, 1, 0x12, 3, 0x0a, 1, 7]);
    assert!(session.collect().unwrap().is_empty());
    session.start().unwrap();
    session.stop().unwrap();
    let profile = session.consume().unwrap();
    assert_eq!(profile.serialize().unwrap().len(), 7);
    assert!(profiler.create(b"\xff").is_err());
}

fn phases(scene: &Scene) {
    let compiler = scene.plugin.extension::<PhaseCompile>().unwrap().compiler();
    let compiler = compiler.unwrap();
    let names = compiler.names().unwrap();
    assert_eq!(names, ["mock_lower", "mock_link"]);
    let topology = scene.client.topology_description().unwrap();
    let options = CompileOptions::new();
    let made = compiler.run(&["mock_link"], &[b"a", b""], &options, &topology);
    assert_eq!(made.unwrap(), [&b"mock_link:a"[..], b"mock_link:"]);
    let refused = compiler.run(&["none"], &[b"a"], &options, &topology);
    assert_eq!(refused.unwrap_err().code(), ErrorCode::NOT_FOUND);
    assert!(
        compiler
            .run(&[], &[], &options, &topology)
            .unwrap()
            .is_empty()
    );
}

fn tpu_executable(scene: &Scene) {
    let tpu: TpuExecutable = scene.plugin.extension().unwrap();
    let target = tpu.target_arguments(b"program").unwrap();
    let module = tpu.hlo_module_with_config(b"program").unwrap();
    assert_eq!(*tpu.compiled_memory_stats(b"p").unwrap(), *b"stats:p");
    let costs = tpu.run_hlo_cost_analysis(&target, &[&module]).unwrap();
    assert!(costs.values().get("flops").is_some());
    drop(costs);
    let environment = tpu.set_tpu_compilation_env(b"a").unwrap();
    let field = tpu.tpu_compilation_env_field(&environment, "x").unwrap();
    assert_eq!(*field, *b"value of x");
    assert!(tpu.is_predetermined_error(b"predetermined").unwrap());
    assert!(tpu.is_cancellation_placeholder_error(b"cancelled").unwrap());
}

fn kernels(scene: &Scene) {
    let triton: Triton = scene.plugin.extension().unwrap();
    let kernel = triton.compile(b"module", "mock", KernelOptions::new());
    assert!(kernel.is_ok(), "{kernel:?}");
}

fn custom_calls(scene: &Scene) {
    let handler = Handler::new("mock_extensions", |_| Ok(()));
    handler.register(&scene.plugin).unwrap();
    let staged = Handler::device("mock_extensions_gpu", "CUDA")
        .prepare(|_| Ok(()))
        .execute(|_| Ok(()));
    staged.register(&scene.plugin).unwrap();
    let numbers = UserType::<i32>::register(&scene.plugin, "mock_extensions").unwrap();
    let mut context = scene.plugin.create_execute_context().unwrap();
    static NUMBER: i32 = 7;
    numbers.add(&mut context, &NUMBER).unwrap();
}
