//! Plugins of five versions under one build, with the same questions to each: what it is, what it
//! offers, events, topologies, the sizes that it is given, and what came after it.

mod smoke_real {
    pub mod sizes;
}

use pjrt::ffi::Handler;
use pjrt::layouts::Layouts;
use pjrt::{
    Client, ClientOptions, CompileOptions, ElementType, Error, ErrorCode, Executable,
    ExtensionType, NamedValue, OwnEvent, Plugin, Program, TopologyDescription, Value,
};
use pjrt_tests::{cuda, installed, plugin};
use std::fmt::Debug;

const ADD: &str = "func.func @main(%x: tensor<8x128xf32>) -> tensor<8x128xf32> {
  %y = stablehlo.add %x, %x : tensor<8x128xf32>
  return %y : tensor<8x128xf32>
}";

/// What must be found at a plugin.
struct Expected {
    minor: i32,
    /// Size that the table reports.
    reported: usize,
    /// Bytes that the table has: the headers of old times did not count their last functions.
    end: usize,
    /// Number and size of each extension, in the order of the chain.
    extensions: &'static [(ExtensionType, usize)],
    /// Size of the arguments of `PJRT_Client_Create` in the plugin's own header.
    create: usize,
}

const CPU: Expected = Expected {
    minor: 81,
    reported: 984,
    end: 984,
    extensions: &[
        (ExtensionType::PHASE_COMPILE, 64),
        (ExtensionType::FFI, 48),
        (ExtensionType::MEMORY_DESCRIPTIONS, 40),
        (ExtensionType::LAYOUTS, 72),
    ],
    create: 88,
};

const TPU: Expected = Expected {
    minor: 117,
    reported: 1144,
    end: 1144,
    extensions: &[
        (ExtensionType::FFI, 48),
        (ExtensionType::XLA_TRANSFORM, 56),
        (ExtensionType::HOST_MEMORY_ALLOCATOR, 32),
        (ExtensionType::MULTI_SLICE, 64),
        (ExtensionType::COLLECTIVES, 96),
        (ExtensionType::ABI_VERSION, 120),
        (ExtensionType::SHARDINGS, 40),
        (ExtensionType::MEGASCALE, 248),
        (ExtensionType::TPU_EXECUTABLE, 96),
        (ExtensionType::TPU_TOPOLOGY, 280),
        (ExtensionType::CALLBACK, 40),
        (ExtensionType::PHASE_COMPILE, 192),
        (ExtensionType::CROSS_HOST_TRANSFERS, 56),
        (ExtensionType::EXECUTABLE_METADATA, 40),
        (ExtensionType::MEMORY_DESCRIPTIONS, 40),
        (ExtensionType::LAYOUTS, 80),
        (ExtensionType::RAW_BUFFER, 80),
        (ExtensionType::PROFILER, 40),
    ],
    create: 88,
};

const CUDA_13: Expected = Expected {
    minor: 116,
    reported: 1144,
    end: 1144,
    extensions: &[
        (ExtensionType::ABI_VERSION, 120),
        (ExtensionType::XLA_TRANSFORM, 56),
        (ExtensionType::SHARDINGS, 40),
        (ExtensionType::CROSS_HOST_TRANSFERS, 56),
        (ExtensionType::MEMORY_DESCRIPTIONS, 40),
        (ExtensionType::FFI, 48),
        (ExtensionType::LAYOUTS, 80),
        (ExtensionType::GPU_CUSTOM_CALL, 33),
        (ExtensionType::STREAM, 40),
        (ExtensionType::CUSTOM_PARTITIONER, 40),
        (ExtensionType::PROFILER, 40),
    ],
    create: 88,
};

const CUDA_0_90: Expected = Expected {
    minor: 90,
    reported: 1064,
    end: 1064,
    extensions: &[
        (ExtensionType::CROSS_HOST_TRANSFERS, 56),
        (ExtensionType::TRITON, 32),
        (ExtensionType::MEMORY_DESCRIPTIONS, 40),
        (ExtensionType::FFI, 48),
        (ExtensionType::LAYOUTS, 72),
        (ExtensionType::GPU_CUSTOM_CALL, 32),
        (ExtensionType::STREAM, 40),
        (ExtensionType::CUSTOM_PARTITIONER, 40),
        (ExtensionType::PROFILER, 40),
    ],
    create: 88,
};

const CUDA_0_54: Expected = Expected {
    minor: 54,
    reported: 808,
    end: 840,
    extensions: &[
        (ExtensionType::FFI, 40),
        (ExtensionType::LAYOUTS, 56),
        (ExtensionType::GPU_CUSTOM_CALL, 32),
        (ExtensionType::STREAM, 40),
        (ExtensionType::CUSTOM_PARTITIONER, 32),
        (ExtensionType::PROFILER, 40),
    ],
    create: 72,
};

/// What can be made of a plugin on a machine without its devices.
#[derive(Default)]
struct Made {
    client: Option<Client>,
    topology: Option<TopologyDescription>,
    executable: Option<Executable>,
}

/// A call that came with a minor version works since then, and before it is refused by name.
fn since<T: Debug>(plugin: &Plugin, name: &str, minor: u32, result: pjrt::Result<T>) {
    let has = plugin.api_version().minor;
    let present = has >= i32::try_from(minor).unwrap();
    match result {
        Err(Error::Unimplemented {
            function,
            since,
            plugin_version,
        }) => {
            assert!(!present, "{function} is refused by {has}");
            assert_eq!((function, since, plugin_version), (name, minor, (0, has)));
            let error = Error::Unimplemented {
                function,
                since,
                plugin_version,
            };
            let text = error.to_string();
            for part in [name.to_owned(), format!("0.{minor}"), format!("0.{has}")] {
                assert!(text.contains(&part), "{text}");
            }
        }
        Ok(_) => assert!(present, "{name} works on {has}"),
        // The plugin was asked.
        Err(Error::Plugin(error)) => assert!(present, "{error}"),
        Err(error) => panic!("{name}: {error}"),
    }
}

fn smoke(plugin: &Plugin, expected: &Expected, made: &Made) {
    let version = plugin.api_version();
    assert_eq!((version.major, version.minor), (0, expected.minor));
    // SAFETY: the table lives as long as the process.
    let reported = unsafe { (*plugin.as_raw()).struct_size };
    assert_eq!(reported, expected.reported);
    let attributes = plugin.attributes().unwrap();
    assert_eq!(attributes.get("xla_version"), Some(Value::Int64(2)));
    assert_eq!(plugin.extension_chain_fault(), None);
    let extensions: Vec<_> = plugin
        .extensions()
        .iter()
        .map(|e| (e.kind, e.size))
        .collect();
    assert_eq!(extensions, expected.extensions);
    events(plugin);
    // Its slot lies behind the end that the oldest of these plugins reports.
    if let Err(error) = plugin.create_execute_context() {
        assert!(matches!(error, Error::Plugin(_)), "{error}");
    }
    let garbage = plugin.deserialize_topology(b"\xff");
    since(
        plugin,
        "PJRT_TopologyDescription_Deserialize",
        75,
        garbage.map(drop),
    );
    if let Some(client) = &made.client {
        of_client(plugin, client);
    }
    if let Some(topology) = &made.topology {
        of_topology(plugin, topology);
    }
    if let Some(executable) = &made.executable {
        of_executable(plugin, executable);
    }
    smoke_real::sizes::are_those_of_its_header(plugin, expected.end, expected.create);
}

fn events(plugin: &Plugin) {
    let made = OwnEvent::create(plugin);
    let event = match made {
        Ok(event) => event,
        // Which of the two functions is named first does not matter.
        Err(error) => {
            let name = error.function().unwrap_or_default().to_owned();
            assert!(name == "PJRT_Event_Set" || name == "PJRT_Event_Create");
            return since(plugin, &name, 89, Err::<(), _>(error));
        }
    };
    assert!(plugin.api_version().minor >= 89);
    let waiting = event.event();
    assert!(!waiting.is_ready().unwrap());
    event.set(Ok(())).unwrap();
    waiting.wait().unwrap();
    waiting.error().unwrap();
    assert!(waiting.is_ready().unwrap());
    let event = OwnEvent::create(plugin).unwrap();
    let waiting = event.event();
    let (sender, receiver) = std::sync::mpsc::channel();
    let told = move |outcome: pjrt::Result<()>| {
        let _ = sender.send(outcome.unwrap_err().code());
    };
    waiting.on_ready(told).unwrap();
    event.set(Err((ErrorCode::ABORTED, "as told"))).unwrap();
    let error = waiting.wait().unwrap_err();
    assert!(error.code() == ErrorCode::ABORTED && error.to_string().contains("as told"));
    assert_eq!(receiver.recv().unwrap(), ErrorCode::ABORTED);
}

fn of_client(plugin: &Plugin, client: &Client) {
    let devices = client.devices().unwrap();
    since(
        plugin,
        "PJRT_Device_ClearMemoryStats",
        106,
        devices[0].clear_memory_stats(),
    );
    since(
        plugin,
        "PJRT_Device_GetAttributes",
        92,
        devices[0].current_attributes(),
    );
}

fn of_topology(plugin: &Plugin, topology: &TopologyDescription) {
    assert!(!topology.platform_name().unwrap().is_empty());
    assert!(!topology.platform_version().unwrap().is_empty());
    topology.attributes().unwrap();
    let devices = topology.device_descriptions().unwrap();
    assert!(!devices.is_empty());
    for device in devices {
        assert!(!device.kind().unwrap().is_empty());
        device.attributes().unwrap();
        assert!(device.process_index().unwrap() >= 0 && device.id().unwrap() >= 0);
        assert!(!device.debug_string().unwrap().is_empty());
        assert!(!device.display_string().unwrap().is_empty());
    }
    assert!(!topology.serialize().unwrap().is_empty());
    let kinds = topology.memory_space_kind_ids();
    let kind = kinds.as_ref().ok().and_then(|kinds| kinds.first()).copied();
    let shape = topology.canonical_shape(kind.unwrap_or(0), &[8, 128], ElementType::F32, None);
    let name = "PJRT_TopologyDescription_MakeCanonicalShapeForMemorySpace";
    since(
        plugin,
        name,
        109,
        shape.map(|shape| assert_eq!(shape.unwrap().dimensions, [8, 128])),
    );
    since(
        plugin,
        "PJRT_TopologyDescription_GetMemorySpaceKindIds",
        110,
        kinds,
    );
    since(
        plugin,
        "PJRT_TopologyDescription_Fingerprint",
        101,
        topology.fingerprint(),
    );
}

fn of_executable(plugin: &Plugin, executable: &Executable) {
    assert_eq!(executable.num_outputs().unwrap(), 1);
    assert_eq!(executable.num_replicas().unwrap(), 1);
    assert_eq!(executable.num_partitions().unwrap(), 1);
    assert!(executable.generated_code_size().unwrap() >= 0);
    assert!(!executable.optimized_program().unwrap().code().is_empty());
    // XLA's plugin for GPUs needs a client for it.
    if let Err(error) = executable.cost_analysis() {
        assert!(matches!(error, Error::Plugin(_)), "{error}");
    }
    assert_eq!(executable.output_dimensions().unwrap(), [&[8, 128]]);
    // Outputs that came later are there or not, and are never made up.
    let minor = plugin.api_version().minor;
    let stats = executable.compiled_memory_stats().unwrap();
    assert_eq!(stats.argument_size_in_bytes, 8 * 128 * 4);
    assert_eq!(
        stats.total_size_in_bytes.is_some(),
        minor >= 90,
        "{stats:?}"
    );
    let kinds = executable.parameter_memory_kinds();
    since(plugin, "PJRT_Executable_ParameterMemoryKinds", 102, kinds);
    let options = executable.compile_options().map(drop);
    since(plugin, "PJRT_Executable_GetCompileOptions", 87, options);
    let layouts: Layouts = plugin.extension().unwrap();
    assert_eq!(layouts.output_layouts(executable).unwrap().len(), 1);
    let name = "PJRT_Layouts_PJRT_Executable_GetParameterLayouts";
    since(
        plugin,
        name,
        93,
        layouts.parameter_layouts(executable).map(drop),
    );
}

/// A plugin that refuses a client without its devices, and says why.
fn refuses_a_client(plugin: &Plugin, expected: ErrorCode) {
    // Where there are such devices, the client is none of this test's business.
    if let Err(error) = plugin.create_client(&ClientOptions::new()) {
        assert_eq!(error.code(), expected, "{error}");
        assert_eq!(error.function(), Some("PJRT_Client_Create"));
    }
}

fn compile(topology: &TopologyDescription) -> pjrt::Result<Executable> {
    topology.compile(&Program::mlir(ADD), &CompileOptions::new(), None)
}

#[test]
fn the_cpu_plugin_of_0_81() {
    let Some(plugin) = plugin("cpu") else { return };
    let client = plugin.create_client(&ClientOptions::new()).unwrap();
    let program = client
        .compile(&Program::mlir(ADD), &CompileOptions::new())
        .unwrap();
    let made = Made {
        topology: Some(client.topology_description().unwrap()),
        executable: Some(program.executable().unwrap()),
        client: Some(client),
    };
    smoke(&plugin, &CPU, &made);
}

#[test]
fn libtpu_of_0_117() {
    let Some(plugin) = plugin("tpu") else { return };
    let topology = plugin.create_topology("v5e:2x2", &[]).unwrap();
    let made = Made {
        executable: Some(compile(&topology).unwrap()),
        topology: Some(topology),
        client: None,
    };
    smoke(&plugin, &TPU, &made);
}

#[test]
fn the_cuda_plugin_of_0_116() {
    let Some(plugin) = installed("cuda13") else {
        return;
    };
    let topology = cuda::topology(&plugin, cuda::TARGET, cuda::SHAPE).unwrap();
    let made = Made {
        executable: Some(compile(&topology).unwrap()),
        topology: Some(topology),
        client: None,
    };
    smoke(&plugin, &CUDA_13, &made);
    refuses_a_client(&plugin, ErrorCode::FAILED_PRECONDITION);
}

#[test]
fn the_cuda_plugin_of_0_90() {
    let Some(plugin) = installed("cuda12-0.9.0") else {
        return;
    };
    let topology = cuda::topology(&plugin, cuda::TARGET, cuda::SHAPE).unwrap();
    // This package comes without a compiler for what XLA makes, and a machine may have one.
    let executable = match compile(&topology) {
        Ok(executable) => Some(executable),
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::UNAVAILABLE, "{error}");
            assert!(error.to_string().contains("No PTX compilation provider"));
            None
        }
    };
    let made = Made {
        executable,
        topology: Some(topology),
        client: None,
    };
    smoke(&plugin, &CUDA_0_90, &made);
    refuses_a_client(&plugin, ErrorCode::FAILED_PRECONDITION);
}

#[test]
fn the_cuda_plugin_of_0_54() {
    let Some(plugin) = installed("cuda12-0.4.30") else {
        return;
    };
    smoke(&plugin, &CUDA_0_54, &Made::default());
    refuses_a_client(&plugin, ErrorCode::FAILED_PRECONDITION);
    // It made topologies of the GPUs of the machine only.
    if let Err(error) = plugin.create_topology("", &[]) {
        assert_eq!(error.code(), ErrorCode::FAILED_PRECONDITION, "{error}");
    }
    // Its handlers of custom calls had one function each, and theirs are laid out otherwise.
    let handler = Handler::device("of_another_layout", "CUDA").execute(|_| Ok(()));
    match handler.register(&plugin).unwrap_err() {
        Error::IncompatibleLayout {
            function,
            layout_since,
            plugin_version,
        } => {
            assert_eq!(function, "PJRT_Gpu_Register_Custom_Call");
            assert_eq!((layout_since, plugin_version), (55, (0, 54)));
        }
        error => panic!("{error}"),
    }
}

#[test]
fn options_that_plugins_take_for_text_must_be_text() {
    let Some(plugin) = plugin("cpu") else { return };
    for name in ["target_config", "topology", "host_target_machine_options"] {
        let value = Value::Int64(1);
        let made = plugin.create_topology("", &[NamedValue { name, value }]);
        match made.unwrap_err() {
            Error::InvalidArgument {
                argument, problem, ..
            } => {
                assert_eq!(argument, "create_options");
                assert!(problem.contains(name), "{problem}");
            }
            error => panic!("{error}"),
        }
    }
}
