//! Every call that is known to end the process, or never to return, on the real CPU plugin (PJRT
//! 0.81), as safe code would make it: it is refused or works. Each in a process of its own.
//!
//! What cannot be written in safe code has no test here: arguments of runs that are null, structs
//! smaller than they are, options and values of a wrong tag, unloading a library, setting an event
//! twice. What no check can catch is in the documentation of `Client` (a fork with a live client),
//! `Plugin::load` (one process for each TPU) and of functions that are unsafe.

use pjrt::{
    AsyncTransferManager, BufferSpec, Client, ClientOptions, CompileOptions, ElementType, Error,
    ErrorCode, HostArray, HostVec, MemoryLayout, Plugin, ProcessInfo, ProcessState, Program,
};
use pjrt_tests::child::{alone, is_child};

/// Runs a test on the plugin, in a process of its own.
fn on_cpu(test: &str, body: impl FnOnce(&Plugin)) {
    if is_child(test) {
        let plugin = pjrt_tests::plugin("cpu").expect("the parent has it");
        return body(&plugin);
    }
    if pjrt_tests::wanted("cpu") {
        alone(test);
    }
}

fn client(plugin: &Plugin) -> Client {
    let options = ClientOptions::cpu().device_count(2);
    plugin.create_client(&options).unwrap()
}

fn memory(client: &Client) -> pjrt::Memory {
    client.addressable_devices().unwrap()[0]
        .default_memory()
        .unwrap()
}

/// The argument that a call is refused for, before it reaches the plugin.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: pjrt::Result<T>) -> &'static str {
    match result {
        Err(Error::InvalidArgument { argument, .. }) => argument,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn the_outcome_of_an_event_that_is_pending() {
    on_cpu("the_outcome_of_an_event_that_is_pending", |plugin| {
        let client = client(plugin);
        let alias = client.create_alias_buffer(&memory(&client), ElementType::F32, &[2], None);
        let (alias, promise) = alias.unwrap();
        let event = alias.ready_event().unwrap();
        assert_eq!(refused(event.error()), "self");
        drop(promise);
        assert_eq!(event.wait().unwrap_err().code(), ErrorCode::CANCELLED);
        event.error().unwrap_err();
    });
}

#[test]
fn states_of_processes_that_there_are_not() {
    on_cpu("states_of_processes_that_there_are_not", |plugin| {
        let client = client(plugin);
        for state in [-1, 99] {
            let info = ProcessInfo::new(0, 1, ProcessState::from(state));
            assert_eq!(refused(client.update_process_infos(&[info])), "state");
        }
        let info = ProcessInfo::new(0, 1, ProcessState::CONNECTED);
        client.update_process_infos(&[info]).unwrap();
    });
}

#[test]
fn a_buffer_that_is_nowhere() {
    on_cpu("a_buffer_that_is_nowhere", |plugin| {
        let client = client(plugin);
        let made = client.create_uninitialized_buffer(&[2], ElementType::F32, None, None, None);
        assert_eq!(refused(made), "device");
        let buffer = client.buffer_from_array(&[1.0f32], &HostArray::new(&[1]));
        assert_eq!(buffer.unwrap().to_vec::<f32>().unwrap(), [1.0]);
    });
}

#[test]
fn types_that_no_array_has_or_that_came_later() {
    on_cpu("types_that_no_array_has_or_that_came_later", |plugin| {
        let client = client(plugin);
        let place = memory(&client);
        let numbers = (0..64).chain([i32::MAX, -1]);
        let mut made = 0;
        for element_type in numbers.map(ElementType::from) {
            let buffer =
                client.create_uninitialized_buffer(&[2], element_type, None, None, Some(&place));
            let spec = BufferSpec {
                element_type,
                dims: &[2],
                layout: None,
            };
            let manager = client.create_buffers_for_async_transfer(&[spec], &place);
            let alias = client.create_alias_buffer(&place, element_type, &[2], None);
            assert_eq!(buffer.is_ok(), manager.is_ok(), "{element_type}");
            assert_eq!(buffer.is_ok(), alias.is_ok(), "{element_type}");
            if let Ok(mut manager) = manager {
                bytes_come_back(&mut manager);
                made += 1;
            }
        }
        assert!(made >= 26, "{made} types");
    });
}

/// Fills the one buffer of a manager, and reads it, whatever its elements are.
fn bytes_come_back(manager: &mut AsyncTransferManager) {
    let size = manager.buffer_size(0).unwrap();
    let buffer = manager.retrieve_buffer(0).unwrap();
    let bytes: Vec<u8> = (0..=1).cycle().take(size).collect();
    drop(manager.transfer_data(0, bytes.clone(), 0, true).unwrap());
    let copied = buffer.copy_raw_to_host(0, size).unwrap();
    assert_eq!(copied.wait().unwrap(), bytes, "{buffer:?}");
}

#[test]
fn strides_that_are_too_few_or_lead_astray() {
    on_cpu("strides_that_are_too_few_or_lead_astray", |plugin| {
        let client = client(plugin);
        let upload = |strides: &[i64]| {
            let array = HostArray::new(&[2, 2]).strides(0, strides);
            refused(client.buffer_from_array(&[1.0f32; 4], &array))
        };
        for strides in [&[][..], &[4], &[4, 8, 16], &[8, 16], &[-8, 4], &[2, 4]] {
            assert_eq!(upload(strides), "byte_strides", "{strides:?}");
        }
    });
}

#[test]
fn nothing_at_all() {
    on_cpu("nothing_at_all", |plugin| {
        let client = client(plugin);
        let none: [f32; 0] = [];
        for dims in [&[0][..], &[0, 3], &[3, 0, 2]] {
            let buffer = client.buffer_from_slice(&none, dims).unwrap();
            assert!(buffer.to_vec::<f32>().unwrap().is_empty());
            let copied = buffer.copy_raw_to_host(0, 0).unwrap();
            assert!(copied.wait().unwrap().is_empty());
            let owned = HostVec::<f32>::zeroed(0).unwrap();
            let buffer = client.buffer_from_owned(owned, &HostArray::new(dims));
            assert!(buffer.unwrap().to_vec::<f32>().unwrap().is_empty());
        }
        let manager = client.create_buffers_for_async_transfer(&[], &memory(&client));
        if let Ok(manager) = manager {
            assert_eq!(manager.buffer_count().unwrap(), 0);
            assert_eq!(refused(manager.buffer_size(0)), "buffer_index");
        }
    });
}

#[test]
fn arrays_that_no_memory_holds() {
    on_cpu("arrays_that_no_memory_holds", |plugin| {
        let client = client(plugin);
        let place = memory(&client);
        for dims in [&[i64::MAX][..], &[i64::MIN], &[-1], &[1 << 31; 3]] {
            let buffer =
                client.create_uninitialized_buffer(dims, ElementType::U8, None, None, Some(&place));
            assert_eq!(refused(buffer), "shape_dims", "{dims:?}");
            let repeated = vec![0; dims.len()];
            let array = HostArray::new(dims).strides(0, &repeated);
            assert_eq!(refused(client.buffer_from_array(&[0u8], &array)), "dims");
        }
        // What some memory might hold is the plugin's to refuse.
        let dims = [1 << 46];
        let code = |result: pjrt::Result<()>| result.unwrap_err().code();
        let buffer =
            client.create_uninitialized_buffer(&dims, ElementType::U8, None, None, Some(&place));
        assert_eq!(code(buffer.map(drop)), ErrorCode::RESOURCE_EXHAUSTED);
        let array = HostArray::new(&dims).strides(0, &[0]);
        let buffer = client.buffer_from_array(&[0u8], &array);
        assert_eq!(code(buffer.map(drop)), ErrorCode::RESOURCE_EXHAUSTED);
    });
}

#[test]
fn compile_options_that_say_little() {
    on_cpu("compile_options_that_say_little", |plugin| {
        let client = client(plugin);
        let program = "func.func @main(%x: tensor<f32>) -> tensor<f32> { return %x : tensor<f32> }";
        let compile = |options: &CompileOptions| client.compile(&Program::mlir(program), options);
        for options in [
            CompileOptions::default(),
            CompileOptions::new().replicas(0),
            CompileOptions::new().partitions(0),
            CompileOptions::new().replicas(0).partitions(0),
        ] {
            let compiled = compile(&options).unwrap();
            let x = client.buffer_from_slice(&[7.0f32], &[]).unwrap();
            assert_eq!(
                compiled.run(&[&x]).unwrap()[0].to_vec::<f32>().unwrap(),
                [7.0]
            );
        }
        let many = compile(&CompileOptions::new().replicas(8)).unwrap_err();
        assert_eq!(many.code(), ErrorCode::INVALID_ARGUMENT);
    });
}

#[test]
fn programs_that_are_none() {
    on_cpu("programs_that_are_none", |plugin| {
        let client = client(plugin);
        let options = CompileOptions::new();
        let noise: Vec<u8> = (0..=255).cycle().take(4096).collect();
        let bytecode = [&b"ML\xefR"[..], &noise].concat();
        for code in [&b""[..], b"\0", b"module", &noise, &bytecode] {
            client.compile(&Program::mlir(code), &options).unwrap_err();
        }
        for code in [&b"\x0a\xff\xff\xff\xff\x0f"[..], b"\x0a", &noise] {
            client.compile(&Program::hlo(code), &options).unwrap_err();
        }
        let without_main = "func.func @other() { return }";
        client
            .compile(&Program::mlir(without_main), &options)
            .unwrap_err();
    });
}

#[test]
fn arguments_that_are_not_those_of_the_program() {
    on_cpu("arguments_that_are_not_those_of_the_program", |plugin| {
        let client = client(plugin);
        let program =
            "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }";
        let program = client.compile(&Program::mlir(program), &CompileOptions::new());
        let program = program.unwrap();
        let good = client.buffer_from_slice(&[1.0f32, 2.0], &[2]).unwrap();
        // This plugin compares no more than sizes in bytes.
        let integers = client.buffer_from_slice(&[1i32, 2], &[2]).unwrap();
        let column = client.buffer_from_slice(&[1.0f32, 2.0], &[2, 1]).unwrap();
        let short = client.buffer_from_slice(&[1.0f32], &[1]).unwrap();
        for arguments in [
            &[][..],
            &[&good, &good],
            &[&integers],
            &[&column],
            &[&short],
        ] {
            assert_eq!(refused(program.run(arguments)), "argument_lists");
        }
        let deleted = client.buffer_from_slice(&[1.0f32, 2.0], &[2]).unwrap();
        deleted.delete().unwrap();
        let error = program.run(&[&deleted]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::INVALID_ARGUMENT);
        assert_eq!(
            program.run(&[&good]).unwrap()[0].to_vec::<f32>().unwrap(),
            [1.0, 2.0]
        );
    });
}

#[test]
fn what_is_asked_of_a_buffer_that_was_deleted() {
    on_cpu("what_is_asked_of_a_buffer_that_was_deleted", |plugin| {
        let client = client(plugin);
        let buffer = client.buffer_from_slice(&[1.0f32, 2.0], &[2]).unwrap();
        let dims = buffer.dimensions().unwrap();
        buffer.delete().unwrap();
        assert_eq!(dims, [2]);
        assert_eq!(buffer.dimensions().unwrap(), [2]);
        assert_eq!(buffer.element_type().unwrap(), ElementType::F32);
        assert!(buffer.is_deleted().unwrap());
        buffer.delete().unwrap();
        buffer.to_vec::<f32>().unwrap_err();
        buffer.unsafe_pointer().unwrap_err();
        let device = buffer.device().unwrap();
        // Each may say that the buffer is gone, or nothing.
        let _ = (buffer.on_device_size(), buffer.memory_layout());
        let _ = buffer.opaque_device_memory_data_pointer();
        let event = buffer.ready_event();
        assert!(event.is_err() || event.unwrap().wait().is_err());
        let copied = buffer.copy_raw_to_host(0, 8).and_then(|copy| copy.wait());
        assert!(copied.is_err(), "{copied:?}");
        let copied = buffer.copy_to_device(&device);
        assert!(copied.and_then(|copy| copy.to_vec::<f32>()).is_err());
    });
}

#[test]
fn pieces_for_a_buffer_that_has_its_last() {
    on_cpu("pieces_for_a_buffer_that_has_its_last", |plugin| {
        let client = client(plugin);
        let spec = BufferSpec {
            element_type: ElementType::F32,
            dims: &[2],
            layout: None,
        };
        let manager = client.create_buffers_for_async_transfer(&[spec; 3], &memory(&client));
        let mut manager = manager.unwrap();
        drop(manager.transfer_data(0, vec![0; 8], 0, true).unwrap());
        let more = manager.transfer_data(0, vec![0; 8], 0, true);
        assert_eq!(refused(more.map(drop)), "buffer_index");
        let broken = manager.set_buffer_error(0, ErrorCode::INTERNAL, "late");
        assert_eq!(refused(broken), "buffer_index");
        manager
            .set_buffer_error(1, ErrorCode::INTERNAL, "")
            .unwrap();
        let more = manager.transfer_data(1, vec![0; 8], 0, true);
        assert_eq!(refused(more.map(drop)), "buffer_index");
        let ok = manager.set_buffer_error(2, ErrorCode::OK, "");
        assert_eq!(refused(ok), "error_code");
        // A buffer whose manager is gone before its last piece is broken, and says so.
        let left = manager.retrieve_buffer(2).unwrap();
        drop(manager);
        left.to_vec::<f32>().unwrap_err();
    });
}

#[test]
fn devices_that_there_are_not() {
    on_cpu("devices_that_there_are_not", |plugin| {
        let client = client(plugin);
        for id in [-1, 2, i32::MAX] {
            client.lookup_device(id).unwrap_err();
            client.lookup_addressable_device(id).unwrap_err();
        }
        for (replicas, partitions) in [(0, 1), (1, 0), (u32::MAX, u32::MAX)] {
            let assigned = client.default_device_assignment(replicas, partitions);
            assert!(assigned.is_err(), "{assigned:?}");
        }
    });
}

#[test]
fn sizes_of_memory_that_plugins_write_without_asking() {
    let name = "sizes_of_memory_that_plugins_write_without_asking";
    on_cpu(name, |plugin| {
        let client = client(plugin);
        let program = "func.func @main(%x: tensor<f32>) -> tensor<f32> { return %x : tensor<f32> }";
        let program = client.compile(&Program::mlir(program), &CompileOptions::new());
        let executable = program.unwrap().executable().unwrap();
        let stats = executable.compiled_memory_stats().unwrap();
        assert_eq!(stats.argument_size_in_bytes, 4);
        assert!(executable.cost_analysis().unwrap().iter().count() > 0);
    });
}

#[test]
fn what_outlives_what_it_came_from() {
    on_cpu("what_outlives_what_it_came_from", |plugin| {
        let client = client(plugin);
        let program = "func.func @main(%x: tensor<f32>) -> tensor<f32> { return %x : tensor<f32> }";
        let program = client.compile(&Program::mlir(program), &CompileOptions::new());
        let program = program.unwrap();
        let x = client.buffer_from_slice(&[7.0f32], &[]).unwrap();
        let y = program.run(&[&x]).unwrap().remove(0);
        let executable = program.executable().unwrap();
        let topology = client.topology_description().unwrap();
        let memory = memory(&client);
        drop((client, program));
        assert_eq!(y.to_vec::<f32>().unwrap(), [7.0]);
        assert!(!executable.fingerprint().unwrap().is_empty());
        assert!(!memory.kind().unwrap().is_empty());
        assert!(!topology.serialize().unwrap().is_empty());
        drop((x, y, memory, topology));
        assert_eq!(executable.num_outputs().unwrap(), 1);
    });
}

#[test]
fn a_client_that_ends_while_its_devices_work() {
    on_cpu("a_client_that_ends_while_its_devices_work", |plugin| {
        for _ in 0..3 {
            let client = client(plugin);
            let program = "func.func @main(%x: tensor<256x256xf32>) -> tensor<256x256xf32> {
              %0 = stablehlo.dot_general %x, %x, contracting_dims = [1] x [0]
                : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
              return %0 : tensor<256x256xf32>
            }";
            let program = client.compile(&Program::mlir(program), &CompileOptions::new());
            let data = HostVec::<f32>::zeroed(256 * 256).unwrap();
            let (x, copy) = client.upload(data, &HostArray::new(&[256, 256])).unwrap();
            let outputs = program.unwrap().run(&[&x]).unwrap();
            let later = outputs[0].copy_raw_to_host(0, 64).unwrap();
            drop((client, x, copy, outputs, later));
        }
    });
}

#[test]
fn bytes_of_an_array_that_has_no_memory_yet() {
    on_cpu("bytes_of_an_array_that_has_no_memory_yet", |plugin| {
        let client = client(plugin);
        let place = memory(&client);
        let whole = client.buffer_from_slice(&[1.0f32, 2.0], &[2]).unwrap();
        let alias = || {
            let alias = client.create_alias_buffer(&place, ElementType::F32, &[2], None);
            alias.unwrap()
        };
        let (kept, promise) = alias();
        std::thread::scope(|scope| {
            let copied = scope.spawn(|| kept.copy_raw_to_host(4, 4)?.wait());
            promise.fulfill(Ok(&whole)).unwrap();
            assert_eq!(copied.join().unwrap().unwrap(), 2.0f32.to_ne_bytes());
        });
        // What a run leaves gets its memory while it runs.
        let program = "func.func @main(%x: tensor<512x512xf32>) -> tensor<512x512xf32> {
          %0 = stablehlo.dot_general %x, %x, contracting_dims = [1] x [0]
            : (tensor<512x512xf32>, tensor<512x512xf32>) -> tensor<512x512xf32>
          return %0 : tensor<512x512xf32>
        }";
        let program = client.compile(&Program::mlir(program), &CompileOptions::new());
        let program = program.unwrap();
        let ones = client.buffer_from_slice(&vec![1.0f32; 512 * 512], &[512, 512]);
        let ones = ones.unwrap();
        for _ in 0..5 {
            let output = program.run(&[&ones]).unwrap().remove(0);
            let copied = output.copy_raw_to_host(0, 4).unwrap().wait().unwrap();
            assert_eq!(copied, 512.0f32.to_ne_bytes());
        }
        // One that never has any says why.
        let (broken, promise) = alias();
        promise
            .fulfill(Err((ErrorCode::ABORTED, "no more")))
            .unwrap();
        let error = broken.copy_raw_to_host(0, 4).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ABORTED);
    });
}

#[test]
fn a_layout_with_strides_on_the_device() {
    on_cpu("a_layout_with_strides_on_the_device", |plugin| {
        let client = client(plugin);
        let strides = MemoryLayout::strides(&[4]);
        let array = HostArray::new(&[1]).device_layout(&strides);
        let error = client.buffer_from_array(&[1.0f32], &array).unwrap_err();
        assert_eq!(error.code(), ErrorCode::INVALID_ARGUMENT);
        let rank = MemoryLayout::row_major(2);
        let array = HostArray::new(&[1]).device_layout(&rank);
        assert_eq!(
            refused(client.buffer_from_array(&[1.0f32], &array)),
            "device_layout"
        );
    });
}

#[test]
fn a_library_that_is_loaded_again() {
    on_cpu("a_library_that_is_loaded_again", |plugin| {
        // Plugins crash when they are unloaded, and nothing here unloads them.
        let again = Plugin::load(plugin.name()).unwrap();
        assert_eq!(&again, plugin);
        let buffer = client(&again).buffer_from_slice(&[1u8], &[1]).unwrap();
        assert_eq!(buffer.to_vec::<u8>().unwrap(), [1]);
    });
}
