//! A stub under the safe layer: everything that it does, and functions that it only refuses.

use super::Stub;
use pjrt::layouts::Layouts;
use pjrt::{
    Argument, Buffer, Client, ClientOptions, CompileOptions, ElementType, Error, ErrorCode, Event,
    ExecuteOptions, LoadedExecutable, NamedValues, Plugin, ProcessInfo, ProcessState, Program,
    Result, Value,
};
use std::sync::mpsc::channel;

const VALUES: [f32; 4] = [1.0, 2.0, 3.0, 4.0];

/// Drives a stub through the safe layer.
pub fn drive(stub: &Stub, plugin: &Plugin) {
    named(plugin.attributes().unwrap());
    let options = ClientOptions::cpu().device_count(2);
    let client = plugin.create_client(&options).unwrap();
    let heard = stub.heard();
    assert!(heard.contains("cpu_device_count=2\n"), "{heard}");
    assert!(heard.contains("kv_get_callback=null\n"), "{heard}");
    client_and_devices(stub, &client);
    let buffer = buffers(stub, &client);
    programs(stub, &client, &buffer);
    layouts(stub, plugin, &client, &buffer);
    refusals(stub, plugin, &client, &buffer);
    processes(stub, plugin.api_version().minor, &client);
}

fn named(values: NamedValues<'_>) {
    assert_eq!(values.len(), 5);
    assert_eq!(values.get("text").unwrap().as_str(), Some("stub"));
    assert_eq!(values.get("number").unwrap().as_i64(), Some(42));
    let list = values.get("list").unwrap();
    assert_eq!(list.as_i64_list(), Some(&[1, 2, 3][..]));
    assert!(matches!(values.get("real"), Some(Value::Float(0.5))));
    assert!(matches!(values.get("flag"), Some(Value::Bool(true))));
}

fn client_and_devices(stub: &Stub, client: &Client) {
    assert_eq!(client.platform_name().unwrap(), "stub");
    assert_eq!(client.platform_version().unwrap(), "stub of a header");
    assert_eq!(client.process_index().unwrap(), 3);
    assert_eq!(client.devices().unwrap().len(), 2);
    assert_eq!(client.addressable_memories().unwrap().len(), 1);
    let assigned = client.default_device_assignment(1, 2).unwrap();
    assert_eq!(assigned.devices(), [0, 10]);
    let second = client.lookup_device(1).unwrap();
    let same = client.lookup_addressable_device(1).unwrap();
    assert_eq!(same.as_raw(), second.as_raw());
    let device = &client.addressable_devices().unwrap()[1];
    assert!(device.is_addressable().unwrap());
    assert_eq!(device.local_hardware_id().unwrap(), 6);
    assert_eq!(device.addressable_memories().unwrap().len(), 1);
    let description = device.description().unwrap();
    assert_eq!(description.id().unwrap(), 1);
    assert_eq!(description.process_index().unwrap(), 3);
    assert_eq!(description.kind().unwrap(), "stub device");
    assert_eq!(description.debug_string().unwrap(), "debug");
    assert_eq!(description.display_string().unwrap(), "shown");
    named(description.attributes().unwrap());
    let memory = device.default_memory().unwrap();
    assert_eq!(memory.id().unwrap(), 7);
    assert_eq!(memory.kind().unwrap(), "device");
    assert_eq!(memory.debug_string().unwrap(), "memory debug");
    assert_eq!(memory.display_string().unwrap(), "memory shown");
    assert_eq!(memory.addressable_by().unwrap().len(), 2);
    let kind = allowed(stub, memory.kind_id());
    assert!(kind.is_none_or(|kind| kind == 9), "{kind:?}");
    let topology = client.topology_description().unwrap();
    assert_eq!(topology.platform_name().unwrap(), "stub topology");
    assert_eq!(topology.device_descriptions().unwrap().len(), 2);
    named(topology.attributes().unwrap());
    let stats = device.memory_stats().unwrap();
    assert_eq!(stats.bytes_in_use, 1);
    for (field, value, number) in [
        ("peak_bytes_in_use", stats.peak_bytes_in_use, 2),
        ("num_allocs", stats.num_allocs, 3),
        ("largest_alloc_size", stats.largest_alloc_size, 4),
        ("bytes_limit", stats.bytes_limit, 5),
        ("bytes_reserved", stats.bytes_reserved, 6),
        ("peak_bytes_reserved", stats.peak_bytes_reserved, 7),
        ("bytes_reservable_limit", stats.bytes_reservable_limit, 8),
        (
            "largest_free_block_bytes",
            stats.largest_free_block_bytes,
            9,
        ),
        ("pool_bytes", stats.pool_bytes, 10),
        ("peak_pool_bytes", stats.peak_pool_bytes, 11),
        ("peak_allocated_bytes", stats.peak_allocated_bytes, 12),
    ] {
        assert_eq!(value, stub.knows(field).then_some(number), "{field}");
    }
}

fn finish(event: &Event) {
    assert!(event.is_ready().unwrap());
    event.error().unwrap();
    event.wait().unwrap();
    let (sender, receiver) = channel();
    event
        .on_ready(move |result| sender.send(result.is_ok()).unwrap())
        .unwrap();
    assert_eq!(receiver.recv(), Ok(true));
}

fn buffers(stub: &Stub, client: &Client) -> Buffer {
    let buffer = client.buffer_from_slice(&VALUES, &[2, 2]).unwrap();
    stub.heard();
    finish(&buffer.ready_event().unwrap());
    assert_eq!(buffer.to_vec::<f32>().unwrap(), VALUES);
    assert_eq!(buffer.element_type().unwrap(), ElementType::F32);
    assert_eq!(buffer.dimensions().unwrap(), [2, 2]);
    assert_eq!(buffer.unpadded_dimensions().unwrap(), [2, 2]);
    assert_eq!(buffer.dynamic_dimension_indices().unwrap(), [1]);
    assert_eq!(buffer.on_device_size().unwrap(), 16);
    let layout = buffer.memory_layout().unwrap();
    assert_eq!(layout, pjrt::MemoryLayout::strides(&[8, 4]));
    let second = client.lookup_device(1).unwrap();
    assert_eq!(buffer.device().unwrap().as_raw(), second.as_raw());
    assert_eq!(buffer.memory().unwrap().id().unwrap(), 7);
    assert!(!buffer.is_deleted().unwrap());
    assert!(buffer.is_on_cpu().unwrap());
    assert_eq!(buffer.unsafe_pointer().unwrap(), 4096);
    let copy = buffer
        .copy_to_device(&client.lookup_device(0).unwrap())
        .unwrap();
    assert_eq!(copy.to_vec::<f32>().unwrap(), VALUES);
    copy
}

fn programs(stub: &Stub, client: &Client, buffer: &Buffer) {
    let options = CompileOptions::new();
    let error = client
        .compile(&Program::mlir("refuse"), &options)
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::FAILED_PRECONDITION);
    assert!(error.to_string().contains("refused as told"), "{error}");
    let Error::Plugin(plugin) = error else {
        panic!("{error}")
    };
    let payloads = [("payload".to_owned(), b"kept".to_vec())];
    let has = stub.compiled.slots.contains("PJRT_Error_ForEachPayload");
    assert_eq!(plugin.payloads, if has { &payloads[..] } else { &[] });
    let loaded = client.compile(&Program::mlir("same"), &options).unwrap();
    assert!(stub.heard().contains("format=mlir\noptions=some\n"));
    execute(stub, client, &loaded, buffer);
    let executable = loaded.executable().unwrap();
    assert_eq!(executable.name().unwrap(), "trivial");
    assert_eq!(executable.num_replicas().unwrap(), 1);
    assert_eq!(executable.num_partitions().unwrap(), 1);
    assert_eq!(executable.generated_code_size().unwrap(), 77);
    named(executable.cost_analysis().unwrap());
    assert_eq!(
        executable.output_element_types().unwrap(),
        [ElementType::F32]
    );
    assert_eq!(executable.output_dimensions().unwrap(), [&[2i64, 2][..]]);
    assert_eq!(executable.output_memory_kinds().unwrap(), ["device"]);
    let program = executable.optimized_program().unwrap();
    assert_eq!((program.code(), program.format()), (&b"same"[..], "mlir"));
    let print = allowed(stub, executable.fingerprint());
    assert!(print.is_none_or(|print| print == b"fingerprint"));
    assert_eq!(loaded.fingerprint().unwrap(), b"fingerprint");
    let bytes = executable.serialize().unwrap().to_vec();
    assert_eq!(bytes, b"same");
    // SAFETY: the stub takes any bytes.
    let again = unsafe { client.deserialize_and_load(&bytes, None, None) };
    if let Some(again) = allowed(stub, again) {
        assert!(!again.is_deleted().unwrap());
    }
    let stats = executable.compiled_memory_stats().unwrap();
    assert_eq!(
        [
            stats.generated_code_size_in_bytes,
            stats.argument_size_in_bytes,
            stats.output_size_in_bytes,
            stats.alias_size_in_bytes,
            stats.temp_size_in_bytes
        ],
        [1, 2, 3, 4, 5]
    );
    for (field, value, number) in [
        (
            "host_generated_code_size_in_bytes",
            stats.host_generated_code_size_in_bytes,
            6,
        ),
        (
            "host_argument_size_in_bytes",
            stats.host_argument_size_in_bytes,
            7,
        ),
        (
            "host_output_size_in_bytes",
            stats.host_output_size_in_bytes,
            8,
        ),
        (
            "host_alias_size_in_bytes",
            stats.host_alias_size_in_bytes,
            9,
        ),
        ("host_temp_size_in_bytes", stats.host_temp_size_in_bytes, 10),
        ("peak_memory_in_bytes", stats.peak_memory_in_bytes, 11),
        ("total_size_in_bytes", stats.total_size_in_bytes, 12),
        ("total_allocation_bytes", stats.total_allocation_bytes, 13),
        ("indefinite_allocations", stats.indefinite_allocations, 14),
        (
            "peak_unpadded_heap_bytes",
            stats.peak_unpadded_heap_bytes,
            15,
        ),
    ] {
        assert_eq!(value, stub.knows(field).then_some(number), "{field}");
    }
}

fn execute(stub: &Stub, client: &Client, loaded: &LoadedExecutable, buffer: &Buffer) {
    let outputs = loaded.run(&[buffer]).unwrap();
    assert_eq!(outputs[0].to_vec::<f32>().unwrap(), VALUES);
    let heard = stub.heard();
    assert!(
        heard.contains("num_non_donatable_input_indices=1\n"),
        "{heard}"
    );
    let options = ExecuteOptions::new().launch_id(7);
    let mut done = loaded
        .execute(vec![vec![Argument::Borrow(buffer)]], &options)
        .unwrap();
    let done = done.pop().unwrap();
    finish(&done.done);
    assert_eq!(done.outputs[0].to_vec::<f32>().unwrap(), VALUES);
    let heard = stub.heard();
    assert!(heard.contains("launch_id=7\n"), "{heard}");
    for (field, shown, options) in [
        (
            "call_location",
            "call_location=x.py:1\n",
            ExecuteOptions::new().call_location("x.py:1"),
        ),
        (
            "incarnation_ids",
            "incarnation_ids=4/99\n",
            ExecuteOptions::new().task(4, 99),
        ),
    ] {
        let arguments = vec![vec![Argument::Borrow(buffer)]];
        match loaded.execute(arguments, &options) {
            Ok(_) => assert!(stub.heard().contains(shown), "{field}"),
            Err(Error::TooNew { .. }) => assert!(!stub.knows(field), "{field}"),
            Err(error) => panic!("{field}: {error}"),
        }
    }
    let device = client.lookup_device(1).unwrap();
    let options = ExecuteOptions::new();
    let done = loaded.execute_on(&device, vec![Argument::Borrow(buffer)], &options);
    drop(done.unwrap());
    let heard = stub.heard();
    assert!(heard.contains("execute_device=1\n"), "{heard}");
}

fn layouts(stub: &Stub, plugin: &Plugin, client: &Client, buffer: &Buffer) {
    let chain_fault = plugin.extension_chain_fault();
    assert_eq!(
        chain_fault.is_some(),
        stub.compiled.old_chain,
        "{chain_fault:?}"
    );
    let nodes = plugin.extensions().len();
    assert_eq!(nodes, usize::from(!stub.compiled.old_chain));
    let extension = match plugin.extension::<Layouts>() {
        Ok(extension) => extension,
        Err(Error::NoExtension { .. }) if !stub.compiled.layouts => return,
        Err(error) => panic!("{error}"),
    };
    let layout = extension.buffer_layout(buffer).unwrap();
    assert_eq!(layout.serialize().unwrap().to_vec(), b"{1,0}");
    let default = extension.client_default_layout(client, ElementType::F32, &[2, 2]);
    assert_eq!(default.unwrap().serialize().unwrap().to_vec(), b"{1,0}");
}

/// The answer, if the header has the function; none if it truly has not.
fn allowed<T>(stub: &Stub, result: Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(Error::Unimplemented { function, .. }) => {
            let has = stub.compiled.slots.contains(function);
            assert!(!has, "{function} is in the header");
            None
        }
        Err(Error::IncompatibleLayout {
            function,
            layout_since,
            plugin_version: (_, minor),
        }) => {
            assert_eq!((minor, function), DISPUTED);
            assert_eq!(layout_since, 76);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// What two headers of minor version 75 take in two layouts: a plugin of it cannot be told which.
const DISPUTED: (i32, &str) = (75, "PJRT_Client_UpdateGlobalProcessInfo");

/// What the stub refuses: the arguments were as long as its header says, or it would say that.
fn refusals(stub: &Stub, plugin: &Plugin, client: &Client, buffer: &Buffer) {
    let refused = |result: Result<()>| match result {
        Err(error) if error.code() == ErrorCode::UNIMPLEMENTED => match error {
            Error::Unimplemented { function, .. } => {
                let has = stub.compiled.slots.contains(function);
                assert!(!has, "{function} is in the header");
            }
            error => assert!(matches!(error, Error::Plugin(_)), "{error}"),
        },
        other => panic!("expected a refusal, got {other:?}"),
    };
    let device = client.lookup_device(0).unwrap();
    let memory = device.default_memory().unwrap();
    let topology = client.topology_description().unwrap();
    let loaded = client
        .compile(&Program::mlir("same"), &CompileOptions::new())
        .unwrap();
    let executable = loaded.executable().unwrap();
    let f32s = ElementType::F32;
    refused(plugin.create_topology("two", &[]).map(drop));
    refused(plugin.deserialize_topology(b"two").map(drop));
    refused(plugin.create_execute_context().map(drop));
    refused(buffer.delete());
    refused(buffer.copy_to_memory(&memory).map(drop));
    refused(buffer.copy_raw_to_host(0, 4).map(drop));
    refused(buffer.opaque_device_memory_data_pointer().map(drop));
    refused(device.clear_memory_stats());
    refused(device.current_attributes().map(drop));
    refused(device.create_async_tracking_event("work").map(drop));
    let poison = device.poison_execution(1, ErrorCode::ABORTED, "poison", &[]);
    refused(poison.map(drop));
    refused(executable.compile_options().map(drop));
    refused(executable.parameter_memory_kinds().map(drop));
    refused(loaded.device_assignment().map(drop));
    refused(loaded.addressable_device_logical_ids().map(drop));
    let uninitialized = client.create_uninitialized_buffer(&[2], f32s, None, Some(&device), None);
    refused(uninitialized.map(drop));
    let broken =
        client.create_error_buffer(ErrorCode::ABORTED, "broken", &[2], f32s, None, &memory, &[]);
    refused(broken.map(drop));
    let alias = client.create_alias_buffer(&memory, f32s, &[2], None);
    refused(alias.map(drop));
    let compiled = topology.compile(&Program::mlir("same"), &CompileOptions::new(), None);
    refused(compiled.map(drop));
    refused(client.load(&executable, None).map(drop));
    refused(topology.serialize().map(drop));
    refused(topology.fingerprint().map(drop));
    refused(topology.memory_space_kind_ids().map(drop));
    refused(topology.canonical_shape(0, &[2], f32s, None).map(drop));
    drop(executable);
    refused(loaded.delete());
}

fn processes(stub: &Stub, minor: i32, client: &Client) {
    let failed = ProcessInfo::new(5, 1 << 40, ProcessState::CONNECTED);
    let infos = [
        ProcessInfo::new(4, 8, ProcessState::CONNECTED),
        failed.error(ErrorCode::ABORTED, "gone"),
    ];
    stub.heard();
    let told = allowed(stub, client.update_process_infos(&infos));
    let function = "PJRT_Client_UpdateGlobalProcessInfo";
    let (disputed, _) = DISPUTED;
    if stub.compiled.slots.contains(function) && minor != disputed {
        told.unwrap();
        let expected = "task_id=4\nincarnation_id=8\nerror=\n\
            task_id=5\nincarnation_id=1099511627776\nerror=gone\n";
        assert_eq!(stub.heard(), expected);
    } else {
        assert!(told.is_none(), "{minor}");
    }
}
