//! Raw buffers, device events and promises of a plugin made up here: it counts references, tells
//! what it was given, happens late from threads of its own, and hands out what is wrong.

#[path = "ext_raw_buffer/aliases.rs"]
mod aliases;
#[path = "ext_raw_buffer/events.rs"]
mod events;
#[path = "ext_raw_buffer/fake.rs"]
mod fake;

use events::Promise;
use fake::Fake;
use pjrt::device_event::{DeviceEvent, DeviceEventPromise, DeviceEventState};
use pjrt::{Error, ErrorCode};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;

/// The counts are the process's: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn code(error: &Error) -> ErrorCode {
    error.code()
}

#[test]
fn references_to_an_event_balance() {
    let _alone = alone();
    let fake = Fake::new(114);
    let raw = fake.event();
    let event = fake.take(raw);
    let other = event.clone();
    assert_eq!(events::references(raw), 2);
    assert_eq!(event.state().unwrap(), DeviceEventState::UNAVAILABLE);
    drop(event);
    assert_eq!(events::references(raw), 1);
    events::happen(raw, None);
    assert_eq!(other.state().unwrap(), DeviceEventState::READY);
    assert!(other.error().unwrap().is_none());
    other.wait().unwrap();
    // What the callback held goes on a thread of the crate's.
    events::until(|| events::references(raw) == 1);
    drop(other);
    assert_eq!(events::references(raw), 0);
}

#[test]
fn a_late_event_calls_back_from_the_plugins_thread_with_its_error() {
    let _alone = alone();
    let fake = Fake::new(114);
    let raw = fake.event();
    let event = fake.take(raw);
    let (sender, receiver) = channel();
    let again = event.clone();
    let callback = move |outcome: pjrt::Result<()>| {
        // The last reference goes inside the callback.
        drop(again);
        sender.send((outcome, thread::current().id())).unwrap();
    };
    event.on_ready(callback).unwrap();
    drop(event);
    assert!(receiver.try_recv().is_err());
    let plugin = events::happen_elsewhere(raw, Some((ErrorCode::ABORTED, "power cut")));
    let (outcome, thread) = receiver.recv().unwrap();
    let error = outcome.unwrap_err();
    assert_eq!(thread, plugin);
    assert_eq!(code(&error), ErrorCode::ABORTED);
    assert!(error.to_string().contains("power cut"), "{error}");
    events::until(|| events::references(raw) == 0);
}

#[test]
fn a_panic_in_a_callback_stays_in_it() {
    let _alone = alone();
    let fake = Fake::new(114);
    let raw = fake.event();
    let event = fake.take(raw);
    event.on_ready(|_| panic!("a callback that fails")).unwrap();
    events::happen_elsewhere(raw, None);
    event.wait().unwrap();
}

#[test]
fn an_event_tells_its_stream_or_that_it_has_none() {
    let _alone = alone();
    let fake = Fake::new(114);
    let event = fake.take(fake.event());
    let stream = event.definition_stream().unwrap().unwrap();
    assert_eq!((stream.stream, stream.sequence_number), (7, 42));
    events::set_stream(0);
    assert_eq!(event.definition_stream().unwrap(), None);
    events::set_stream(7);
}

#[test]
fn an_event_without_a_table_or_with_an_absurd_one_is_refused() {
    let _alone = alone();
    let fake = Fake::new(114);
    let mut raw = fake.event();
    raw.vtable = std::ptr::null();
    let refused = |raw| match fake.try_take(raw) {
        Err(error @ Error::InvalidOutput { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(refused(raw).contains("null"), "{}", refused(raw));
    // Smaller than what is before the first slot; a part of a slot.
    raw.vtable = events::event_table(8);
    refused(raw);
    raw.vtable = events::event_table(71);
    refused(raw);
    let mut nothing = fake.event();
    nothing.device_event = std::ptr::null_mut();
    refused(nothing);
    assert_eq!(events::references(raw), 1);
}

#[test]
fn a_table_that_ends_early_has_the_slots_before_its_end() {
    let _alone = alone();
    let fake = Fake::new(114);
    let mut raw = fake.event();
    // Up to the parent: no state, no stream.
    raw.vtable = events::event_table(56);
    let event = fake.take(raw);
    assert!(event.error().unwrap().is_none());
    let error = event.state().unwrap_err();
    assert!(
        matches!(error, Error::Unimplemented { since: 107, .. }),
        "{error:?}"
    );
    // Without the functions that count, nobody could give the reference up.
    raw.vtable = events::event_table(24);
    assert!(matches!(
        fake.try_take(raw),
        Err(Error::Unimplemented { .. })
    ));
}

#[test]
fn a_plugin_older_than_the_table_is_not_asked() {
    let _alone = alone();
    let fake = Fake::new(103);
    let mut raw = fake.event();
    // What an older plugin has in this place is not to be read.
    raw.vtable = std::ptr::without_provenance(8);
    let error = fake.try_take(raw).unwrap_err();
    assert!(
        matches!(error, Error::Unimplemented { since: 104, .. }),
        "{error:?}"
    );
}

#[test]
fn a_promise_is_kept_once_and_gives_its_reference_up() {
    let _alone = alone();
    let fake = Fake::new(114);
    let (raw, promise) = fake.promise();
    let event = promise.event().unwrap();
    promise.set_ready().unwrap();
    assert_eq!(events::kept(raw), Promise::Ready);
    event.wait().unwrap();
    drop(event);
    assert_eq!(events::promise_references(raw), 0);

    let (raw, promise) = fake.promise();
    promise.set_error(ErrorCode::DATA_LOSS, "gone").unwrap();
    assert_eq!(
        events::kept(raw),
        Promise::Error(ErrorCode::DATA_LOSS, "gone".into())
    );
    assert_eq!(events::promise_references(raw), 0);
}

#[test]
fn a_promise_dropped_unused_is_cancelled() {
    let _alone = alone();
    let fake = Fake::new(114);
    let (raw, promise) = fake.promise();
    let event = promise.event().unwrap();
    drop(promise);
    let error = event.wait().unwrap_err();
    assert_eq!(code(&error), ErrorCode::CANCELLED);
    assert_eq!(events::promise_references(raw), 0);
    // A success is no error: the promise is CANCELLED as well.
    let (raw, promise) = fake.promise();
    promise.set_error(ErrorCode::OK, "fine").unwrap_err();
    assert!(matches!(
        events::kept(raw),
        Promise::Error(ErrorCode::CANCELLED, _)
    ));
}

#[test]
fn a_promise_takes_the_reference_to_an_event_of_its_kind_only() {
    let _alone = alone();
    let fake = Fake::new(114);
    let (raw, promise) = fake.promise();
    let event = fake.event();
    promise.set(fake.take(event)).unwrap();
    assert_eq!(events::kept(raw), Promise::Event);
    // The promise has it now.
    assert_eq!(events::references(event), 1);

    let (raw, promise) = fake.promise();
    let mut stranger = fake.event();
    stranger.vtable = events::event_table_without_parent();
    let error = promise.set(fake.take(stranger)).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
    assert!(matches!(
        events::kept(raw),
        Promise::Error(ErrorCode::CANCELLED, _)
    ));
    assert_eq!(events::references(stranger), 0);

    let (_, promise) = fake.promise();
    let other = Fake::new(114);
    let error = promise.set(other.take(other.event())).unwrap_err();
    assert!(matches!(error, Error::ForeignHandle { .. }), "{error:?}");
}

#[test]
fn null_is_no_promise() {
    let _alone = alone();
    let fake = Fake::new(114);
    // SAFETY: null is refused.
    let promise = unsafe { DeviceEventPromise::from_raw(&fake.plugin, std::ptr::null_mut()) };
    assert!(matches!(promise, Err(Error::InvalidOutput { .. })));
}

#[test]
fn a_raw_buffer_is_read_and_written_by_the_extension() {
    let _alone = alone();
    let fake = Fake::new(114);
    let raw = fake.raw_buffer();
    assert_eq!(raw.on_device_size().unwrap(), 8);
    // SAFETY: nobody else uses the bytes.
    let written = unsafe { raw.copy_from_host(vec![1, 2, 3], 2) }.unwrap();
    assert_eq!(written.wait().unwrap(), [1, 2, 3]);
    let read = raw.copy_to_host(1, 5).unwrap();
    assert_eq!(read.wait().unwrap(), [0, 1, 2, 3, 0]);
    for (offset, length) in [(-1, 1), (0, 9), (8, 1), (i64::MAX, 1)] {
        let error = raw.copy_to_host(offset, length).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
        raw.slice(offset, length).unwrap_err();
    }
    assert!(raw.is_mutable().unwrap());
    // SAFETY: the address is only compared.
    let host = unsafe { raw.host_pointer() }.unwrap().unwrap();
    assert_eq!(host.as_ptr().cast(), raw.device_address().unwrap());
    raw.allocation_event().unwrap().wait().unwrap();
    let object = raw.to_raw().unwrap();
    assert_eq!(fake::raw_references(object), 2);
    // SAFETY: the reference that was counted.
    drop(unsafe { pjrt::raw_buffer::RawBuffer::from_raw(&fake.plugin, object) }.unwrap());
    assert_eq!(fake::raw_references(object), 1);
    let clone = raw.clone();
    assert_eq!(fake::raw_references(object), 1);
    drop((raw, clone));
    assert_eq!(fake::raw_references(object), 0);
}

#[test]
fn where_the_extension_has_a_hole_the_objects_own_function_serves() {
    let _alone = alone();
    let fake = Fake::with_holes();
    let raw = fake.raw_buffer();
    assert_eq!(raw.on_device_size().unwrap(), 8);
    // SAFETY: the address is only tested.
    assert!(unsafe { raw.host_pointer() }.unwrap().is_some());
    // This object knows no memory: a null is no memory.
    assert!(matches!(raw.memory(), Err(Error::InvalidOutput { .. })));
}

#[test]
fn a_copy_waits_for_events_and_keeps_memory_and_raw_buffer_until_its_own() {
    let _alone = alone();
    let fake = Fake::new(114);
    let raw = fake.raw_buffer();
    let object = fake::object_of(&raw);
    let first = fake.event();
    let events = [fake.take(first)];
    // SAFETY: nobody else uses the bytes.
    let written = unsafe { raw.copy_from_host_after(&events, vec![9; 8], 0) }.unwrap();
    // The plugin took the reference in the list over.
    assert_eq!(events::references(first), 2);
    drop(raw);
    drop(written);
    assert_eq!(fake::raw_references(object), 1);
    drop(events);
    events::happen_elsewhere(first, None);
    events::until(|| fake::raw_references(object) == 0);
    events::until(|| events::references(first) == 0);
}

#[test]
fn a_list_that_the_plugin_leaves_is_given_up() {
    let _alone = alone();
    let fake = Fake::new(114);
    let raw = fake.raw_buffer();
    let first = fake.event();
    let events = [fake.take(first)];
    fake::refuse(true);
    let error = raw.copy_to_host_after(&events, 0, 8).unwrap_err();
    fake::refuse(false);
    assert!(matches!(error, Error::Plugin(_)), "{error:?}");
    assert_eq!(events::references(first), 1);
}

#[test]
fn all_bytes_go_to_another_raw_buffer() {
    let _alone = alone();
    let fake = Fake::new(114);
    let (source, target) = (fake.raw_buffer(), fake.raw_buffer());
    // SAFETY: nobody else uses the bytes.
    unsafe { source.copy_from_host(vec![5; 8], 0) }
        .unwrap()
        .wait()
        .unwrap();
    let ((filled_raw, filled), (read_raw, read)) = (fake.promise(), fake.promise());
    let done = filled.event().unwrap();
    let (sender, receiver) = channel();
    let allocated = move |outcome| sender.send(outcome).unwrap();
    // SAFETY: nobody else uses either.
    unsafe { source.schedule_copy_to(&[], &target, filled, read, allocated) }.unwrap();
    receiver.recv().unwrap().unwrap();
    done.wait().unwrap();
    drop(done);
    assert_eq!(target.copy_to_host(0, 8).unwrap().wait().unwrap(), [5; 8]);
    assert_eq!(
        (events::kept(filled_raw), events::kept(read_raw)),
        (Promise::Ready, Promise::Ready)
    );
    events::until(|| events::promise_references(filled_raw) == 0);
    events::until(|| events::promise_references(read_raw) == 0);
}

#[test]
fn a_copy_to_another_waits_for_events_and_keeps_both_until_then() {
    let _alone = alone();
    let fake = Fake::new(114);
    let (source, target) = (fake.raw_buffer(), fake.raw_buffer());
    let objects = [fake::object_of(&source), fake::object_of(&target)];
    let first = fake.event();
    let events = [fake.take(first)];
    let ((filled_raw, filled), (read_raw, read)) = (fake.promise(), fake.promise());
    let (sender, receiver) = channel();
    let allocated = move |outcome| sender.send(outcome).unwrap();
    // SAFETY: nobody else uses either.
    unsafe { source.schedule_copy_to(&events, &target, filled, read, allocated) }.unwrap();
    drop((source, target, events));
    assert!(receiver.try_recv().is_err());
    assert_eq!(objects.map(fake::raw_references), [1, 1]);
    // The list holds a reference to the event.
    assert_eq!(events::references(first), 1);
    events::happen_elsewhere(first, None);
    receiver.recv().unwrap().unwrap();
    // The plugin calls twice, and the second call finds nothing.
    assert!(receiver.recv().is_err());
    events::until(|| objects.map(fake::raw_references) == [0, 0]);
    events::until(|| events::references(first) == 0);
    assert_eq!(
        (events::kept(filled_raw), events::kept(read_raw)),
        (Promise::Ready, Promise::Ready)
    );
}

#[test]
fn a_copy_to_another_refuses_strangers_and_other_sizes() {
    let _alone = alone();
    let (fake, other) = (Fake::new(114), Fake::new(114));
    let source = fake.raw_buffer();
    let refused = |target: &pjrt::raw_buffer::RawBuffer, events: &[DeviceEvent]| {
        let ((filled_raw, filled), (read_raw, read)) = (fake.promise(), fake.promise());
        // SAFETY: nobody else uses either.
        let out = unsafe { source.schedule_copy_to(events, target, filled, read, |_| ()) };
        for promise in [filled_raw, read_raw] {
            let kept = events::kept(promise);
            assert!(matches!(kept, Promise::Error(ErrorCode::CANCELLED, _)));
        }
        out.unwrap_err()
    };
    let error = refused(&other.raw_buffer(), &[]);
    assert!(matches!(error, Error::ForeignHandle { .. }), "{error:?}");
    let strangers = [other.take(other.event())];
    let error = refused(&fake.raw_buffer(), &strangers);
    assert!(matches!(error, Error::ForeignHandle { .. }), "{error:?}");
    let error = refused(&source.slice(0, 4).unwrap(), &[]);
    assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
}

#[test]
fn an_older_plugins_copies_have_other_parameters_and_are_not_called() {
    let _alone = alone();
    let fake = Fake::new(113);
    let raw = fake.raw_buffer();
    assert_eq!(raw.copy_to_host(0, 8).unwrap().wait().unwrap(), [0; 8]);
    let error = raw.copy_to_host_after(&[], 0, 8).unwrap_err();
    assert!(
        matches!(error, Error::Unimplemented { since: 114, .. }),
        "{error:?}"
    );
    raw.to_raw().unwrap();
    // Before 0.113 the object's first word may be anything.
    let fake = Fake::new(111);
    let raw = fake.raw_buffer();
    assert!(matches!(
        raw.to_raw(),
        Err(Error::Unimplemented { since: 113, .. })
    ));
}

#[test]
fn a_table_of_smaller_objects_is_refused() {
    let _alone = alone();
    let fake = Fake::new(114);
    let raw = fake.raw_buffer_with(|table| table.instance_size = 4);
    assert!(matches!(raw.to_raw(), Err(Error::InvalidOutput { .. })));
    let raw = fake.raw_buffer_with(|table| table.struct_size = 16);
    assert!(matches!(raw.is_mutable(), Err(Error::InvalidOutput { .. })));
    let raw = fake.raw_buffer_with(|table| table.struct_size = 112);
    raw.is_mutable().unwrap();
    assert!(matches!(raw.slice(0, 4), Err(Error::Unimplemented { .. })));
    let raw = fake.raw_buffer_with(|table| table.slice = None);
    assert!(matches!(raw.slice(0, 4), Err(Error::Unimplemented { .. })));
}

#[test]
fn a_part_keeps_the_whole() {
    let _alone = alone();
    let fake = Fake::new(114);
    let raw = fake.raw_buffer();
    let object = fake::object_of(&raw);
    let part = raw.slice(2, 4).unwrap();
    drop(raw);
    assert_eq!(part.on_device_size().unwrap(), 4);
    assert_eq!(fake::raw_references(object), 1);
    drop(part);
    assert_eq!(fake::raw_references(object), 0);
}

/// The types may go to other threads.
#[allow(dead_code)]
fn threads() {
    fn both<T: Send + Sync>() {}
    both::<DeviceEvent>();
    both::<DeviceEventPromise>();
    both::<pjrt::raw_buffer::RawBuffer>();
}
