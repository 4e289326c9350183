//! What a plugin gives back, and what it is given.

use crate::support::{NEWEST, both, client, double, matrix, memory, refused, with_devices};
use pjrt::plugin::LoadError;
use pjrt::{BufferSpec, Client, ClientOptions, CompileOptions, ElementType, Error, ErrorCode};
use pjrt::{Plugin, Program, sys};
use pjrt_mock::{Failure, Fault, Mock};
use pjrt_tests::mock;
use std::sync::OnceLock;

pub fn null_program() {
    let ask = |plugin: &Plugin| {
        let client = client(plugin);
        let executable = double(&client).executable().unwrap();
        assert!(!executable.optimized_program().unwrap().code().is_empty());
        // Runs ask for the parameters in the same way.
        assert!(double(&client).run(&[]).is_err());
    };
    both("null_program", |plugin| ask(plugin), ask);
}

pub fn panic_on_plugin_output() {
    both(
        "panic_on_plugin_output",
        |plugin| {
            let invalid = |result: pjrt::Result<()>| match result {
                Err(Error::InvalidOutput { field, .. }) => field,
                other => panic!("expected an invalid output, got {other:?}"),
            };
            let spoilt = |function: &str, fault: Fault| plugin.mock.fault(function, fault);
            spoilt("PJRT_Client_Create", Fault::Null("client"));
            let created = plugin.create_client(&ClientOptions::new());
            assert_eq!(invalid(created.map(drop)), "client");
            plugin.mock.heal();
            let client = client(plugin);
            spoilt("PJRT_Client_BufferFromHostBuffer", Fault::Null("buffer"));
            let uploaded = client.buffer_from_slice(&[1.0f32], &[1]);
            assert_eq!(invalid(uploaded.map(drop)), "buffer");
            plugin.mock.heal();
            spoilt("PJRT_Client_PlatformName", Fault::Null("platform_name"));
            assert_eq!(invalid(client.platform_name().map(drop)), "platform_name");
            plugin.mock.heal();
            let bad = Fault::BadText("platform_name", "platform_name_size");
            spoilt("PJRT_Client_PlatformName", bad);
            assert_eq!(invalid(client.platform_name().map(drop)), "platform_name");
            plugin.mock.heal();
            let absurd = Fault::Value("num_addressable_devices", u64::MAX);
            spoilt("PJRT_Client_AddressableDevices", absurd);
            assert!(client.addressable_devices().is_err());
            plugin.mock.heal();
            // A list without anything in it.
            let nowhere = with_devices(0);
            let client = nowhere.create_client(&ClientOptions::new()).unwrap();
            let uploaded = client.buffer_from_slice(&[1.0f32], &[1]);
            assert_eq!(invalid(uploaded.map(drop)), "addressable_devices");
            a_plugin_that_does_not_start();
            a_plugin_that_loads_another_while_it_starts();
        },
        |plugin| {
            // This plugin would make a client without devices: the options are refused before.
            let none = ClientOptions::cpu().device_count(0);
            let uploaded = plugin
                .create_client(&none)
                .and_then(|client| client.buffer_from_slice(&[1.0f32], &[1]));
            assert!(uploaded.is_err(), "{uploaded:?}");
        },
    );
}

fn a_plugin_that_does_not_start() {
    let failure = Failure::new(sys::PJRT_Error_Code_UNAVAILABLE, "no such hardware");
    let fails = Mock::builder().fault("PJRT_Plugin_Initialize", Fault::Error(failure));
    let fails = fails.build();
    // SAFETY: the table is a plugin's and lives as long as the process.
    match unsafe { Plugin::from_api(fails.api()) } {
        Err(Error::Load(LoadError::Initialise { cause, .. })) => {
            assert!(cause.contains("no such hardware"), "{cause}");
        }
        other => panic!("expected that it does not start, got {other:?}"),
    }
    assert!(fails.report().is_clean(), "{:?}", fails.report());
}

/// What the plugin loads while it starts, and how that ended.
static OTHER: OnceLock<usize> = OnceLock::new();
static LOADED: OnceLock<bool> = OnceLock::new();

unsafe extern "C" fn loads_another(
    _: *mut sys::PJRT_Plugin_Initialize_Args,
) -> *mut sys::PJRT_Error {
    let table = OTHER.get().copied().unwrap_or(0) as *const sys::PJRT_Api;
    // SAFETY: the table is a plugin's and lives as long as the process.
    let other = unsafe { Plugin::from_api(table) };
    let _ = LOADED.set(other.is_ok());
    std::ptr::null_mut()
}

fn a_plugin_that_loads_another_while_it_starts() {
    let (first, second) = (mock(NEWEST), Mock::builder().build());
    OTHER.set(second.api() as usize).unwrap();
    let outer = crate::support::with_table(&first, |table| {
        table.PJRT_Plugin_Initialize = Some(loads_another);
    });
    assert_eq!(LOADED.get(), Some(&true), "a lock is held meanwhile");
    drop(client(&outer));
}

pub fn foreign_error_destroyed() {
    // When a mock goes, it tells of errors that nobody freed and of those that are not its own.
    let (first, second) = (mock(81), mock(NEWEST));
    for plugin in [&first, &second, &first] {
        let client = client(plugin);
        let refused = Program::mlir("mock x\nreject 8 too large");
        let error = client.compile(&refused, &CompileOptions::new());
        assert_eq!(error.unwrap_err().code(), ErrorCode::RESOURCE_EXHAUSTED);
    }
}

pub fn index_out_of_range() {
    let ask = |client: &Client| {
        let spec = BufferSpec {
            element_type: ElementType::F32,
            dims: &[2],
            layout: None,
        };
        let manager = client.create_buffers_for_async_transfer(&[spec, spec], &memory(client));
        let mut manager = manager.unwrap();
        for index in [-1, 2, i32::MAX] {
            assert_eq!(refused(manager.buffer_size(index)), "buffer_index");
            let taken = manager.retrieve_buffer(index).map(drop);
            assert_eq!(refused(taken), "buffer_index");
            let sent = manager.transfer_data(index, vec![0; 8], 0, true);
            assert_eq!(refused(sent.map(drop)), "buffer_index");
            let broken = manager.set_buffer_error(index, ErrorCode::INTERNAL, "");
            assert_eq!(refused(broken), "buffer_index");
        }
        let first = manager.retrieve_buffer(0).unwrap();
        let again = manager.retrieve_buffer(0).map(drop);
        assert_eq!(refused(again), "buffer_index");
        drop(manager.transfer_data(0, vec![0; 8], 0, true).unwrap());
        assert_eq!(first.to_vec::<f32>().unwrap(), [0.0, 0.0]);
        let sent = manager.transfer_data(0, vec![0; 8], 0, true).map(drop);
        assert_eq!(refused(sent), "buffer_index");
    };
    both(
        "index_out_of_range",
        |plugin| ask(&client(plugin)),
        |plugin| {
            let client = client(plugin);
            ask(&client);
            drop(matrix(&client));
        },
    );
}
