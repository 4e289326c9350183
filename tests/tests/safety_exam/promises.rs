//! Events and what makes them happen.

use crate::support::{MATRIX, both, client, matrix, memory};
use pjrt::{Buffer, BufferSpec, Client, ElementType, ErrorCode, Event, OwnEvent};
use std::sync::mpsc::channel;

pub fn event_error_lost() {
    both(
        "event_error_lost",
        |plugin| {
            let client = client(plugin);
            let broken = client.create_error_buffer(
                ErrorCode::DATA_LOSS,
                "gone",
                &[2, 2],
                ElementType::F32,
                None,
                &memory(&client),
                &[],
            );
            tells_its_error(&broken.unwrap());
            let own = OwnEvent::create(plugin).unwrap();
            let event = own.event();
            own.set(Err((ErrorCode::DATA_LOSS, "gone"))).unwrap();
            assert!(event.is_ready().unwrap());
            is_lost(&event);
            // Success can be told too.
            let own = OwnEvent::create(plugin).unwrap();
            let event = own.event();
            own.set(Ok(())).unwrap();
            event.wait().unwrap();
            event.error().unwrap();
        },
        |plugin| {
            let client = client(plugin);
            let spec = BufferSpec {
                element_type: ElementType::F32,
                dims: &[2, 2],
                layout: None,
            };
            let manager = client.create_buffers_for_async_transfer(&[spec], &memory(&client));
            let mut manager = manager.unwrap();
            let buffer = manager.retrieve_buffer(0).unwrap();
            let code = ErrorCode::DATA_LOSS;
            manager.set_buffer_error(0, code, "gone").unwrap();
            tells_its_error(&buffer);
        },
    );
}

/// A buffer that is broken with DATA_LOSS.
fn tells_its_error(buffer: &Buffer) {
    let event = buffer.ready_event().unwrap();
    is_lost(&event);
    assert!(event.is_ready().unwrap());
    // Once more, now that the event has certainly happened.
    is_lost(&event);
    is_lost(&buffer.ready_event().unwrap());
    let error = buffer.to_vec::<f32>().unwrap_err();
    assert_eq!(error.code(), ErrorCode::DATA_LOSS);
}

fn is_lost(event: &Event) {
    for error in [event.wait().unwrap_err(), event.error().unwrap_err()] {
        assert_eq!(error.code(), ErrorCode::DATA_LOSS);
        assert!(error.to_string().contains("gone"), "{error}");
    }
    let (sender, receiver) = channel();
    let told = move |outcome: pjrt::Result<()>| sender.send(outcome.unwrap_err().code()).unwrap();
    event.on_ready(told).unwrap();
    assert_eq!(receiver.recv().unwrap(), ErrorCode::DATA_LOSS);
}

pub fn polled_event_dropped() {
    let ask = |client: &Client| {
        let alias = client.create_alias_buffer(&memory(client), ElementType::F32, &[2, 2], None);
        let (alias, promise) = alias.unwrap();
        let event = alias.ready_event().unwrap();
        assert!(!event.is_ready().unwrap());
        let (sender, receiver) = channel();
        let state = MATRIX.to_vec();
        let told = move |outcome: pjrt::Result<()>| sender.send(outcome.map(|()| state)).unwrap();
        event.on_ready(told).unwrap();
        drop(event);
        promise.fulfill(Ok(&matrix(client))).unwrap();
        // The closure is there, and all that it owns.
        let told = receiver.recv().expect("nobody calls");
        assert_eq!(told.unwrap(), MATRIX);
        assert_eq!(alias.to_vec::<f32>().unwrap(), MATRIX);
    };
    both(
        "polled_event_dropped",
        |plugin| ask(&client(plugin)),
        |plugin| ask(&client(plugin)),
    );
}

pub fn one_shot_dropped() {
    let alias = |client: &Client| {
        let alias = client.create_alias_buffer(&memory(client), ElementType::F32, &[2, 2], None);
        let (alias, promise) = alias.unwrap();
        let event = alias.ready_event().unwrap();
        drop(promise);
        (alias, event)
    };
    both(
        "one_shot_dropped",
        |plugin| {
            let client = client(plugin);
            // The mock says at once what it is told; without a word nobody could wait here.
            let (alias, event) = alias(&client);
            assert!(event.is_ready().unwrap());
            cancelled(alias.to_vec::<f32>());
            let given = matrix(&client).donate_with_control_dependency();
            let Ok((given, dependency)) = given else {
                panic!("it was not donated")
            };
            drop(dependency);
            assert!(given.ready_event().unwrap().is_ready().unwrap());
            cancelled(given.to_vec::<f32>());
            let own = OwnEvent::create(plugin).unwrap();
            let event = own.event();
            drop(own);
            assert!(event.is_ready().unwrap());
            cancelled(event.wait());
            // Nobody can see the event of this one; the mock counts promises that were not kept.
            drop(matrix(&client).copy_raw_to_host_later(0, 4).unwrap());
        },
        |plugin| {
            let (alias, event) = alias(&client(plugin));
            cancelled(event.wait());
            cancelled(alias.to_vec::<f32>());
        },
    );
}

#[track_caller]
fn cancelled<T: std::fmt::Debug>(result: pjrt::Result<T>) {
    assert_eq!(result.unwrap_err().code(), ErrorCode::CANCELLED);
}
