//! Transfers between hosts: that libtpu has them, and all that they do on a plugin made up here.

#[path = "cross_host/plugin.rs"]
mod cross_host;
#[path = "cross_host/sends.rs"]
mod sends;

use cross_host::{State, fresh, plugin, state};
use pjrt::cross_host_transfers::{CrossHostTransfers, Incoming, KeptCanceller, ReceiveDescriptors};
use pjrt::{Buffer, BufferSpec, Client, Device, ElementType, Error, ErrorCode, MemoryLayout};
use pjrt_tests::made_up::{self, live, turn};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

type Told = Result<Vec<Vec<u8>>, Error>;

fn spec(dims: &[i64]) -> BufferSpec<'_> {
    BufferSpec {
        element_type: ElementType::F32,
        dims,
        layout: None,
    }
}

fn device(client: &Client) -> Device {
    client.devices().unwrap().remove(0)
}

/// One buffer of the made-up plugin.
fn buffer(ext: &CrossHostTransfers, client: &Client) -> Buffer {
    let incoming = Incoming {
        spec: spec(&[2]),
        source: 0,
        key: 0,
    };
    let mut made = ext.receive_buffers(client, &device(client), &[incoming]);
    made.as_mut().unwrap().pop().unwrap()
}

/// Receives and gives what the notifier is told.
fn receive(
    ext: &CrossHostTransfers,
    client: &Client,
    specs: &[BufferSpec<'_>],
) -> (pjrt::Result<Vec<Buffer>>, Receiver<Told>) {
    let (sender, receiver) = channel();
    let made = ext.make_receive_buffers(client, &device(client), specs, move |told| {
        let told = told.map(|told| told.descriptors().iter().map(|d| d.to_vec()).collect());
        sender.send(told).unwrap();
    });
    (made, receiver)
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorCode {
    match result.unwrap_err() {
        Error::Plugin(error) => error.code,
        other => panic!("expected an error of the plugin, got {other}"),
    }
}

/// The argument that was refused before the call.
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result.unwrap_err() {
        Error::InvalidArgument { argument, .. } => argument,
        Error::TooNew { field, .. } => field,
        other => panic!("expected a refusal, got {other}"),
    }
}

/// What the plugin handed out and must not.
fn wrong<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result.unwrap_err() {
        Error::InvalidOutput { field, .. } => field,
        other => panic!("expected a wrong output, got {other}"),
    }
}

fn seen() -> Vec<String> {
    state(|s| std::mem::take(&mut s.seen))
}

#[test]
fn libtpu_has_the_extension_and_the_cpu_plugin_does_not() {
    if let Some(tpu) = pjrt_tests::plugin("tpu") {
        let _: CrossHostTransfers = tpu.extension().unwrap();
        let table = tpu
            .extensions()
            .into_iter()
            .find(|node| node.kind.as_raw().0 == 12);
        assert!(
            table.unwrap().size >= 56,
            "all four functions lie in the table"
        );
    }
    if let Some(cpu) = pjrt_tests::plugin("cpu") {
        let error = cpu.extension::<CrossHostTransfers>().unwrap_err();
        assert!(matches!(error, Error::NoExtension { .. }), "{error}");
    }
}

#[test]
fn descriptors_come_later_in_the_order_of_the_buffers() {
    let _turn = turn();
    let (ext, client) = fresh();
    let layout = MemoryLayout::minor_to_major(&[0, 1]).unwrap();
    let laid = BufferSpec {
        layout: Some(&layout),
        ..spec(&[2, 3])
    };
    let (made, told) = receive(&ext, &client, &[laid, spec(&[])]);
    assert_eq!(made.as_ref().unwrap().len(), 2);
    assert_eq!(seen(), ["11[2, 3][0, 1] 11[]default "]);
    assert!(told.try_recv().is_err());
    thread::spawn(|| cross_host::tell(2)).join().unwrap();
    assert_eq!(
        told.recv().unwrap().unwrap(),
        [b"first".to_vec(), b"second".to_vec()]
    );
    // Whoever calls twice finds nobody.
    cross_host::tell(2);
    assert!(told.recv().is_err());
}

#[test]
fn descriptors_may_come_before_the_call_returns() {
    let _turn = turn();
    let (ext, client) = fresh();
    state(|s| s.at_once = true);
    let (made, told) = receive(&ext, &client, &[spec(&[1])]);
    assert_eq!(told.recv().unwrap().unwrap(), [b"first".to_vec()]);
    assert_eq!(made.unwrap().len(), 1);
}

#[test]
fn a_failure_is_told_and_its_error_stays_the_plugins() {
    let _turn = turn();
    let (ext, client) = fresh();
    let (made, told) = receive(&ext, &client, &[spec(&[1])]);
    made.unwrap();
    cross_host::tell_failure();
    let error = told.recv().unwrap().unwrap_err();
    assert!(error.to_string().contains("no fabric"), "{error}");
    assert_eq!(code(Err::<(), _>(error)), ErrorCode::ABORTED);
}

#[test]
fn a_call_that_fails_drops_its_notifier_and_a_late_call_finds_nobody() {
    let _turn = turn();
    let (ext, client) = fresh();
    state(|s| s.fail = true);
    let (made, told) = receive(&ext, &client, &[spec(&[1])]);
    assert_eq!(code(made), ErrorCode::RESOURCE_EXHAUSTED);
    assert!(told.recv().is_err());
    cross_host::tell(1);
}

#[test]
fn a_notifier_that_is_never_called_keeps_the_client() {
    let _turn = turn();
    let (ext, client) = fresh();
    let (made, told) = receive(&ext, &client, &[spec(&[1])]);
    drop((made.unwrap(), client));
    assert!(told.try_recv().is_err());
    assert_eq!(live(1), 1);
    // The last thing that holds the client goes on the plugin's thread, and destroys it elsewhere.
    cross_host::tell(1);
    assert_eq!(live(0), 0);
}

#[test]
fn a_notifier_that_panics_or_drops_handles_harms_nobody() {
    let _turn = turn();
    let (ext, client) = fresh();
    let made = buffer(&ext, &client);
    let device = device(&client);
    let notify = move |_: pjrt::Result<ReceiveDescriptors<'_>>| {
        let _buffer = made;
        panic!("a notifier that fails");
    };
    ext.make_receive_buffers(&client, &device, &[spec(&[1])], notify)
        .unwrap();
    cross_host::tell(1);
}

#[test]
fn descriptors_that_make_no_sense_are_an_error() {
    let _turn = turn();
    let (ext, client) = fresh();
    for (tell, field) in [
        ((|| cross_host::tell(2)) as fn(), "num_descriptors"),
        (|| cross_host::tell(0), "num_descriptors"),
        (|| cross_host::tell(usize::MAX), "num_descriptors"),
        (|| cross_host::tell_nothing(1), "serialized_descriptors"),
    ] {
        let (made, told) = receive(&ext, &client, &[spec(&[1])]);
        made.unwrap();
        tell();
        assert_eq!(wrong(told.recv().unwrap()), field);
    }
}

#[test]
fn buffers_that_are_missing_double_or_miscounted_are_an_error_and_the_others_are_freed() {
    let _turn = turn();
    let (ext, client) = fresh();
    let wrongs = [
        ((|s| s.empty = Some(1)) as fn(&mut State), "buffers"),
        (|s| s.twin = true, "buffers"),
        (|s| s.report = Some(usize::MAX), "num_buffers"),
        (|s| s.report = Some(0), "num_buffers"),
    ];
    for (set, field) in wrongs {
        state(|s| *s = State::default());
        state(set);
        let (made, _told) = receive(&ext, &client, &[spec(&[1]), spec(&[2])]);
        assert_eq!(wrong(made), field);
        cross_host::tell(2);
    }
    drop(client);
    assert_eq!(live(0), 0);
}

#[test]
fn what_no_array_has_and_devices_of_others_are_refused_before_the_call() {
    let _turn = turn();
    let (ext, client) = fresh();
    let invalid = BufferSpec {
        element_type: ElementType::INVALID,
        ..spec(&[])
    };
    let layout = MemoryLayout::row_major(2);
    let laid = BufferSpec {
        layout: Some(&layout),
        ..spec(&[1])
    };
    for (specs, argument) in [
        (&[][..], "buffers"),
        (&[invalid], "element_types"),
        (&[spec(&[-1])], "dims"),
        (&[spec(&[i64::MAX, 2])], "dims"),
        (&[laid], "layouts"),
    ] {
        let (made, told) = receive(&ext, &client, specs);
        assert_eq!(refused(made), argument);
        assert!(told.recv().is_err());
    }
    let theirs = client.devices().unwrap().remove(1);
    assert_eq!(
        refused(ext.receive_buffers(&client, &theirs, &[])),
        "device"
    );
    let other = made_up::client(&plugin(114, 56));
    let foreign = ext.receive_buffers(&other, &device(&other), &[]);
    assert!(matches!(
        foreign,
        Err(Error::ForeignHandle {
            must_share: "plugin",
            ..
        })
    ));
    assert_eq!(seen(), [""; 0]);
}

#[test]
fn a_send_is_cancelled_once_while_the_descriptors_are_told() {
    let _turn = turn();
    let (ext, client) = fresh();
    let (sender, outcomes) = channel();
    let (other, refusals) = channel();
    let reason = (ErrorCode::UNAVAILABLE, "gone");
    let notify = move |told: pjrt::Result<ReceiveDescriptors<'_>>| {
        let told = told.unwrap();
        let done = sender.clone();
        let done = move |outcome| done.send(outcome).unwrap();
        let cancel = told.canceller();
        cancel.cancel(b"first", reason, done.clone()).unwrap();
        other
            .send(cancel.cancel(b"first", reason, done.clone()))
            .unwrap();
        other
            .send(cancel.cancel(b"none", reason, done.clone()))
            .unwrap();
        other
            .send(cancel.cancel(b"second", (ErrorCode::OK, ""), done))
            .unwrap();
    };
    let specs = [spec(&[1]), spec(&[1])];
    ext.make_receive_buffers(&client, &device(&client), &specs, notify)
        .unwrap();
    seen();
    cross_host::tell(2);
    let refusals: Vec<_> = refusals.into_iter().map(refused).collect();
    assert_eq!(
        refusals,
        ["serialized_descriptor", "serialized_descriptor", "reason"]
    );
    assert_eq!(seen(), ["cancel first 14 gone"]);
    cross_host::tell_canceled(false);
    assert_eq!(code(outcomes.recv().unwrap()), ErrorCode::NOT_FOUND);
    cross_host::tell_canceled(true);
    assert!(outcomes.recv().is_err(), "the second outcome finds nobody");
}

#[test]
fn a_canceller_that_is_kept_cancels_later_and_one_without_a_function_is_an_error() {
    let _turn = turn();
    let (ext, client) = fresh();
    let (sender, kept) = channel::<KeptCanceller>();
    for tell in [
        (|| cross_host::tell(1)) as fn(),
        cross_host::tell_without_cancel,
    ] {
        let sender = sender.clone();
        let notify = move |told: pjrt::Result<ReceiveDescriptors<'_>>| {
            // SAFETY: the made-up plugin's function can be called at any time.
            let kept = unsafe { told.unwrap().into_canceller().keep() };
            sender.send(kept).unwrap();
        };
        ext.make_receive_buffers(&client, &device(&client), &[spec(&[1])], notify)
            .unwrap();
        tell();
    }
    seen();
    let reason = (ErrorCode::UNAVAILABLE, "gone");
    let (sender, outcomes) = channel();
    let done = move |outcome| sender.send(outcome).unwrap();
    let (with, without) = (kept.recv().unwrap(), kept.recv().unwrap());
    let other = done.clone();
    thread::spawn(move || with.cancel(b"first", reason, other).unwrap())
        .join()
        .unwrap();
    assert_eq!(seen(), ["cancel first 14 gone"]);
    cross_host::tell_canceled(true);
    assert!(outcomes.recv().unwrap().is_ok());
    assert_eq!(
        wrong(without.cancel(b"first", reason, done)),
        "cancel_notifier"
    );
}
