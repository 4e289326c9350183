//! Both sides of a vendor's extension in one process, made of the same facts: safe methods call a
//! plugin's functions that are written in Rust.

#[path = "extension_server/emission.rs"]
mod emission;
#[path = "extension_server/facts.rs"]
mod facts;
#[path = "extension_server/ground.rs"]
mod ground;
#[path = "extension_server/thunks.rs"]
mod thunks;
#[path = "extension_server/tower.rs"]
mod tower;

/// The side of callers.
mod client {
    pjrt::extension! {
        schema = "tests/extension_server/bell.json",
        overlay = "tests/extension_server/bell.toml",
        history = "tests/extension_server/bell.history.json",
    }

    impl Bell {
        /// What has no safe method, by the checked calls.
        pub fn raw<T>(&self, call: impl FnOnce(&pjrt::__rt::Table<raw::Table>) -> T) -> T {
            call(self.table)
        }
    }
}

// ANCHOR: sides
/// The plugin's side.
mod server {
    pjrt::extension_server! {
        schema = "tests/extension_server/bell.json",
        overlay = "tests/extension_server/bell.toml",
        history = "tests/extension_server/bell.history.json",
    }
}
// ANCHOR_END: sides

use client::{Bell, Tone, raw};
use ground::ground;
use pjrt::{Client, ClientOptions, Error, ErrorCode, Extension, Plugin};
use pjrt_mock::Mock;

fn client(plugin: &Plugin) -> Client {
    plugin.create_client(&ClientOptions::new()).unwrap()
}

/// Code and message of an error that the plugin reported.
fn reported<T: std::fmt::Debug>(answer: pjrt::Result<T>) -> (ErrorCode, String) {
    match answer {
        Err(Error::Plugin(error)) => (error.code, error.message.clone()),
        other => panic!("expected an error of the plugin, got {other:?}"),
    }
}

ground!(Results);

#[test]
fn results_come_back() {
    let plugin = Results::plugin(Mock::builder(), 0);
    let bell: Bell = plugin.extension().unwrap();
    let client = client(&plugin);
    let device = &client.devices().unwrap()[1];
    let buffer = client.buffer_from_slice(&[1i32], &[1]).unwrap();
    let rope = bell.rope(device, Some(&buffer), "Emma", true, Tone::HIGH);
    let rope = rope.unwrap();
    let rung = rope.ring(&[1, 4, 2]).unwrap();
    assert_eq!((rung.total, rung.loudest), (7, Some(4)));
    // No numbers: a pointer to nothing may be null.
    assert_eq!(rope.ring(&[]).unwrap().total, 0);
    // A function that gives nothing back.
    assert_eq!(rope.rest().unwrap(), 90);
    assert_eq!(rope.rest().unwrap(), 0);
    // Arguments without a size.
    assert_eq!(bell.weight(device).unwrap(), 1.5);
    // The mock tells what its handles stand for.
    let books = plugin.mock.books();
    assert_eq!(books.client(client.as_raw()), Ok(()));
    assert_eq!(books.buffer(buffer.as_raw()), Ok(()));
    assert_eq!(books.device(device.as_raw()), Ok(1));
}

ground!(Failures);

#[test]
fn failures_reach_the_caller_with_code_and_message() {
    let plugin = Failures::plugin(Mock::builder(), 0);
    let bell: Bell = plugin.extension().unwrap();
    let client = client(&plugin);
    let device = &client.devices().unwrap()[0];
    let (code, message) = reported(bell.rope(device, None, "", false, Tone::LOW));
    assert_eq!(code, ErrorCode::INVALID_ARGUMENT);
    assert_eq!(message, "expected a name, got none");
    let rope = bell.rope(device, None, "Anna", false, Tone::LOW).unwrap();
    let (code, message) = reported(rope.ring(&[-3]));
    assert_eq!(code, ErrorCode::OUT_OF_RANGE);
    assert_eq!(message, "expected rings, got -3");
}

ground!(Panics);

#[test]
fn a_panic_is_an_internal_error_and_the_process_lives() {
    let plugin = Panics::plugin(Mock::builder(), 0);
    let bell: Bell = plugin.extension().unwrap();
    let client = client(&plugin);
    let device = &client.devices().unwrap()[0];
    let rope = bell.rope(device, None, "Gloriosa", false, Tone::LOW);
    let rope = rope.unwrap();
    let (code, message) = reported(rope.ring(&[900, 100]));
    assert_eq!(code, ErrorCode::INTERNAL);
    assert_eq!(
        message,
        "Bell_Rope_Ring panicked: the bell Gloriosa cracked"
    );
    assert_eq!(rope.ring(&[3]).unwrap().total, 3);
}

ground!(Raw);

#[test]
fn flags_and_functions_by_position_are_answered() {
    let plugin = Raw::plugin(Mock::builder(), 0);
    let bell: Bell = plugin.extension().unwrap();
    let client = client(&plugin);
    let device = client.devices().unwrap()[1].as_raw();
    assert!(bell.raw(raw::silent));
    // SAFETY: the device is live.
    bell.raw(|table| unsafe {
        assert_eq!(raw::bell_extension_rings(table, device).unwrap(), 7);
        raw::bell_extension_strike(table, device, 3).unwrap();
        let (code, message) = reported(raw::bell_extension_strike(table, device, -3));
        assert_eq!(code, ErrorCode::INVALID_ARGUMENT);
        assert_eq!(message, "expected 0 or more strokes, got -3");
        // What panics and has no error to report it by is zero.
        assert_eq!(
            raw::bell_extension_rings(table, std::ptr::null_mut()).unwrap(),
            0
        );
    });
}

ground!(Missing);

#[test]
fn what_is_not_offered_is_absent_to_the_caller() {
    let plugin = Missing::plugin(Mock::builder(), 0);
    let bell: Bell = plugin.extension().unwrap();
    match bell.melody(&client(&plugin)) {
        Err(Error::Unimplemented { function, .. }) => assert_eq!(function, "Bell_Client_Melody"),
        other => panic!("{other:?}"),
    }
}

ground!(First);
ground!(Middle);
ground!(Last);

#[test]
fn the_node_is_found_wherever_it_stands() {
    let plugins = [
        First::plugin(Mock::builder(), 0),
        Middle::plugin(Mock::builder().minor(81), 7),
        Last::plugin(Mock::builder().future(3), usize::MAX),
    ];
    for (plugin, at) in plugins.iter().zip([0, 7, usize::MAX]) {
        let nodes = plugin.extensions();
        let place = nodes.iter().position(|node| node.kind.as_raw().0 == 2000);
        assert_eq!(place, Some(at.min(nodes.len() - 1)), "{nodes:?}");
        let bell: Bell = plugin.extension().unwrap();
        let client = client(plugin);
        assert_eq!(bell.weight(&client.devices().unwrap()[0]).unwrap(), 0.5);
    }
    let other = pjrt_tests::mock(pjrt_mock::newest());
    let absent = other.extension::<Bell>();
    assert!(matches!(absent, Err(Error::NoExtension { .. })));
    assert_eq!(Bell::NAME, "Bell");
}

ground!(Old);

#[test]
#[should_panic(expected = "have no place in a chain of minor 40")]
fn chains_of_another_layout_take_no_nodes_of_today() {
    let _ = Old::plugin(Mock::builder().minor(40), 0);
}
