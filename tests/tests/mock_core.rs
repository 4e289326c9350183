//! The core and the extensions of the mock plugin under the safe layer: what no other test asks of it,
//! at the newest minor and, where the answer is one of versions, at older ones.

#[path = "mock_core/dma.rs"]
mod dma;
#[path = "mock_core/uploads.rs"]
mod uploads;

use pjrt::{
    Buffer, BufferSpec, Client, ClientOptions, CompileOptions, DeviceView, ElementType, Error,
    ErrorCode, LoadedExecutable, MemoryLayout, OwnEvent, ProcessInfo, ProcessState, Program,
};
use pjrt_mock::{Failure, Fault, Mock, newest};
use pjrt_tests::{Mocked, mock, mocked};
use std::sync::mpsc::channel;
use std::time::Duration;

fn client(plugin: &Mocked) -> Client {
    plugin
        .create_client(&ClientOptions::new())
        .expect("a client")
}

fn floats(client: &Client) -> Buffer {
    client
        .buffer_from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2])
        .expect("a buffer")
}

fn memory(client: &Client) -> pjrt::Memory {
    client.addressable_devices().unwrap()[0]
        .default_memory()
        .unwrap()
}

fn program(client: &Client) -> LoadedExecutable {
    let text = "mock two\nparam f32[2,2]\nparam f32[2,2]\nout add 0 1\nout 1\n";
    client
        .compile(&Program::mlir(text), &CompileOptions::new())
        .expect("a program")
}

fn spec(dims: &[i64]) -> BufferSpec<'_> {
    BufferSpec {
        element_type: ElementType::F32,
        dims,
        layout: None,
    }
}

fn bytes(items: &[f32]) -> Vec<u8> {
    items.iter().flat_map(|x| x.to_ne_bytes()).collect()
}

#[test]
fn behaviours_are_of_functions_that_were_there() {
    assert_eq!(pjrt_mock::misnamed(), [""; 0]);
}

#[test]
fn arrays_are_sent_in_pieces_or_whole() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let mut manager = client
        .create_buffers_for_async_transfer(&[spec(&[4]), spec(&[2]), spec(&[1])], &memory(&client))
        .unwrap();
    assert_eq!(
        (
            manager.buffer_count().unwrap(),
            manager.buffer_size(0).unwrap()
        ),
        (3, 16)
    );
    manager.add_metadata(&[("name", "weights")]).unwrap();
    let one = manager
        .transfer_data(0, bytes(&[1.0, 2.0]), 0, false)
        .unwrap();
    let two = manager
        .transfer_data(0, bytes(&[3.0, 4.0]), 8, true)
        .unwrap();
    one.wait().unwrap();
    two.wait().unwrap();
    let whole = manager
        .transfer_literal(1, bytes(&[5.0, 6.0]), None)
        .unwrap();
    whole.wait().unwrap();
    let filled = manager.retrieve_buffer(0).unwrap();
    assert_eq!(filled.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    let filled = manager.retrieve_buffer(1).unwrap();
    assert_eq!(filled.to_vec::<f32>().unwrap(), [5.0, 6.0]);
    manager
        .set_buffer_error(2, ErrorCode::INTERNAL, "broken")
        .unwrap();
    let broken = manager.retrieve_buffer(2).unwrap();
    assert_eq!(
        broken.to_vec::<f32>().unwrap_err().code(),
        ErrorCode::INTERNAL
    );
}

#[test]
fn promises_are_kept_broken_and_forgotten() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let memory = memory(&client);
    let alias = || {
        client
            .create_alias_buffer(&memory, ElementType::F32, &[2, 2], None)
            .unwrap()
    };
    let (kept, fulfiller) = alias();
    fulfiller.fulfill(Ok(&floats(&client))).unwrap();
    assert_eq!(kept.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    let (broken, fulfiller) = alias();
    fulfiller
        .fulfill(Err((ErrorCode::ABORTED, "no more")))
        .unwrap();
    assert_eq!(
        broken.to_vec::<f32>().unwrap_err().code(),
        ErrorCode::ABORTED
    );
    let (forgotten, fulfiller) = alias();
    drop(fulfiller);
    assert_eq!(
        forgotten.to_vec::<f32>().unwrap_err().code(),
        ErrorCode::CANCELLED
    );
    let copy = floats(&client).copy_raw_to_host_later(4, 8).unwrap();
    assert_eq!(
        copy.provide(vec![0; 8]).unwrap().wait().unwrap(),
        bytes(&[2.0, 3.0])
    );
    drop(floats(&client).copy_raw_to_host_later(0, 4).unwrap());
    let Ok((given, dependency)) = floats(&client).donate_with_control_dependency() else {
        panic!("the buffer was not donated")
    };
    dependency.set(Ok(())).unwrap();
    assert_eq!(given.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    let own = OwnEvent::create(&plugin).unwrap();
    let event = own.event();
    own.set(Err((ErrorCode::DATA_LOSS, "gone"))).unwrap();
    assert_eq!(event.wait().unwrap_err().code(), ErrorCode::DATA_LOSS);
}

#[test]
fn buffers_come_about_in_every_way() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let memory = memory(&client);
    let made = client.create_uninitialized_buffer(&[2], ElementType::S1, None, None, Some(&memory));
    assert_eq!(made.unwrap().to_vec::<u8>().map_err(|_| ()), Err(()));
    let error = client
        .create_error_buffer(
            ErrorCode::INTERNAL,
            "broken",
            &[2],
            ElementType::F32,
            None,
            &memory,
            &[],
        )
        .unwrap();
    assert_eq!(
        error.to_vec::<f32>().unwrap_err().code(),
        ErrorCode::INTERNAL
    );
    let cast = floats(&client)
        .bitcast(ElementType::S32, &[4], None)
        .unwrap();
    assert_eq!(
        cast.to_vec::<i32>().unwrap()[0],
        1.0f32.to_bits().cast_signed()
    );
    let mut held = floats(&client);
    held.increase_external_reference_count().unwrap();
    held.decrease_external_reference_count().unwrap();
    let error = held.decrease_external_reference_count().unwrap_err();
    assert_eq!(error.code(), ErrorCode::INVALID_ARGUMENT);
    assert_eq!(held.memory_layout().unwrap(), MemoryLayout::row_major(2));
    #[repr(align(64))]
    struct Aligned([f32; 4]);
    let mut own = Box::new(Aligned([1.0, 2.0, 3.0, 4.0]));
    let view = DeviceView {
        address: (&raw mut own.0).cast(),
        element_type: ElementType::F32,
        dims: &[4],
        layout: None,
        device: None,
        memory: Some(&memory),
        stream: 0,
    };
    let (sender, receiver) = channel();
    // SAFETY: the memory goes when the plugin no longer uses it, and nobody else does.
    let buffer = unsafe {
        client.view_of_device_memory(&view, move || {
            drop(own);
            sender.send(()).unwrap();
        })
    };
    let buffer = buffer.unwrap();
    assert_eq!(buffer.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    drop(buffer);
    receiver.recv().unwrap();
}

#[test]
fn devices_topologies_and_programs_tell_of_themselves() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let device = &client.devices().unwrap()[1];
    let kept = floats(&client).copy_to_device(device).unwrap();
    kept.ready_event().unwrap().wait().unwrap();
    assert_eq!(device.memory_stats().unwrap().bytes_in_use, 16);
    device.clear_memory_stats().unwrap();
    assert_eq!(
        device
            .current_attributes()
            .unwrap()
            .values()
            .get("core")
            .unwrap()
            .as_i64(),
        Some(1)
    );
    drop(device.create_async_tracking_event("work").unwrap());
    assert!(
        device
            .poison_execution(7, ErrorCode::ABORTED, "poison", &[])
            .unwrap()
    );
    let infos = [ProcessInfo::new(0, 1, ProcessState::CONNECTED)];
    client.update_process_infos(&infos).unwrap();
    let topology = plugin.create_topology("mock:3", &[]).unwrap();
    let bytes = topology.serialize().unwrap();
    let again = plugin.deserialize_topology(&bytes).unwrap();
    assert_eq!(again.device_descriptions().unwrap().len(), 3);
    assert_eq!(
        again.fingerprint().unwrap(),
        topology.fingerprint().unwrap()
    );
    let kinds = topology.memory_space_kind_ids().unwrap();
    drop(
        topology
            .canonical_shape(kinds[0], &[2, 2], ElementType::F32, None)
            .unwrap(),
    );
    let text = Program::mlir("mock one\nparam s32[2]\nout 0");
    let compiled = topology
        .compile(&text, &CompileOptions::new(), None)
        .unwrap();
    let loaded = client.load(&compiled, None).unwrap();
    let input = client.buffer_from_slice(&[1i32, 2], &[2]).unwrap();
    assert_eq!(
        loaded.run(&[&input]).unwrap()[0].to_vec::<i32>().unwrap(),
        [1, 2]
    );
    let executable = program(&client).executable().unwrap();
    assert_eq!(
        executable.output_dimensions().unwrap(),
        [&[2, 2][..], &[2, 2]]
    );
    assert_eq!(
        executable.output_memory_kinds().unwrap(),
        ["device", "device"]
    );
    assert_eq!(
        executable
            .compiled_memory_stats()
            .unwrap()
            .output_size_in_bytes,
        32
    );
    assert!(executable.cost_analysis().unwrap().get("flops").is_some());
    assert!(
        executable
            .optimized_program()
            .unwrap()
            .code()
            .starts_with(b"mock two")
    );
    let bytes = executable.serialize().unwrap();
    // SAFETY: this plugin wrote the bytes a moment ago.
    let loaded = unsafe { client.deserialize_and_load(&bytes, None, None) }.unwrap();
    let assignment = loaded.device_assignment().unwrap().unwrap();
    assert_eq!(assignment.devices(), [0]);
    assert_eq!(loaded.addressable_device_logical_ids().unwrap().len(), 1);
}

#[test]
fn extensions_answer() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let executable = program(&client).executable().unwrap();
    let layouts: pjrt::layouts::Layouts = plugin.extension().unwrap();
    let layout = layouts.buffer_layout(&floats(&client)).unwrap();
    assert_eq!(layout.serialize().unwrap().to_vec(), b"{1,0}");
    assert_eq!(layouts.output_layouts(&executable).unwrap().len(), 2);
    assert_eq!(layouts.parameter_layouts(&executable).unwrap().len(), 2);
    let example: pjrt::example::Example = plugin.extension().unwrap();
    let object = example.create().unwrap();
    example.example_method(Some(&object), 3).unwrap();
    let versions: pjrt::abi_version::AbiVersion = plugin.extension().unwrap();
    let ours = versions.of_client(&client).unwrap();
    let needed = versions.of_executable(&executable).unwrap();
    ours.check_executable(&needed).unwrap();
    let again = versions
        .runtime_from_proto(&ours.to_proto().unwrap())
        .unwrap();
    ours.check_runtime(&again).unwrap();
    let shardings: pjrt::shardings::Shardings = plugin.extension().unwrap();
    assert!(shardings.output_shardings(&executable).is_ok());
    let memories: pjrt::memory_descriptions::MemoryDescriptions = plugin.extension().unwrap();
    let description = client.devices().unwrap()[0].description().unwrap();
    assert!(memories.of(&description).is_ok());
    let metadata: pjrt::executable_metadata::ExecutableMetadata = plugin.extension().unwrap();
    assert_eq!(metadata.of(&executable).unwrap().bytes().unwrap(), b"two");
}

#[test]
fn an_old_plugin_lacks_what_came_later_and_says_so() {
    let plugin = mock(54);
    let client = client(&plugin);
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
        ("PJRT_Device_ClearMemoryStats", (0, 54))
    );
    assert!(
        plugin
            .extensions()
            .iter()
            .all(|e| e.kind != pjrt::ExtensionType::SHARDINGS)
    );
    let missing = mocked(Mock::builder().without("PJRT_Client_PlatformName"));
    let error = self::client(&missing).platform_name().unwrap_err();
    assert!(matches!(error, Error::Unimplemented { .. }), "{error}");
}

#[test]
fn what_ends_late_is_waited_for_and_may_fail() {
    let plugin = mocked(Mock::builder().delay(Duration::from_millis(5)));
    let client = client(&plugin);
    let buffer = floats(&client);
    assert!(!buffer.ready_event().unwrap().is_ready().unwrap());
    assert_eq!(buffer.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    let failure = Failure::new(pjrt::sys::PJRT_Error_Code_DATA_LOSS, "torn");
    plugin
        .mock
        .fault("PJRT_Buffer_ToHostBuffer", Fault::Later(failure));
    assert_eq!(
        buffer.to_vec::<f32>().unwrap_err().code(),
        ErrorCode::DATA_LOSS
    );
    plugin.mock.heal();
    plugin
        .mock
        .fault("PJRT_Client_BufferFromHostBuffer", Fault::Never);
    let never = floats(&client);
    assert!(!never.ready_event().unwrap().is_ready().unwrap());
}

#[test]
fn want_of_memory_tells_what_the_devices_hold() {
    let full = Failure::new(pjrt::sys::PJRT_Error_Code_RESOURCE_EXHAUSTED, "no room");
    let plugin = mocked(Mock::builder().devices(2));
    let client = client(&plugin);
    let buffer = floats(&client);
    let program = program(&client);
    type Attempt<'a> = Box<dyn Fn() -> pjrt::Result<()> + 'a>;
    let device = &client.addressable_devices().unwrap()[1];
    let attempts: [(&str, Attempt<'_>); 3] = [
        (
            "PJRT_Client_BufferFromHostBuffer",
            Box::new(|| client.buffer_from_slice(&[1.0f32], &[1]).map(drop)),
        ),
        (
            "PJRT_LoadedExecutable_Execute",
            Box::new(|| program.run(&[&buffer, &buffer]).map(drop)),
        ),
        (
            "PJRT_Buffer_CopyToDevice",
            Box::new(|| buffer.copy_to_device(device).map(drop)),
        ),
    ];
    for (function, attempt) in &attempts {
        plugin.mock.fault(function, Fault::Error(full.clone()));
        let Err(Error::Plugin(error)) = attempt() else {
            panic!("{function} does not fail")
        };
        assert_eq!(error.code, ErrorCode::RESOURCE_EXHAUSTED);
        assert_eq!(error.device_memory.len(), 2, "{error}");
        let stats = device.memory_stats().unwrap();
        let told = &error.device_memory[1];
        assert_eq!(told.stats.bytes_limit, stats.bytes_limit);
        assert!(error.to_string().contains(&told.to_string()), "{error}");
        plugin.mock.heal();
        attempt().unwrap();
    }
    // Other failures ask nobody.
    let torn = Failure::new(pjrt::sys::PJRT_Error_Code_DATA_LOSS, "torn");
    plugin
        .mock
        .fault("PJRT_LoadedExecutable_Execute", Fault::Error(torn));
    match program.run(&[&buffer, &buffer]) {
        Err(Error::Plugin(error)) => assert!(error.device_memory.is_empty()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn wrong_use_is_told() {
    let plugin = Mock::builder().build();
    // SAFETY: the table is a plugin's and lives as long as the process.
    let loaded = unsafe { pjrt::Plugin::from_api(plugin.api()) }.unwrap();
    let client = loaded.create_client(&ClientOptions::new()).unwrap();
    let buffer = client.buffer_from_slice(&[1u8], &[1]).unwrap();
    let mut args = pjrt::sys::PJRT_Buffer_Destroy_Args::zeroed();
    args.struct_size = pjrt::sys::PJRT_Buffer_Destroy_Args_STRUCT_SIZE;
    args.buffer = buffer.as_raw();
    // SAFETY: the table is whole; the buffer is destroyed behind its handle's back, which a plugin
    // that does not keep books would not survive.
    let error = unsafe { ((*plugin.api()).PJRT_Buffer_Destroy.unwrap())(&raw mut args) };
    assert!(error.is_null());
    assert_eq!(
        buffer.dimensions().unwrap_err().code(),
        ErrorCode::INVALID_ARGUMENT
    );
    drop(buffer);
    drop(client);
    let report = plugin.report();
    assert_eq!(report.violations.len(), 2, "{report:?}");
    assert!(
        report
            .violations
            .iter()
            .all(|v| v.contains("used after its end")),
        "{report:?}"
    );
    assert_eq!(report.leaks, []);
}
