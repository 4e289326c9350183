//! Raw buffers of ordinary ones, and what they know: their memory, the event that they are there.

use crate::fake::{self, Fake};
use crate::{alone, events};
use pjrt::device_event::DeviceEventState;
use pjrt::raw_buffer::RawBuffers;
use pjrt::{Error, Extension};
use std::sync::atomic::Ordering;

#[test]
fn an_alias_is_counted_by_itself_and_keeps_the_client() {
    let _alone = alone();
    let fake = Fake::new(114);
    let before = fake::CLIENTS.load(Ordering::SeqCst);
    let (client, buffer) = fake.buffer();
    let raw = RawBuffers::of(&fake.plugin)
        .unwrap()
        .alias_of(&buffer)
        .unwrap();
    drop((client, buffer));
    assert_eq!(fake::CLIENTS.load(Ordering::SeqCst), before);
    let object = fake::object_of(&raw);
    assert_eq!(raw.copy_to_host(0, 8).unwrap().wait().unwrap(), [0; 8]);
    let memory = raw.memory().unwrap();
    assert_eq!(memory.id().unwrap(), 12);
    drop(raw);
    assert_eq!(fake::raw_references(object), 0);
    // The memory belongs to the client, which it keeps.
    assert_eq!(fake::CLIENTS.load(Ordering::SeqCst), before);
    drop(memory);
    assert_eq!(fake::CLIENTS.load(Ordering::SeqCst), before + 1);
}

#[test]
fn an_alias_of_a_stranger_and_one_that_is_refused_are_errors() {
    let _alone = alone();
    let (fake, other) = (Fake::new(114), Fake::new(114));
    let aliases = RawBuffers::of(&fake.plugin).unwrap();
    let (_client, buffer) = fake.buffer();
    fake::refuse(true);
    let error = aliases.alias_of(&buffer).unwrap_err();
    fake::refuse(false);
    assert!(matches!(error, Error::Plugin(_)), "{error:?}");
    let (_client, stranger) = other.buffer();
    let error = aliases.alias_of(&stranger).unwrap_err();
    assert!(matches!(error, Error::ForeignHandle { .. }), "{error:?}");
}

#[test]
fn the_event_that_a_raw_buffer_is_there_is_its_own_and_counted() {
    let _alone = alone();
    let fake = Fake::new(114);
    let raw = fake.raw_buffer();
    let made = fake::made(fake::object_of(&raw));
    let event = raw.ready_event().unwrap();
    assert_eq!(events::references(made), 2);
    assert_eq!(event.state().unwrap(), DeviceEventState::UNAVAILABLE);
    events::happen(made, None);
    event.wait().unwrap();
    drop(event);
    events::until(|| events::references(made) == 1);
}
