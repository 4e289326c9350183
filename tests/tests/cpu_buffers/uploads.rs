//! Uploads of many arrays on the real CPU plugin.

use super::{client, memory};
use pjrt::{BulkUpload, ElementType, Error, ErrorCode};
use std::io::{Cursor, Read};

fn bytes(items: impl IntoIterator<Item = f32>) -> Vec<u8> {
    items.into_iter().flat_map(f32::to_ne_bytes).collect()
}

#[test]
fn many_arrays_arrive_in_pieces() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let items = || (0u16..1000).map(f32::from);
    let mut upload = BulkUpload::new().chunk_size(96).in_flight(1000);
    for _ in 0..8 {
        upload = upload
            .reader(ElementType::F32, &[10, 100], Cursor::new(bytes(items())))
            .array(ElementType::F32, &[100, 10], bytes(items()))
            .chunks(ElementType::F32, &[0, 4], []);
    }
    let uploading = client.upload_bulk(upload, &memory(&client)).unwrap();
    let expected: Vec<f32> = items().collect();
    for (array, kind) in uploading.wait().unwrap().iter().zip((0..3).cycle()) {
        let given = array.to_vec::<f32>().unwrap();
        match kind {
            2 => assert!(given.is_empty()),
            _ => assert_eq!(given, expected),
        }
    }
}

#[test]
fn arrays_that_are_given_up_say_why() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let (asked, was_asked) = std::sync::mpsc::channel();
    let (may, go) = std::sync::mpsc::channel::<()>();
    let chunks = (0..2).map(move |number| {
        asked.send(()).unwrap();
        if number == 1 {
            // Until nobody is there.
            let _ = go.recv();
        }
        Ok(bytes([1.0]))
    });
    let upload = BulkUpload::new()
        .reader(ElementType::F32, &[4], Cursor::new(bytes([1.0])))
        .chunks(ElementType::F32, &[2], chunks)
        .reader(ElementType::F32, &[1], std::io::repeat(0).take(4));
    let uploading = client.upload_bulk(upload, &memory(&client)).unwrap();
    for _ in 0..2 {
        was_asked.recv().unwrap();
    }
    uploading.cancel();
    let codes: Vec<_> = uploading
        .buffers()
        .iter()
        .map(|array| array.to_vec::<f32>().unwrap_err().code())
        .collect();
    assert_eq!(
        codes,
        [
            ErrorCode::DATA_LOSS,
            ErrorCode::CANCELLED,
            ErrorCode::CANCELLED
        ]
    );
    drop(may);
    let error = uploading.wait().unwrap_err();
    assert_eq!(error.code(), ErrorCode::DATA_LOSS);
}

#[test]
fn types_that_lie_otherwise_on_the_device_come_whole() {
    let Some((_plugin, client)) = client() else {
        return;
    };
    let nibbles = vec![1u8, 2, 3, 4];
    let upload = BulkUpload::new().reader(ElementType::U4, &[4], Cursor::new(nibbles.clone()));
    let error = client.upload_bulk(upload, &memory(&client)).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    assert!(error.to_string().contains("give it whole"), "{error}");
}
