//! Events: waits, callbacks and futures, on the mock at any pace and on the CPU plugin.

#[path = "events/cpu.rs"]
mod cpu;
#[path = "events/executors.rs"]
mod executors;
#[path = "events/futures.rs"]
mod futures;
#[path = "events/stress.rs"]
mod stress;

use pjrt::{Buffer, Client, ClientOptions, Error, ErrorCode, Event, Events, OwnEvent};
use pjrt_mock::{Failure, Fault, Mock};
use pjrt_tests::{Mocked, mock, mocked};
use std::sync::mpsc::channel;
use std::time::Duration;

/// Long enough for whatever does end.
const LONG: Duration = Duration::from_secs(60);
/// Long enough to see that something does not.
const SHORT: Duration = Duration::from_millis(5);

fn client(plugin: &Mocked) -> Client {
    plugin.create_client(&ClientOptions::new()).unwrap()
}

fn array(client: &Client) -> Buffer {
    client.buffer_from_slice(&[1.0f32, 2.0], &[2]).unwrap()
}

/// The parts of an error that a plugin reported.
fn reported(error: &Error) -> (ErrorCode, &str) {
    match error {
        Error::Plugin(error) => (error.code, &error.message),
        other => panic!("expected the plugin's error, got {other:?}"),
    }
}

/// A plugin whose arrays end with an error, later.
fn failing() -> Mocked {
    let failure = Failure::new(pjrt::sys::PJRT_Error_Code_DATA_LOSS, "bits fell off");
    mocked(Mock::builder().fault("PJRT_Client_BufferFromHostBuffer", Fault::Later(failure)))
}

/// Everybody who asks gets the same error, as often as they ask.
fn tells_everybody(event: &Event) {
    let expected = (ErrorCode::DATA_LOSS, "bits fell off");
    for _ in 0..2 {
        assert_eq!(reported(&event.wait().unwrap_err()), expected);
        assert_eq!(reported(&event.wait_timeout(LONG).unwrap_err()), expected);
        assert!(event.is_ready().unwrap());
        assert_eq!(reported(&event.error().unwrap_err()), expected);
        let (sender, receiver) = channel();
        event
            .on_ready(move |outcome| sender.send(outcome).unwrap())
            .unwrap();
        let told = receiver.recv_timeout(LONG).unwrap();
        assert_eq!(reported(&told.unwrap_err()), expected);
        assert_eq!(
            reported(&pollster::block_on(event.into_future()).unwrap_err()),
            expected
        );
    }
}

#[test]
fn an_error_is_told_to_all_who_ask_however_late() {
    let plugin = failing();
    let client = client(&plugin);
    let array = array(&client);
    tells_everybody(&array.ready_event().unwrap());
    // And by an event that was born with it.
    tells_everybody(&array.ready_event().unwrap());
}

#[test]
fn a_wait_ends_with_its_time_and_the_event_can_be_waited_for_again() {
    let plugin = mock(114);
    let own = OwnEvent::create(&plugin).unwrap();
    let event = own.event();
    assert!(!event.wait_timeout(Duration::ZERO).unwrap());
    assert!(!event.wait_timeout(SHORT).unwrap());
    own.set(Ok(())).unwrap();
    assert!(event.wait_timeout(Duration::ZERO).unwrap());
    assert!(event.wait_timeout(Duration::MAX).unwrap());
    // All waits of one event share a callback.
    assert_eq!(plugin.mock.calls("PJRT_Event_OnReady"), 1);
}

#[test]
fn an_event_that_never_happens_does_not_hold_up_a_wait_with_a_limit() {
    let plugin = mock(114);
    plugin
        .mock
        .fault("PJRT_Client_BufferFromHostBuffer", Fault::Never);
    let client = client(&plugin);
    let array = array(&client);
    let event = array.ready_event().unwrap();
    assert!(!event.wait_timeout(SHORT).unwrap());
    assert!(!event.is_ready().unwrap());
    let both: Events = [event, array.ready_event().unwrap()].into_iter().collect();
    assert!(!both.wait_timeout(SHORT).unwrap());
    // Dropped, nobody waits for them, and nothing but the callbacks' few words stays.
    drop(both);
}

#[test]
fn a_plugin_that_takes_no_callback_is_an_error_and_not_a_wait() {
    let failure = Failure::new(pjrt::sys::PJRT_Error_Code_INTERNAL, "no");
    let plugin = mocked(Mock::builder().fault("PJRT_Event_OnReady", Fault::Error(failure)));
    let own = OwnEvent::create(&plugin).unwrap();
    let event = own.event();
    assert_eq!(reported(&event.wait_timeout(LONG).unwrap_err()).1, "no");
    assert_eq!(reported(&pollster::block_on(&*event).unwrap_err()).1, "no");
    let (sender, receiver) = channel::<()>();
    let error = event.on_ready(move |_| drop(sender)).unwrap_err();
    assert_eq!(reported(&error).1, "no");
    // The callback is gone, uncalled.
    assert!(receiver.recv().is_err());
    // It may take the next one.
    plugin.mock.heal();
    own.set(Ok(())).unwrap();
    assert!(event.wait_timeout(LONG).unwrap());
    drop(event);

    let without = mocked(Mock::builder().without("PJRT_Event_OnReady"));
    let own = OwnEvent::create(&without).unwrap();
    let refused = own.event().wait_timeout(LONG);
    assert!(
        matches!(
            refused,
            Err(Error::Unimplemented {
                function: "PJRT_Event_OnReady",
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn an_event_of_ours_happens_with_what_it_is_set_to_or_cancelled() {
    let plugin = mock(114);
    let own = OwnEvent::create(&plugin).unwrap();
    let event = own.event();
    own.set(Ok(())).unwrap();
    event.wait().unwrap();

    let own = OwnEvent::create(&plugin).unwrap();
    let event = own.event();
    own.set(Err((ErrorCode::ABORTED, "not today"))).unwrap();
    let error = event.wait().unwrap_err();
    assert_eq!(reported(&error), (ErrorCode::ABORTED, "not today"));

    let own = OwnEvent::create(&plugin).unwrap();
    let event = own.event();
    let refused = own.set(Err((ErrorCode::OK, "well")));
    assert!(matches!(refused, Err(Error::InvalidArgument { .. })));
    let error = event.wait_timeout(LONG).unwrap_err();
    assert_eq!(reported(&error).0, ErrorCode::CANCELLED);
}

#[test]
fn a_callback_may_panic_drop_its_event_and_register_others() {
    let plugin = mock(114);
    let own = OwnEvent::create(&plugin).unwrap();
    let event = own.event();
    let (sender, receiver) = channel();
    event.on_ready(|_| panic!("a callback that fails")).unwrap();
    let (held, other) = (event.clone(), sender.clone());
    event
        .on_ready(move |_| {
            // It has happened, so this one runs inside.
            held.on_ready(move |outcome| other.send(outcome.is_ok()).unwrap())
                .unwrap();
            // The last but one reference goes on this thread.
            drop(held);
        })
        .unwrap();
    drop(event);
    own.set(Ok(())).unwrap();
    assert!(receiver.recv_timeout(LONG).unwrap());
    drop(sender);
}

#[test]
fn a_callback_runs_after_its_event_is_dropped() {
    let plugin = mocked(Mock::builder().delay(SHORT));
    let client = client(&plugin);
    let array = array(&client);
    let (sender, receiver) = channel();
    let event = array.ready_event().unwrap();
    event
        .on_ready(move |outcome| sender.send(outcome.is_ok()).unwrap())
        .unwrap();
    drop(event);
    assert!(receiver.recv_timeout(LONG).unwrap());
}

#[test]
fn joined_events_end_with_the_first_error_once_all_have_happened() {
    let plugin = mock(114);
    let make = || OwnEvent::create(&plugin).unwrap();
    let (a, b, c) = (make(), make(), make());
    let events = [&a, &b, &c].map(OwnEvent::event);
    let future = async {
        let mut outcomes = Vec::new();
        for event in &events {
            outcomes.push((&**event).await);
        }
        outcomes
    };
    c.set(Err((ErrorCode::ABORTED, "third"))).unwrap();
    b.set(Err((ErrorCode::UNKNOWN, "second"))).unwrap();
    a.set(Ok(())).unwrap();
    let outcomes = pollster::block_on(future);
    assert!(outcomes[0].is_ok());
    assert_eq!(reported(outcomes[1].as_ref().unwrap_err()).1, "second");
    assert_eq!(reported(outcomes[2].as_ref().unwrap_err()).1, "third");
    drop(events);

    let failing = failing();
    let client = client(&failing);
    let bad = array(&client);
    failing.mock.heal();
    let good = array(&client);
    let join = || -> Events {
        let events = [&good, &bad, &good].map(|array| array.ready_event().unwrap());
        events.into_iter().collect()
    };
    assert_eq!(join().as_slice().len(), 3);
    assert_eq!(reported(&join().wait().unwrap_err()).1, "bits fell off");
    assert!(join().is_ready().unwrap());
    let error = join().wait_timeout(LONG).unwrap_err();
    assert_eq!(reported(&error).1, "bits fell off");
    let error = pollster::block_on(join().into_future()).unwrap_err();
    assert_eq!(reported(&error).1, "bits fell off");
    assert!(Events::default().wait_timeout(Duration::ZERO).unwrap());
    pollster::block_on(Events::default().into_future()).unwrap();
}
