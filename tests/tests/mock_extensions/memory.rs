//! Memory: of the host, raw, and the events of devices.

use super::{Scene, Step};
use pjrt::ErrorCode;
use pjrt::device_event::{DeviceEvent, DeviceEventPromise, DeviceEventState};
use pjrt::host_allocator::HostAllocator;
use pjrt::host_memory_allocator::HostMemoryAllocator;
use pjrt::raw_buffer::{RawBuffer, RawBuffers};
use pjrt::stream::Stream;
use std::sync::mpsc::channel;

pub const ALL: &[Step] = &[
    ("host", host),
    ("stream", stream),
    ("raw", raw),
    ("ordered", ordered),
    ("promises", promises),
];

/// The extension that came first, and went.
pub fn old_host(scene: &Scene) {
    let old: HostAllocator = scene.plugin.extension().unwrap();
    let alignment = old.preferred_alignment(&scene.client).unwrap();
    let mut memory = old.allocate(&scene.client, 100, alignment).unwrap();
    assert_eq!(memory.fill(7).len(), 100);
}

fn host(scene: &Scene) {
    let new: HostMemoryAllocator = scene.plugin.extension().unwrap();
    let mut memory = new.allocate(&scene.client, 10, None).unwrap();
    assert_eq!(memory.fill(7), [7; 10]);
}

fn stream(scene: &Scene) {
    let streams: Stream = scene.plugin.extension().unwrap();
    let device = scene.client.devices().unwrap().remove(0);
    let stream = streams.for_external_ready_events(&device).unwrap();
    // SAFETY: the stream is that of the buffer's device.
    unsafe { streams.wait_until_buffer_ready(stream, &scene.floats()) }.unwrap();
}

fn alias(scene: &Scene) -> RawBuffer {
    let raw: RawBuffers = scene.plugin.extension().unwrap();
    raw.alias_of(&scene.floats()).unwrap()
}

fn raw(scene: &Scene) {
    let raw = alias(scene);
    assert_eq!(raw.on_device_size().unwrap(), 16);
    assert_eq!(raw.memory().unwrap().kind().unwrap(), "device");
    // SAFETY: the address is only compared.
    let host = unsafe { raw.host_pointer() }.unwrap().unwrap();
    assert_eq!(host.as_ptr().cast(), raw.device_address().unwrap());
    assert!(raw.is_mutable().unwrap());
    // SAFETY: nobody else uses the memory.
    let written = unsafe { raw.copy_from_host(vec![1, 2, 3], 4) }.unwrap();
    written.wait().unwrap();
    let read = raw.copy_to_host(3, 5).unwrap().wait().unwrap();
    assert_eq!(read[1..4], [1, 2, 3]);
    let part = raw.slice(4, 3).unwrap();
    drop(raw.clone());
    drop(raw);
    assert_eq!(part.copy_to_host(0, 3).unwrap().wait().unwrap(), [1, 2, 3]);
    let object = part.to_raw().unwrap();
    let plugin: &pjrt::Plugin = &scene.plugin;
    // SAFETY: the reference that was counted.
    drop(unsafe { RawBuffer::from_raw(plugin, object) }.unwrap());
}

fn promise(scene: &Scene) -> DeviceEventPromise {
    let raw = scene.mock.device_event_promise();
    // SAFETY: the promise is new, with a reference for whoever asks.
    unsafe { DeviceEventPromise::from_raw(&scene.plugin, raw) }.unwrap()
}

fn ordered(scene: &Scene) {
    let raw = alias(scene);
    raw.allocation_event().unwrap().wait().unwrap();
    let event: DeviceEvent = raw.ready_event().unwrap();
    event.wait().unwrap();
    assert_eq!(event.state().unwrap(), DeviceEventState::READY);
    assert_eq!(event.definition_stream().unwrap().unwrap().stream, 1);
    let gate = promise(scene);
    let events = [event, gate.event().unwrap()];
    // SAFETY: nobody else uses the memory.
    let written = unsafe { raw.copy_from_host_after(&events, vec![9; 4], 0) }.unwrap();
    gate.set_ready().unwrap();
    written.wait().unwrap();
    let read = raw.copy_to_host_after(&events, 0, 4).unwrap();
    assert_eq!(read.wait().unwrap(), [9; 4]);
    let target = alias(scene);
    let (filled, used) = (promise(scene), promise(scene));
    let done = [filled.event().unwrap(), used.event().unwrap()];
    let (sender, receiver) = channel();
    let allocated = move |outcome| sender.send(outcome).unwrap();
    // SAFETY: nobody else uses either.
    unsafe { raw.schedule_copy_to(&events, &target, filled, used, allocated) }.unwrap();
    receiver.recv().unwrap().unwrap();
    done.iter().for_each(|event| event.wait().unwrap());
    assert_eq!(target.copy_to_host(0, 4).unwrap().wait().unwrap(), [9; 4]);
}

fn promises(scene: &Scene) {
    let broken = promise(scene);
    let event = broken.event().unwrap();
    assert_eq!(event.state().unwrap(), DeviceEventState::UNAVAILABLE);
    broken.set_error(ErrorCode::DATA_LOSS, "torn").unwrap();
    let error = event.wait().unwrap_err();
    assert_eq!(error.code(), ErrorCode::DATA_LOSS);
    assert!(error.to_string().contains("torn"), "{error}");
    let follows = promise(scene);
    let last = follows.event().unwrap();
    follows.set(event).unwrap();
    assert_eq!(last.wait().unwrap_err().code(), ErrorCode::DATA_LOSS);
    let dropped = promise(scene);
    let event = dropped.event().unwrap();
    drop(dropped);
    assert_eq!(event.wait().unwrap_err().code(), ErrorCode::CANCELLED);
}
