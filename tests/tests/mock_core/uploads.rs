//! Uploads of many arrays: what arrives, what waits, what fails, and what is given up.

use super::{bytes, client, memory};
use pjrt::{Buffer, BulkUpload, Client, ElementType, Error, ErrorCode, UploadProgress, Uploading};
use pjrt_mock::{Failure, Fault, Mock, newest};
use pjrt_tests::{Mocked, mock, mocked};
use std::io::{self, Cursor, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const F32: ElementType = ElementType::F32;
const DATA: &str = "PJRT_AsyncHostToDeviceTransferManager_TransferData";

fn start(client: &Client, upload: BulkUpload) -> Uploading {
    client.upload_bulk(upload, &memory(client)).unwrap()
}

fn code(buffer: &Buffer) -> ErrorCode {
    buffer.to_vec::<f32>().unwrap_err().code()
}

/// Four numbers, a piece each.
fn four() -> Vec<u8> {
    bytes(&[1.0, 2.0, 3.0, 4.0])
}

#[test]
fn arrays_come_whole_in_pieces_and_from_readers_and_progress_is_told() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let told: Arc<Mutex<Vec<UploadProgress>>> = Arc::default();
    let inner = told.clone();
    let upload = BulkUpload::new()
        .array(F32, &[2, 2], four())
        .chunks(
            F32,
            &[3],
            [Ok(bytes(&[5.0])), Ok(vec![]), Ok(bytes(&[6.0, 7.0]))],
        )
        .reader(F32, &[2], Cursor::new(bytes(&[8.0, 9.0, 10.0])))
        .chunks(F32, &[0], [])
        .array(F32, &[], bytes(&[11.0]))
        .label("name", "weights")
        .chunk_size(4)
        .on_progress(move |progress| inner.lock().unwrap().push(progress));
    let uploading = start(&client, upload);
    assert_eq!(uploading.buffers().len(), 5);
    // They are arrays already, though nothing may have arrived.
    assert_eq!(uploading.buffers()[0].dimensions().unwrap(), [2, 2]);
    let arrays = uploading.wait().unwrap();
    let given: Vec<Vec<f32>> = arrays.iter().map(|a| a.to_vec().unwrap()).collect();
    let expected: [&[f32]; 5] = [
        &[1.0, 2.0, 3.0, 4.0],
        &[5.0, 6.0, 7.0],
        &[8.0, 9.0],
        &[],
        &[11.0],
    ];
    assert_eq!(given, expected);
    let told = told.lock().unwrap();
    assert!(told.is_sorted_by_key(|progress| progress.sent));
    let last = told.last().unwrap();
    assert_eq!((last.sent, last.total), (40, 40));
    assert_eq!(
        plugin
            .mock
            .calls("PJRT_AsyncHostToDeviceTransferManager_AddMetadata"),
        1
    );
}

#[test]
fn without_literals_whole_arrays_are_sent_as_they_are() {
    let literal = "PJRT_AsyncHostToDeviceTransferManager_TransferLiteral";
    for (missing, literals, pieces) in [(false, 1, 0), (true, 0, 1)] {
        let builder = Mock::builder();
        let plugin = mocked(match missing {
            true => builder.without(literal),
            false => builder,
        });
        let client = client(&plugin);
        let upload = BulkUpload::new().array(F32, &[4], four());
        let arrays = start(&client, upload).wait().unwrap();
        assert_eq!(arrays[0].to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
        let calls = (plugin.mock.calls(literal), plugin.mock.calls(DATA));
        assert_eq!(calls, (literals, pieces));
    }
}

#[test]
fn no_more_is_read_than_may_be_under_way() {
    let plugin = mocked(Mock::builder().delay(Duration::from_millis(2)));
    let client = client(&plugin);
    let arrived = Arc::new(AtomicUsize::new(0));
    let (told, seen) = (arrived.clone(), arrived.clone());
    let most = Arc::new(AtomicUsize::new(0));
    let noted = most.clone();
    let mut made = 0;
    let pieces = (0u8..64).map(move |number| {
        // What was made before and has not arrived is under way.
        let open = made - seen.load(Ordering::SeqCst);
        noted.fetch_max(open, Ordering::SeqCst);
        made += 4;
        Ok(bytes(&[f32::from(number)]))
    });
    let upload = BulkUpload::new()
        .chunks(F32, &[64], pieces)
        .in_flight(12)
        .on_progress(move |progress| told.store(progress.sent, Ordering::SeqCst));
    let arrays = start(&client, upload).wait().unwrap();
    let expected: Vec<f32> = (0u8..64).map(f32::from).collect();
    assert_eq!(arrays[0].to_vec::<f32>().unwrap(), expected);
    assert!(most.load(Ordering::SeqCst) <= 12, "{most:?} bytes");
    assert_eq!(arrived.load(Ordering::SeqCst), 256);
}

/// A reader that tells that it was asked, and gives nothing until it may.
struct Gated {
    asked: Sender<()>,
    go: Receiver<()>,
}

impl Read for Gated {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.asked.send(()).unwrap();
        // Nobody there any more: the end of the data.
        if self.go.recv().is_err() {
            return Ok(0);
        }
        room.fill(0);
        Ok(room.len())
    }
}

fn gated() -> (Gated, Receiver<()>, Sender<()>) {
    let (asked, was_asked) = channel();
    let (may, go) = channel();
    (Gated { asked, go }, was_asked, may)
}

/// An upload of an array that is there, and of one whose data does not come, which was asked for.
fn stuck(plugin: &Mocked) -> (Client, Uploading, Sender<()>) {
    let client = client(plugin);
    let (reader, asked, may) = gated();
    let upload = BulkUpload::new()
        .array(F32, &[4], four())
        .reader(F32, &[4], reader)
        .reader(F32, &[4], Cursor::new(four()));
    let uploading = start(&client, upload);
    asked.recv().unwrap();
    (client, uploading, may)
}

#[test]
fn a_cancelled_upload_gives_errors_at_once_though_its_reader_waits() {
    let plugin = mock(newest());
    let (_client, uploading, may) = stuck(&plugin);
    uploading.cancel();
    uploading.cancel();
    let of = uploading.buffers();
    assert_eq!(of[0].to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(
        (code(&of[1]), code(&of[2])),
        (ErrorCode::CANCELLED, ErrorCode::CANCELLED)
    );
    assert!(!uploading.is_finished());
    drop(may);
    let error = uploading.wait().unwrap_err();
    assert_eq!(error.code(), ErrorCode::CANCELLED);
    // The one that came after it was never read.
    assert_eq!(plugin.mock.calls(DATA), 0);
}

#[test]
fn a_dropped_upload_is_cancelled_and_a_detached_one_goes_on() {
    let plugin = mock(newest());
    let (_client, uploading, may) = stuck(&plugin);
    let error = uploading.buffers()[1].ready_event().unwrap();
    drop(uploading);
    assert_eq!(error.wait().unwrap_err().code(), ErrorCode::CANCELLED);
    drop(may);

    let (_client, uploading, may) = stuck(&plugin);
    let arrays = uploading.detach();
    may.send(()).unwrap();
    assert_eq!(arrays[1].to_vec::<f32>().unwrap(), [0.0; 4]);
    assert_eq!(arrays[2].to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn pieces_that_never_end_hold_an_upload_up_until_it_is_cancelled() {
    let plugin = mock(newest());
    plugin.mock.fault(DATA, Fault::Never);
    let client = client(&plugin);
    let (asked, was_asked) = channel();
    let pieces = (0..8).map(move |_| {
        asked.send(()).unwrap();
        Ok(bytes(&[1.0]))
    });
    let upload = BulkUpload::new().chunks(F32, &[8], pieces).in_flight(8);
    let uploading = start(&client, upload);
    // Two are under way and one waits for room.
    for _ in 0..3 {
        was_asked.recv().unwrap();
    }
    uploading.cancel();
    let error = uploading.wait().unwrap_err();
    assert_eq!(error.code(), ErrorCode::CANCELLED);
    assert_eq!(plugin.mock.calls(DATA), 2);
    assert!(was_asked.try_recv().is_err());
}

#[test]
fn an_array_without_its_data_gets_an_error_and_the_others_their_contents() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let broken: io::Result<Vec<u8>> = Err(io::Error::other("the cable is out"));
    let upload = BulkUpload::new()
        .reader(F32, &[4], Cursor::new(bytes(&[1.0, 2.0])))
        .chunks(F32, &[4], [Ok(bytes(&[1.0])), broken])
        .chunks(F32, &[2], [Ok(four())])
        .chunks(F32, &[1], [Ok(bytes(&[1.0])), Ok(bytes(&[2.0]))])
        .chunks(
            F32,
            &[1],
            std::iter::from_fn(|| panic!("a fault of the test")),
        )
        .chunk_size(4)
        .array(F32, &[4], four());
    let arrays = start(&client, upload).detach();
    let errors: Vec<ErrorCode> = arrays[..5].iter().map(code).collect();
    assert_eq!(
        errors,
        [
            ErrorCode::DATA_LOSS,
            ErrorCode::DATA_LOSS,
            ErrorCode::INVALID_ARGUMENT,
            ErrorCode::INVALID_ARGUMENT,
            ErrorCode::INTERNAL,
        ]
    );
    let text = |index: usize| arrays[index].to_vec::<f32>().unwrap_err().to_string();
    assert!(
        text(0).contains("ended with 8 bytes to come"),
        "{}",
        text(0)
    );
    assert!(text(1).contains("the cable is out"), "{}", text(1));
    assert_eq!(arrays[5].to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn what_the_plugin_refuses_is_the_uploads_error() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let failure = |text: &str| Failure::new(ErrorCode::UNAVAILABLE.as_raw(), text);
    let upload = || {
        BulkUpload::new()
            .reader(F32, &[4], Cursor::new(four()))
            .chunk_size(8)
    };
    plugin.mock.fault(DATA, Fault::Error(failure("no way")));
    let error = start(&client, upload()).wait().unwrap_err();
    assert_eq!(error.code(), ErrorCode::UNAVAILABLE);
    assert!(error.to_string().contains("no way"), "{error}");
    plugin.mock.heal();
    // On its way: nothing more is sent to that array, and its error is not set again.
    plugin.mock.fault(DATA, Fault::Later(failure("lost")));
    let error = start(&client, upload()).wait().unwrap_err();
    assert_eq!(error.code(), ErrorCode::UNAVAILABLE);
    plugin.mock.heal();
    let arrays = start(&client, upload()).wait().unwrap();
    assert_eq!(arrays[0].to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn callbacks_that_panic_end_nothing() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let upload = BulkUpload::new()
        .array(F32, &[4], four())
        .on_progress(|_| panic!("a fault of the test"));
    let arrays = start(&client, upload).wait().unwrap();
    assert_eq!(arrays[0].to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let refused = |upload: BulkUpload| match client.upload_bulk(upload, &memory(&client)) {
        Err(error @ Error::InvalidArgument { .. }) => error.to_string(),
        other => panic!("expected a refusal, got {other:?}"),
    };
    let error = refused(BulkUpload::new().array(F32, &[3], four()));
    assert!(error.contains("16 bytes were given for"), "{error}");
    let error = refused(BulkUpload::new().chunk_size(0));
    assert!(error.contains("at least one byte"), "{error}");
    refused(BulkUpload::new().reader(F32, &[-1], io::empty()));
    assert_eq!(start(&client, BulkUpload::new()).wait().unwrap().len(), 0);
}
