//! Handles go to code that binds PJRT by itself, and come back.

use crate::{everywhere, mock_client, refused};
use pjrt::{Buffer, Client, Device, Event, Memory};
use std::ptr;

#[test]
fn a_buffer_is_given_up_and_taken_back() {
    everywhere(|client| {
        let buffer = client.buffer_from_slice(&[1.0f32, 2.0], &[2]).unwrap();
        let raw = buffer.as_raw();
        assert_eq!(buffer.into_raw(), raw);
        // SAFETY: the buffer is one of this client, and nobody else has it.
        let buffer = unsafe { Buffer::from_raw(client, raw) }.unwrap();
        assert_eq!(buffer.to_vec::<f32>().unwrap(), [1.0, 2.0]);
        let device = buffer.device().unwrap();
        assert!(
            !client
                .buffer_from_slice_on(&[1u8], &[1], &device)
                .unwrap()
                .as_raw()
                .is_null()
        );
        let raw = buffer.ready_event().unwrap().into_raw();
        // SAFETY: as above.
        let event = unsafe { Event::from_raw(&buffer, raw) }.unwrap();
        event.wait().unwrap();
    });
}

#[test]
fn what_belongs_to_others_is_borrowed() {
    everywhere(|client| {
        let device = client.addressable_devices().unwrap().remove(0);
        // SAFETY: the device belongs to the client, which lives on.
        let same = unsafe { Device::borrow_raw(client, device.as_raw()) }.unwrap();
        let buffer = client.buffer_from_slice_on(&[3i64], &[1], &same).unwrap();
        assert_eq!(buffer.to_vec::<i64>().unwrap(), [3]);
        let memory = device.default_memory().unwrap();
        // SAFETY: as for the device.
        let same = unsafe { Memory::borrow_raw(&device, memory.as_raw()) }.unwrap();
        assert_eq!(same.id().unwrap(), memory.id().unwrap());
    });
}

#[test]
fn a_client_is_borrowed_or_taken_over() {
    let (mock, client) = mock_client();
    // SAFETY: the client outlives the other handle of it.
    let same = unsafe { Client::borrow_raw(&*mock, client.as_raw()) }.unwrap();
    let buffer = same.buffer_from_scalar(1u8).unwrap();
    // The two are one client.
    let device = client.addressable_devices().unwrap().remove(0);
    assert_eq!(
        buffer
            .copy_to_device(&device)
            .unwrap()
            .to_vec::<u8>()
            .unwrap(),
        [1]
    );
    drop((buffer, same, device));
    assert!(client.platform_name().is_ok());
}

#[test]
fn null_is_no_object() {
    let (mock, client) = mock_client();
    // SAFETY: null is refused.
    unsafe {
        refused(
            Buffer::from_raw(&client, ptr::null_mut()).map(drop),
            "raw",
            "null",
        );
        refused(
            Device::borrow_raw(&client, ptr::null_mut()).map(drop),
            "raw",
            "null",
        );
        refused(
            Client::from_raw(&*mock, ptr::null_mut()).map(drop),
            "raw",
            "null",
        );
    }
}
