//! The real CPU plugin (PJRT 0.81): a program runs, and every generated method that needs no more
//! than that answers as the plugin is known to.

use pjrt::{
    Buffer, Client, CompileOptions, ElementType, Error, ErrorCode, LoadedExecutable, Program,
};
use pjrt_tests::{cpu, plugin};

const DENSE: &str = include_str!("../../pjrt/examples/dense_layer.mlir");

fn dense(client: &Client) -> LoadedExecutable {
    client
        .compile(&Program::mlir(DENSE), &CompileOptions::new())
        .unwrap()
}

fn vector(client: &Client) -> Buffer {
    client
        .buffer_from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2])
        .unwrap()
}

/// The code of the error that a call must give.
fn code<T: std::fmt::Debug>(result: pjrt::Result<T>) -> ErrorCode {
    match result {
        Err(Error::Plugin(error)) => error.code,
        other => panic!("expected an error of the plugin, got {other:?}"),
    }
}

#[test]
fn a_dense_layer_gives_what_rust_computes() {
    let Some(client) = cpu() else { return };
    let x = client
        .buffer_from_slice(&[1.0f32, 2.0, 3.0, -1.0, 0.5, 2.0], &[2, 3])
        .unwrap();
    let w = client
        .buffer_from_slice(&[0.5f32, -1.0, 0.25, 2.0, -0.75, 1.0], &[3, 2])
        .unwrap();
    let layer = dense(&client);
    // The inputs stay usable: a program never consumes them.
    for _ in 0..2 {
        let outputs = layer.run(&[&x, &w]).unwrap();
        assert_eq!(outputs.len(), 1);
        assert_eq!(outputs[0].dimensions().unwrap(), [2, 2]);
        assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [0.0, 5.0, 0.0, 3.0]);
    }
    assert!(!x.is_deleted().unwrap());
}

#[test]
fn a_program_that_does_not_parse_brings_the_compilers_message() {
    let Some(client) = cpu() else { return };
    let error = client
        .compile(&Program::mlir("func.func @main( {"), &CompileOptions::new())
        .unwrap_err();
    let Error::Plugin(error) = error else {
        panic!("expected the plugin's error, got {error}")
    };
    assert_eq!(error.function, "PJRT_Client_Compile");
    assert!(error.message.contains("expected"), "{}", error.message);
    assert_eq!(error.plugin_version, (0, 81));
}

#[test]
fn a_wrong_number_of_inputs_is_an_error_and_loses_nothing() {
    let Some(client) = cpu() else { return };
    let layer = dense(&client);
    let error = layer.run(&[]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::INVALID_ARGUMENT, "{error}");
    let x = client.buffer_from_slice(&[0.0f32; 6], &[2, 3]).unwrap();
    let w = client.buffer_from_slice(&[0.0f32; 6], &[3, 2]).unwrap();
    assert_eq!(
        layer.run(&[&x, &w]).unwrap()[0].to_vec::<f32>().unwrap(),
        [0.5, 0.0, 0.5, 0.0]
    );
}

#[test]
fn arrays_come_back_as_they_went() {
    let Some(client) = cpu() else { return };
    fn round_trip<T: pjrt::Element + PartialEq + std::fmt::Debug>(client: &Client, data: &[T]) {
        let dims = [i64::try_from(data.len()).unwrap()];
        let buffer = client.buffer_from_slice(data, &dims).unwrap();
        assert_eq!(buffer.element_type().unwrap(), T::TYPE);
        assert_eq!(buffer.to_vec::<T>().unwrap(), data);
    }
    round_trip(&client, &[1.5f32, -2.5, f32::INFINITY]);
    round_trip(&client, &[1.5f64, -2.5]);
    round_trip(&client, &[i8::MIN, 0, i8::MAX]);
    round_trip(&client, &[i16::MIN, 0, i16::MAX]);
    round_trip(&client, &[i32::MIN, 0, i32::MAX]);
    round_trip(&client, &[i64::MIN, 0, i64::MAX]);
    round_trip(&client, &[0u8, u8::MAX]);
    round_trip(&client, &[0u16, u16::MAX]);
    round_trip(&client, &[0u32, u32::MAX]);
    round_trip(&client, &[0u64, u64::MAX]);
    round_trip::<f32>(&client, &[]);
    let scalar = client.buffer_from_slice(&[7i32], &[]).unwrap();
    assert_eq!(
        (
            scalar.dimensions().unwrap(),
            scalar.to_vec::<i32>().unwrap()
        ),
        (&[][..], vec![7])
    );
}

#[test]
fn dimensions_that_do_not_describe_the_data_are_refused_before_the_call() {
    let Some(client) = cpu() else { return };
    for dims in [&[5][..], &[-4], &[2, 3], &[i64::MAX, i64::MAX], &[]] {
        let error = client.buffer_from_slice(&[0.0f32; 4], dims).unwrap_err();
        assert!(
            matches!(
                error,
                Error::InvalidArgument {
                    argument: "dims",
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn reading_another_type_is_refused_before_the_call() {
    let Some(client) = cpu() else { return };
    let error = vector(&client).to_vec::<i32>().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the elements are F32, and S32 was asked for"),
        "{error}"
    );
}

#[test]
fn handles_of_two_clients_do_not_mix() {
    let (Some(client), Some(plugin)) = (cpu(), plugin("cpu")) else {
        return;
    };
    let other = plugin.create_client(&pjrt::ClientOptions::new()).unwrap();
    let device = other.devices().unwrap().remove(0);
    let error = client
        .buffer_from_slice_on(&[0.0f32], &[1], &device)
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::ForeignHandle {
                argument: "device",
                must_share: "client",
                ..
            }
        ),
        "{error}"
    );
    let error = vector(&client).copy_to_device(&device).unwrap_err();
    assert!(
        matches!(
            error,
            Error::ForeignHandle {
                argument: "dst_device",
                ..
            }
        ),
        "{error}"
    );
    let error = dense(&client).run(&[&vector(&other)]).unwrap_err();
    assert!(
        matches!(
            error,
            Error::ForeignHandle {
                argument: "argument_lists",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_function_that_came_after_the_plugin_names_both_versions() {
    let Some(client) = cpu() else { return };
    let error = client.devices().unwrap()[0]
        .clear_memory_stats()
        .unwrap_err();
    let Error::Unimplemented {
        function,
        plugin_version,
        ..
    } = error
    else {
        panic!("got {error}")
    };
    assert_eq!(
        (function, plugin_version),
        ("PJRT_Device_ClearMemoryStats", (0, 81))
    );
}

#[test]
fn a_client_tells_what_it_is() {
    let Some(client) = cpu() else { return };
    assert_eq!(client.platform_name().unwrap(), "cpu");
    assert_eq!(client.platform_version().unwrap(), "cpu");
    assert_eq!(client.process_index().unwrap(), 0);
    assert_eq!(client.devices().unwrap().len(), 2);
    assert_eq!(client.addressable_devices().unwrap().len(), 2);
    assert_eq!(client.addressable_memories().unwrap().len(), 6);
    assert_eq!(
        client
            .topology_description()
            .unwrap()
            .platform_name()
            .unwrap(),
        "cpu"
    );
    assert_eq!(code(client.lookup_device(99)), ErrorCode::INVALID_ARGUMENT);
    assert_eq!(
        code(client.lookup_addressable_device(-1)),
        ErrorCode::INVALID_ARGUMENT
    );
    assert_eq!(
        client
            .lookup_device(1)
            .unwrap()
            .description()
            .unwrap()
            .id()
            .unwrap(),
        1
    );
}

#[test]
fn a_device_and_its_description_outlive_every_other_handle() {
    let Some(plugin) = plugin("cpu") else { return };
    let client = plugin
        .create_client(&pjrt::ClientOptions::cpu().device_count(1))
        .unwrap();
    let device = client.lookup_addressable_device(0).unwrap();
    drop(client);
    let description = device.description().unwrap();
    assert!(device.is_addressable().unwrap());
    assert_eq!(device.local_hardware_id().unwrap(), 0);
    drop(device);
    assert_eq!(description.process_index().unwrap(), 0);
    assert_eq!(description.kind().unwrap(), "cpu");
    assert_eq!(description.debug_string().unwrap(), "TFRT_CPU_0");
    assert_eq!(description.display_string().unwrap(), "CpuDevice(id=0)");
    assert!(description.attributes().unwrap().is_empty());
}

#[test]
fn memories_know_their_kind_and_devices() {
    let Some(client) = cpu() else { return };
    let device = client.lookup_device(1).unwrap();
    let memories = device.addressable_memories().unwrap();
    let mut kinds: Vec<&str> = memories.iter().map(|m| m.kind().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["device", "pinned_host", "unpinned_host"]);
    let memory = device.default_memory().unwrap();
    assert_eq!(
        (memory.kind().unwrap(), memory.kind_id().unwrap()),
        ("device", 42097224)
    );
    assert!(memory.id().unwrap() >= 0);
    assert!(
        !memory.debug_string().unwrap().is_empty() && !memory.display_string().unwrap().is_empty()
    );
    let devices = memory.addressable_by().unwrap();
    assert_eq!(devices[0].description().unwrap().id().unwrap(), 1);
}

#[test]
fn a_buffer_tells_what_it_holds() {
    let Some(client) = cpu() else { return };
    let buffer = vector(&client);
    assert_eq!(buffer.element_type().unwrap(), ElementType::F32);
    assert_eq!(buffer.dimensions().unwrap(), [2, 2]);
    assert_eq!(buffer.unpadded_dimensions().unwrap(), [2, 2]);
    let dynamic = buffer.dynamic_dimension_indices().unwrap();
    assert!(dynamic.is_empty(), "{dynamic:?}");
    assert_eq!(buffer.on_device_size().unwrap(), 16);
    assert_eq!(
        buffer
            .device()
            .unwrap()
            .description()
            .unwrap()
            .id()
            .unwrap(),
        0
    );
    assert_eq!(buffer.memory().unwrap().kind().unwrap(), "device");
    assert!(buffer.is_on_cpu().unwrap() && !buffer.is_deleted().unwrap());
    let event = buffer.ready_event().unwrap();
    event.wait().unwrap();
    assert!(event.is_ready().unwrap());
}

#[test]
fn buffers_are_copied_to_devices_and_memories() {
    let Some(client) = cpu() else { return };
    let device = client.lookup_device(1).unwrap();
    let copy = vector(&client).copy_to_device(&device).unwrap();
    assert_eq!(
        copy.device().unwrap().description().unwrap().id().unwrap(),
        1
    );
    assert_eq!(copy.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    for memory in device.addressable_memories().unwrap() {
        let copy = vector(&client).copy_to_memory(&memory).unwrap();
        assert_eq!(copy.memory().unwrap().id().unwrap(), memory.id().unwrap());
        assert_eq!(copy.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    }
}

#[test]
fn an_executable_outlives_the_loaded_one_and_the_client() {
    let Some(plugin) = plugin("cpu") else { return };
    let client = plugin.create_client(&pjrt::ClientOptions::new()).unwrap();
    let loaded = dense(&client);
    drop(client);
    assert_eq!(loaded.addressable_devices().unwrap().len(), 1);
    assert!(!loaded.is_deleted().unwrap());
    let executable = loaded.executable().unwrap();
    drop(loaded);
    assert_eq!(executable.name().unwrap(), "dense_layer");
    assert_eq!(
        (
            executable.num_replicas().unwrap(),
            executable.num_partitions().unwrap()
        ),
        (1, 1)
    );
    assert_eq!(executable.num_outputs().unwrap(), 1);
    assert_eq!(executable.generated_code_size().unwrap(), 0);
    assert!(!executable.fingerprint().unwrap().is_empty());
}

#[test]
fn a_topology_tells_what_it_describes_and_outlives_its_client() {
    let Some(plugin) = plugin("cpu") else { return };
    let client = plugin
        .create_client(&pjrt::ClientOptions::cpu().device_count(3))
        .unwrap();
    let topology = client.topology_description().unwrap();
    drop(client);
    assert_eq!(topology.platform_name().unwrap(), "cpu");
    assert_eq!(topology.platform_version().unwrap(), "cpu");
    assert!(topology.attributes().unwrap().is_empty());
    let descriptions = topology.device_descriptions().unwrap();
    drop(topology);
    assert_eq!(descriptions.len(), 3);
    assert_eq!(descriptions[2].kind().unwrap(), "cpu");
}

#[test]
fn the_plugin_describes_itself() {
    let Some(plugin) = plugin("cpu") else { return };
    assert_eq!(plugin.api_version().to_string(), "0.81");
    let attributes = plugin.attributes().unwrap();
    assert_eq!(
        attributes.get("xla_version").and_then(|v| v.as_i64()),
        Some(2)
    );
    assert_eq!(
        attributes
            .get("stablehlo_current_version")
            .and_then(|v| v.as_i64_list()),
        Some(&[1, 13, 3][..])
    );
    assert_eq!(attributes.get("no_such_attribute"), None);
}

#[test]
fn layouts_of_arrays_and_programs_are_told() {
    let (Some(client), Some(plugin)) = (cpu(), plugin("cpu")) else {
        return;
    };
    let layouts: pjrt::layouts::Layouts = plugin.extension().unwrap();
    let text = |layout: &pjrt::layouts::MemoryLayout| {
        let text = layout.layout().unwrap().to_string();
        assert_eq!(&layout.serialize().unwrap()[..], text.as_bytes());
        text
    };
    assert_eq!(
        text(&layouts.buffer_layout(&vector(&client)).unwrap()),
        "{1,0}"
    );
    let default = layouts
        .client_default_layout(&client, ElementType::F32, &[2, 3, 4])
        .unwrap();
    assert_eq!(text(&default), "{2,1,0}");
    let executable = dense(&client).executable().unwrap();
    let outputs = layouts.output_layouts(&executable).unwrap();
    drop((executable, default));
    // Layouts of the executable keep it alive and are not freed by us.
    assert_eq!(outputs.iter().map(text).collect::<Vec<_>>(), ["{1,0}"]);
    assert!(
        plugin
            .extensions()
            .iter()
            .any(|e| e.kind == pjrt::ExtensionType::LAYOUTS && e.size == 72)
    );
}

#[test]
fn a_slot_past_an_extensions_table_is_absent() {
    let (Some(client), Some(plugin)) = (cpu(), plugin("cpu")) else {
        return;
    };
    // The plugin's table has 72 bytes, and this function's slot would be behind them.
    let layouts: pjrt::layouts::Layouts = plugin.extension().unwrap();
    let error = layouts
        .parameter_layouts(&dense(&client).executable().unwrap())
        .unwrap_err();
    let Error::Unimplemented { function, .. } = error else {
        panic!("got {error}")
    };
    assert_eq!(function, "PJRT_Layouts_PJRT_Executable_GetParameterLayouts");
}
