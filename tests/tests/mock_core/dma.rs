//! Registered memory: the guard ends what it began, and memory that devices may still reach is kept.

use super::client;
use pjrt::{Error, ErrorCode};
use pjrt_mock::{Failure, Fault, Mock, newest};
use pjrt_tests::{mock, mocked};
use std::sync::Arc;

/// Memory that tells when it is gone, as long as a clone of the other half is there.
struct Told {
    bytes: Box<[u8]>,
    _mark: Arc<()>,
}

impl AsRef<[u8]> for Told {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn told() -> (Told, Arc<()>) {
    let mark = Arc::new(());
    let told = Told {
        bytes: vec![1; 64].into(),
        _mark: mark.clone(),
    };
    (told, mark)
}

#[test]
fn a_guard_ends_its_registration_and_frees_its_memory() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let (memory, mark) = told();
    // SAFETY: the guard owns the memory, which stays where it is.
    let guard = unsafe { client.dma_map(memory) }.unwrap();
    assert_eq!((guard.len(), guard[63]), (64, 1));
    // SAFETY: the mock only notes the address, and refuses this.
    let twice = unsafe { client.dma_map(&*guard) }.unwrap_err();
    assert_eq!(twice.code(), ErrorCode::ALREADY_EXISTS);
    drop(client);
    assert_eq!(Arc::strong_count(&mark), 2);
    drop(guard);
    assert_eq!(Arc::strong_count(&mark), 1);
    assert_eq!(plugin.mock.calls("PJRT_Client_DmaUnmap"), 1);
}

#[test]
fn memory_comes_back_changed_and_is_ended_once() {
    let plugin = mock(newest());
    let client = client(&plugin);
    // SAFETY: the guard owns the memory, which stays where it is.
    let mut guard = unsafe { client.dma_map(vec![0u8; 8]) }.unwrap();
    guard[3] = 9;
    let array = client.buffer_from_slice(&guard[..], &[8]).unwrap();
    let back = guard.unmap().unwrap();
    assert_eq!(back, [0, 0, 0, 9, 0, 0, 0, 0]);
    assert_eq!(array.to_vec::<u8>().unwrap(), back);
    assert_eq!(plugin.mock.calls("PJRT_Client_DmaUnmap"), 1);
    let mut page = [5u8; 16];
    // SAFETY: the guard goes before the page.
    let guard = unsafe { client.dma_map(&mut page[..]) }.unwrap();
    assert_eq!(guard[0], 5);
}

#[test]
fn memory_that_a_plugin_does_not_give_back_is_never_freed() {
    let plugin = mock(newest());
    let client = client(&plugin);
    for explicit in [true, false] {
        let (memory, mark) = told();
        // SAFETY: the guard owns the memory, which stays where it is.
        let guard = unsafe { client.dma_map(memory) }.unwrap();
        let failure = Failure::new(ErrorCode::INTERNAL.as_raw(), "it is busy");
        plugin
            .mock
            .fault("PJRT_Client_DmaUnmap", Fault::Error(failure));
        if explicit {
            let error = guard.unmap().map(drop).unwrap_err();
            assert_eq!(error.code(), ErrorCode::INTERNAL);
        } else {
            drop(guard);
        }
        assert_eq!(Arc::strong_count(&mark), 2, "explicit: {explicit}");
        plugin.mock.heal();
    }
}

#[test]
fn nothing_is_mapped_that_could_not_be_unmapped() {
    let builder = Mock::builder().without("PJRT_Client_DmaUnmap");
    let plugin = mocked(builder);
    let client = client(&plugin);
    // SAFETY: it is refused before the call.
    let error = unsafe { client.dma_map(vec![0u8; 8]) }.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unimplemented {
                function: "PJRT_Client_DmaUnmap",
                ..
            }
        ),
        "{error:?}"
    );
    // SAFETY: it is refused before the call.
    let error = unsafe { client.dma_map(Vec::new()) }.unwrap_err();
    assert_eq!(error.function(), Some("PJRT_Client_DmaUnmap"));
    assert_eq!(plugin.mock.calls("PJRT_Client_DmaMap"), 0);
}
