//! Buffers, events and transfers on the real CPU plugin (PJRT 0.81).

#[path = "cpu_buffers/uploads.rs"]
mod uploads;

use pjrt::{
    Buffer, BufferSpec, Client, DeviceView, ElementType, Error, ErrorCode, MemoryLayout, OwnEvent,
};
use pjrt_tests::plugin;
use std::sync::mpsc::channel;

fn client() -> Option<(pjrt::Plugin, Client)> {
    let plugin = plugin("cpu")?;
    let client = plugin
        .create_client(&pjrt::ClientOptions::new())
        .expect("a client");
    Some((plugin, client))
}

fn floats(client: &Client) -> Buffer {
    client
        .buffer_from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2])
        .expect("a buffer")
}

fn memory(client: &Client) -> pjrt::Memory {
    let devices = client.addressable_devices().unwrap();
    devices[0].default_memory().unwrap()
}

fn refused(error: &Error, words: &str) {
    assert!(
        matches!(error, Error::InvalidArgument { .. }) && error.to_string().contains(words),
        "{error}"
    );
}

#[test]
fn an_event_tells_its_outcome_in_every_way() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let buffer = floats(&client);
    let event = buffer.ready_event().unwrap();
    event.wait().unwrap();
    event.wait().unwrap();
    assert!(event.is_ready().unwrap());
    event.error().unwrap();
    let (sender, receiver) = channel();
    for _ in 0..2 {
        let sender = sender.clone();
        event
            .on_ready(move |outcome| sender.send(outcome.is_ok()).unwrap())
            .unwrap();
    }
    assert!(receiver.recv().unwrap() && receiver.recv().unwrap());
}

#[test]
fn a_panic_in_a_callback_stays_there() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let event = floats(&client).ready_event().unwrap();
    event
        .on_ready(|_| std::panic::resume_unwind(Box::new("thrown")))
        .unwrap();
    event.wait().unwrap();
}

#[test]
fn event_error_lost() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let mut manager = client
        .create_buffers_for_async_transfer(&[spec(&[2])], &memory(&client))
        .unwrap();
    let buffer = manager.retrieve_buffer(0).unwrap();
    let event = buffer.ready_event().unwrap();
    refused(&event.error().unwrap_err(), "too early");
    let (sender, receiver) = channel();
    event
        .on_ready(move |outcome| sender.send(outcome.unwrap_err().code()).unwrap())
        .unwrap();
    manager
        .set_buffer_error(0, ErrorCode::DATA_LOSS, "gone")
        .unwrap();
    assert_eq!(receiver.recv().unwrap(), ErrorCode::DATA_LOSS);
    for _ in 0..2 {
        assert_eq!(event.wait().unwrap_err().code(), ErrorCode::DATA_LOSS);
        let error = event.error().unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
    }
    assert_eq!(
        buffer.to_vec::<f32>().unwrap_err().code(),
        ErrorCode::DATA_LOSS
    );
}

#[test]
fn last_drop_on_plugin_thread() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let mut manager = client
        .create_buffers_for_async_transfer(&[spec(&[2])], &memory(&client))
        .unwrap();
    let buffer = manager.retrieve_buffer(0).unwrap();
    let event = buffer.ready_event().unwrap();
    let (sender, receiver) = channel();
    let last = (buffer, client);
    event
        .on_ready(move |_| {
            drop(last);
            sender.send(()).unwrap();
        })
        .unwrap();
    let data = [1.0f32, 2.0].map(f32::to_ne_bytes).concat();
    let sent = manager.transfer_data(0, data, 0, true).unwrap();
    receiver.recv().unwrap();
    sent.wait().unwrap();
}

fn spec(dims: &[i64]) -> BufferSpec<'_> {
    BufferSpec {
        element_type: ElementType::F32,
        dims,
        layout: None,
    }
}

#[test]
fn an_array_is_sent_in_pieces() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let layout = MemoryLayout::row_major(1);
    let specs = [
        spec(&[4]),
        BufferSpec {
            layout: Some(&layout),
            ..spec(&[2])
        },
        spec(&[2]),
    ];
    let mut manager = client
        .create_buffers_for_async_transfer(&specs, &memory(&client))
        .unwrap();
    assert_eq!(manager.buffer_count().unwrap(), 3);
    assert_eq!(manager.buffer_size(0).unwrap(), 16);
    let device = manager.device().unwrap();
    assert_eq!(device.description().unwrap().id().unwrap(), 0);
    manager.add_metadata(&[("name", "weights")]).unwrap();
    let bytes = |items: &[f32]| {
        items
            .iter()
            .flat_map(|x| x.to_ne_bytes())
            .collect::<Vec<u8>>()
    };
    let one = manager
        .transfer_data(0, bytes(&[1.0, 2.0]), 0, false)
        .unwrap();
    let two = manager
        .transfer_data(0, bytes(&[3.0, 4.0]), 8, true)
        .unwrap();
    assert_eq!(one.wait().unwrap(), bytes(&[1.0, 2.0]));
    two.wait().unwrap();
    let buffer = manager.retrieve_buffer(0).unwrap();
    assert_eq!(buffer.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    refused(
        &manager.add_metadata(&[("late", "yes")]).unwrap_err(),
        "finished",
    );
    // This plugin is older than the call for whole arrays, which changes nothing.
    let literal = manager.transfer_literal(1, bytes(&[5.0, 6.0]), Some(&layout));
    let error = literal.unwrap_err();
    assert!(matches!(error, Error::Unimplemented { .. }), "{error}");
    let literal = manager.transfer_data(1, bytes(&[5.0, 6.0]), 0, true);
    literal.unwrap().wait().unwrap();
    let buffer = manager.retrieve_buffer(1).unwrap();
    assert_eq!(buffer.to_vec::<f32>().unwrap(), [5.0, 6.0]);
    // A transfer that nobody waits for keeps its memory by itself.
    drop(
        manager
            .transfer_data(2, bytes(&[7.0, 8.0]), 0, true)
            .unwrap(),
    );
    let buffer = manager.retrieve_buffer(2).unwrap();
    assert_eq!(buffer.to_vec::<f32>().unwrap(), [7.0, 8.0]);
}

#[test]
fn index_out_of_range() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let mut manager = client
        .create_buffers_for_async_transfer(&[spec(&[2]), spec(&[2])], &memory(&client))
        .unwrap();
    for index in [-1, 2] {
        refused(&manager.buffer_size(index).unwrap_err(), "0..2");
        let error = manager.transfer_data(index, vec![0; 8], 0, true);
        refused(&error.unwrap_err(), "0..2");
        let error = manager.transfer_literal(index, vec![0; 8], None);
        refused(&error.unwrap_err(), "0..2");
        let error = manager.set_buffer_error(index, ErrorCode::INTERNAL, "");
        refused(&error.unwrap_err(), "0..2");
    }
    let error = manager.transfer_data(0, vec![0; 8], 4, true).unwrap_err();
    refused(&error, "not within");
    let error = manager.transfer_literal(0, vec![0; 4], None).unwrap_err();
    refused(&error, "4 bytes were given");
    let error = manager.set_buffer_error(0, ErrorCode::OK, "").unwrap_err();
    refused(&error, "OK is no failure");
    drop(manager.transfer_data(0, vec![0; 8], 0, true).unwrap());
    let error = manager.transfer_data(0, vec![0; 8], 0, true).unwrap_err();
    refused(&error, "finished");
    let error = manager
        .set_buffer_error(0, ErrorCode::INTERNAL, "")
        .unwrap_err();
    refused(&error, "finished");
    drop(manager.transfer_data(1, vec![0; 4], 0, false).unwrap());
    let error = manager.transfer_literal(1, vec![0; 8], None).unwrap_err();
    refused(&error, "transfers of bytes");
}

#[test]
fn raw_copy_bounds() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let buffer = floats(&client);
    let bytes = buffer.copy_raw_to_host(4, 8).unwrap().wait().unwrap();
    assert_eq!(bytes, [2.0f32, 3.0].map(f32::to_ne_bytes).concat());
    assert!(
        buffer
            .copy_raw_to_host(16, 0)
            .unwrap()
            .wait()
            .unwrap()
            .is_empty()
    );
    for (offset, length) in [(-1, 4), (0, 17), (16, 1), (i64::MAX, usize::MAX)] {
        let error = buffer.copy_raw_to_host(offset, length).unwrap_err();
        refused(&error, "not within the 16");
    }
    drop(buffer.copy_raw_to_host(0, 16).unwrap());
}

#[test]
fn a_buffer_without_contents_is_made_in_one_place() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let devices = client.addressable_devices().unwrap();
    let memory = memory(&client);
    let make = |element_type, dims: &[i64], layout, device, memory| {
        client.create_uninitialized_buffer(dims, element_type, layout, device, memory)
    };
    let f32 = ElementType::F32;
    let buffer = make(f32, &[2, 3], None, Some(&devices[0]), None).unwrap();
    assert_eq!(buffer.dimensions().unwrap(), [2, 3]);
    let layout = MemoryLayout::row_major(2);
    let buffer = make(f32, &[2, 3], Some(&layout), None, Some(&memory)).unwrap();
    assert_eq!(buffer.memory_layout().unwrap().order(), Some(&[1, 0][..]));
    let error = make(f32, &[2], None, None, None).unwrap_err();
    refused(&error, "neither is given");
    let both = make(f32, &[2], None, Some(&devices[0]), Some(&memory));
    refused(&both.unwrap_err(), "both are given");
    let error = make(f32, &[2], Some(&layout), None, Some(&memory)).unwrap_err();
    refused(&error, "for 2 dimensions");
    for dims in [&[-1][..], &[i64::MAX, 4]] {
        let error = make(f32, dims, None, None, Some(&memory)).unwrap_err();
        refused(&error, "not dimensions");
    }
}

#[test]
fn enum_too_new() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let memory = memory(&client);
    let make = |ty| {
        client
            .create_uninitialized_buffer(&[2], ty, None, None, Some(&memory))
            .unwrap_err()
    };
    refused(&make(ElementType::INVALID), "no type");
    refused(&make(ElementType::TOKEN), "no type");
    let error = make(ElementType::S1);
    assert!(matches!(error, Error::TooNew { since: 94, .. }), "{error}");
}

#[test]
fn one_shot_dropped() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let memory = memory(&client);
    let make = || client.create_alias_buffer(&memory, ElementType::F32, &[2, 2], None);
    let (alias, fulfiller) = make().unwrap();
    fulfiller.fulfill(Ok(&floats(&client))).unwrap();
    assert_eq!(alias.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    let (alias, fulfiller) = make().unwrap();
    fulfiller
        .fulfill(Err((ErrorCode::ABORTED, "no more")))
        .unwrap();
    let error = alias.to_vec::<f32>().unwrap_err();
    assert_eq!(error.code(), ErrorCode::ABORTED);
    let (alias, fulfiller) = make().unwrap();
    let event = alias.ready_event().unwrap();
    drop(fulfiller);
    assert_eq!(event.wait().unwrap_err().code(), ErrorCode::CANCELLED);
    // A buffer of another shape is refused, and the promise is broken.
    let (alias, fulfiller) = make().unwrap();
    let other = client.buffer_from_slice(&[1.0f32], &[1]).unwrap();
    refused(
        &fulfiller.fulfill(Ok(&other)).unwrap_err(),
        "the alias stands for",
    );
    let error = alias.to_vec::<f32>().unwrap_err();
    assert_eq!(error.code(), ErrorCode::CANCELLED);
}

#[test]
fn memory_of_others_is_told_when_the_view_is_gone() {
    #[repr(align(64))]
    struct Aligned([f32; 4]);
    let Some((_plugin, client)) = client() else {
        return;
    };
    let devices = client.addressable_devices().unwrap();
    let mut memory = Box::new(Aligned([1.0, 2.0, 3.0, 4.0]));
    let view = DeviceView {
        address: (&raw mut memory.0).cast(),
        element_type: ElementType::F32,
        dims: &[4],
        layout: None,
        device: Some(&devices[0]),
        memory: None,
        stream: 0,
    };
    let (sender, receiver) = channel();
    let told = sender.clone();
    // SAFETY: the memory outlives the buffer, and nobody else uses it meanwhile.
    let buffer =
        unsafe { client.view_of_device_memory(&view, move || told.send(()).unwrap()) }.unwrap();
    assert_eq!(buffer.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    assert!(receiver.try_recv().is_err());
    drop(buffer);
    receiver.recv().unwrap();
    let odd = DeviceView {
        address: view.address.wrapping_byte_add(4),
        ..view
    };
    // SAFETY: as above; the plugin refuses the alignment.
    let error = unsafe { client.view_of_device_memory(&odd, move || sender.send(()).unwrap()) };
    assert_eq!(error.unwrap_err().code(), ErrorCode::INVALID_ARGUMENT);
    // The callback was dropped without being called.
    assert!(receiver.recv().is_err());
}

#[test]
fn addresses_and_references_of_a_buffer() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let mut buffer = floats(&client);
    buffer.increase_external_reference_count().unwrap();
    let address = buffer.opaque_device_memory_data_pointer().unwrap();
    assert_eq!(buffer.unsafe_pointer().unwrap(), address as usize);
    buffer.decrease_external_reference_count().unwrap();
    let error = buffer.decrease_external_reference_count().unwrap_err();
    assert_eq!(error.code(), ErrorCode::INVALID_ARGUMENT);
    let layout = buffer.memory_layout().unwrap();
    assert_eq!(layout, MemoryLayout::row_major(2));
    buffer.delete().unwrap();
    buffer.delete().unwrap();
    assert!(buffer.is_deleted().unwrap());
    let error = buffer.unsafe_pointer().unwrap_err();
    assert_eq!(error.code(), ErrorCode::INVALID_ARGUMENT);
}

#[test]
fn what_the_platform_cannot_is_an_error() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    // SAFETY: the guard owns the memory; the plugin refuses it.
    let error = unsafe { client.dma_map(vec![0u8; 4096]) }.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UNIMPLEMENTED);
}

#[test]
fn table_overread() {
    let Some((plugin, client)) = client() else {
        return;
    };
    let absent = |error: Error| {
        assert!(matches!(error, Error::Unimplemented { .. }), "{error}");
    };
    absent(OwnEvent::create(&plugin).unwrap_err());
    let made = client.create_error_buffer(
        ErrorCode::INTERNAL,
        "broken",
        &[2],
        ElementType::F32,
        None,
        &memory(&client),
        &[],
    );
    absent(made.unwrap_err());
    absent(floats(&client).copy_raw_to_host_later(0, 4).unwrap_err());
    let kept = floats(&client).donate_with_control_dependency();
    let (kept, error) = *kept.unwrap_err();
    absent(error);
    assert_eq!(kept.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    absent(
        floats(&client)
            .bitcast(ElementType::S32, &[4], None)
            .unwrap_err(),
    );
}
