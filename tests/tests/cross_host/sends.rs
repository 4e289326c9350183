//! Sending on the made-up plugin: by descriptors and by keys.

use super::*;
use pjrt::cross_host_transfers::Outgoing;

fn copies(
    ext: &CrossHostTransfers,
    buffer: &Buffer,
) -> (pjrt::Result<()>, Receiver<(pjrt::Result<()>, bool)>) {
    let (sender, outcome) = channel();
    let done = move |result, enqueued| sender.send((result, enqueued)).unwrap();
    // SAFETY: the made-up plugin writes nowhere.
    (
        unsafe { ext.copy_to_remote_device(buffer, b"there", done) },
        outcome,
    )
}

#[test]
fn a_copy_reads_its_descriptor_frees_it_and_tells_its_outcome_once() {
    let _turn = turn();
    let (ext, client) = fresh();
    let buffer = buffer(&ext, &client);
    for (well, enqueued) in [(true, true), (false, false), (false, true)] {
        seen();
        let (called, outcome) = copies(&ext, &buffer);
        called.unwrap();
        assert_eq!(seen(), ["copy there"]);
        assert!(outcome.try_recv().is_err());
        cross_host::tell_sent(well, enqueued);
        let (result, begun) = outcome.recv().unwrap();
        assert_eq!((result.is_ok(), begun), (well, enqueued));
        cross_host::tell_sent(well, enqueued);
        assert!(outcome.recv().is_err());
    }
}

#[test]
fn a_copy_waits_for_its_descriptor_and_a_plugin_that_frees_it_twice_does_no_harm() {
    let _turn = turn();
    let (ext, client) = fresh();
    let buffer = buffer(&ext, &client);
    seen();
    for (keep, expected) in [
        (Some("later"), "copy later"),
        (Some(""), "copy "),
        (None, "broken 1"),
    ] {
        // SAFETY: the made-up plugin writes nowhere.
        let promise = unsafe { ext.copy_to_remote_device_later(&buffer, |_, _| ()) }.unwrap();
        assert_eq!(seen(), [""; 0]);
        let keep = keep.map(|text| text.as_bytes().to_vec());
        let end = move || match keep {
            Some(descriptor) => promise.fulfill(descriptor).unwrap(),
            None => drop(promise),
        };
        thread::spawn(end).join().unwrap();
        assert_eq!(seen(), [expected]);
        cross_host::tell_sent(true, true);
    }
    // SAFETY: as above.
    let promise = unsafe { ext.copy_to_remote_device_later(&buffer, |_, _| ()) }.unwrap();
    promise.fail(ErrorCode::NOT_FOUND, "lost").unwrap();
    assert_eq!(seen(), ["broken 5"]);
    cross_host::tell_sent(false, false);
    // SAFETY: as above.
    let promise =
        unsafe { ext.copy_to_remote_device_later(&buffer, |_, _| panic!("done")) }.unwrap();
    assert_eq!(refused(promise.fail(ErrorCode::OK, "")), "error_code");
    assert_eq!(seen(), ["broken 1"]);
    cross_host::tell_sent(false, false);
}

#[test]
fn plugins_that_take_other_arguments_or_lack_the_functions_are_refused() {
    let _turn = turn();
    state(|s| *s = State::default());
    for (minor, size, receives, sends) in [
        (85, 56, false, false),
        (104, 56, true, false),
        (105, 40, true, true),
    ] {
        let plugin = plugin(minor, size);
        let ext: CrossHostTransfers = plugin.extension().unwrap();
        let client = made_up::client(&plugin);
        let (made, _told) = receive(&ext, &client, &[spec(&[1])]);
        if !receives {
            let layout = Err(Error::IncompatibleLayout {
                function: "PJRT_Transfers_PJRT_Client_MakeCrossHostReceiveBuffers",
                layout_since: 86,
                plugin_version: (0, minor),
            });
            assert_eq!(
                format!("{made:?}"),
                format!("{:?}", layout as Result<(), Error>)
            );
            continue;
        }
        let buffer = made.unwrap().remove(0);
        let (called, outcome) = copies(&ext, &buffer);
        if sends {
            called.unwrap();
            cross_host::tell_sent(true, true);
            outcome.recv().unwrap().0.unwrap();
        } else {
            assert_eq!(refused(called), "descriptor_destructor");
            assert!(outcome.recv().is_err());
        }
        cross_host::tell(1);
        if size == 40 {
            let outgoing = Outgoing {
                buffer: &buffer,
                destination: 1,
                key: 1,
            };
            // SAFETY: the made-up plugin writes nowhere.
            let sent = unsafe { ext.send_buffers(&client, &[outgoing]) };
            assert!(matches!(sent, Err(Error::Unimplemented { .. })), "{sent:?}");
        }
    }
}

#[test]
fn buffers_go_and_come_under_keys() {
    let _turn = turn();
    let (ext, client) = fresh();
    let dims = [2, 3];
    let incoming = |source, key| Incoming {
        spec: spec(&dims),
        source,
        key,
    };
    let made = ext.receive_buffers(
        &client,
        &device(&client),
        &[incoming(7, -1), incoming(8, i64::MAX)],
    );
    let made = made.unwrap();
    assert_eq!(
        seen(),
        ["11[2, 3]default 11[2, 3]default from [7, 8] keys [-1, 9223372036854775807]"]
    );
    let outgoing: Vec<_> = made
        .iter()
        .map(|buffer| Outgoing {
            buffer,
            destination: 3,
            key: 4,
        })
        .collect();
    // SAFETY: the made-up plugin writes nowhere.
    let send = |outgoing: &[Outgoing<'_>]| unsafe { ext.send_buffers(&client, outgoing) };
    let events = send(&outgoing).unwrap();
    assert_eq!(seen(), ["2 to [3, 3] keys [4, 4]"]);
    for event in &events {
        event.wait().unwrap();
    }
    assert_eq!(refused(send(&[])), "buffers");
    for (set, field) in [
        ((|s| s.empty = Some(0)) as fn(&mut State), "send_events"),
        (|s| s.twin = true, "send_events"),
    ] {
        state(|s| *s = State::default());
        state(set);
        assert_eq!(wrong(send(&outgoing)), field);
    }
    let (_, other) = fresh();
    // SAFETY: as above.
    let foreign = unsafe { ext.send_buffers(&other, &outgoing) };
    assert!(
        matches!(foreign, Err(Error::ForeignHandle { .. })),
        "{foreign:?}"
    );
    state(|s| s.fail = true);
    assert_eq!(code(send(&outgoing)), ErrorCode::UNIMPLEMENTED);
    let made = ext.receive_buffers(&client, &device(&client), &[incoming(7, 1)]);
    assert_eq!(code(made), ErrorCode::UNIMPLEMENTED);
}
