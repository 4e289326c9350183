//! Transfers between hosts.

use super::{Scene, Step};
use pjrt::cross_host_transfers::{CrossHostTransfers, Incoming, Outgoing};
use pjrt::{BufferSpec, ElementType, ErrorCode};
use std::sync::mpsc::channel;

const SPEC: BufferSpec<'static> = BufferSpec {
    element_type: ElementType::F32,
    dims: &[4],
    layout: None,
};

pub const ALL: &[Step] = &[
    ("by_keys", by_keys),
    ("by_descriptors", by_descriptors),
    ("cancelled", cancelled),
];

fn by_keys(scene: &Scene) {
    let transfers: CrossHostTransfers = scene.plugin.extension().unwrap();
    let device = scene.client.devices().unwrap().remove(0);
    let floats = scene.floats();
    let outgoing = [Outgoing {
        buffer: &floats,
        destination: 0,
        key: 5,
    }];
    // SAFETY: the buffer stays until its event.
    let sent = unsafe { transfers.send_buffers(&scene.client, &outgoing) }.unwrap();
    let incoming = [Incoming {
        spec: SPEC,
        source: 0,
        key: 5,
    }];
    let came = transfers.receive_buffers(&scene.client, &device, &incoming);
    assert_eq!(
        came.unwrap()[0].to_vec::<f32>().unwrap(),
        [1.0, 2.0, 3.0, 4.0]
    );
    sent[0].wait().unwrap();
}

fn by_descriptors(scene: &Scene) {
    let transfers: CrossHostTransfers = scene.plugin.extension().unwrap();
    let device = scene.client.devices().unwrap().remove(0);
    let (sender, told) = channel();
    let notify = move |told: pjrt::Result<pjrt::cross_host_transfers::ReceiveDescriptors<'_>>| {
        let told = told.unwrap();
        let all: Vec<_> = told.descriptors().iter().map(|d| d.to_vec()).collect();
        sender.send(all).unwrap();
    };
    let specs = [SPEC, SPEC];
    let awaited = transfers
        .make_receive_buffers(&scene.client, &device, &specs, notify)
        .unwrap();
    let descriptors = told.recv().unwrap();
    let floats = scene.floats();
    let (sender, outcomes) = channel();
    let done = move |outcome: pjrt::Result<()>, enqueued| {
        sender.send((outcome.is_ok(), enqueued)).unwrap();
    };
    // SAFETY: the buffer stays until the copies are done.
    let promise = unsafe {
        transfers
            .copy_to_remote_device(&floats, &descriptors[0], done.clone())
            .unwrap();
        transfers
            .copy_to_remote_device_later(&floats, done.clone())
            .unwrap()
    };
    promise.fulfill(descriptors[1].clone()).unwrap();
    for buffer in &awaited {
        assert_eq!(buffer.to_vec::<f32>().unwrap()[3], 4.0);
    }
    assert_eq!([outcomes.recv(), outcomes.recv()], [Ok((true, true)); 2]);
    // SAFETY: as above.
    unsafe { transfers.copy_to_remote_device(&floats, b"nobody", done) }.unwrap();
    assert_eq!(outcomes.recv(), Ok((false, false)));
}

fn cancelled(scene: &Scene) {
    let transfers: CrossHostTransfers = scene.plugin.extension().unwrap();
    let device = scene.client.devices().unwrap().remove(0);
    let (sender, outcomes) = channel();
    let notify = move |told: pjrt::Result<pjrt::cross_host_transfers::ReceiveDescriptors<'_>>| {
        let told = told.unwrap();
        let descriptor = told.descriptors()[0];
        let reason = (ErrorCode::UNAVAILABLE, "gone");
        let done = move |outcome: pjrt::Result<()>| sender.send(outcome.is_ok()).unwrap();
        told.canceller().cancel(descriptor, reason, done).unwrap();
    };
    let awaited = transfers
        .make_receive_buffers(&scene.client, &device, &[SPEC], notify)
        .unwrap();
    assert!(outcomes.recv().unwrap());
    let error = awaited[0].to_vec::<f32>().unwrap_err();
    assert_eq!(error.code(), ErrorCode::UNAVAILABLE);
}
