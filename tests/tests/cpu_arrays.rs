//! Arrays of every element type, to the host and back in every way, on the real CPU plugin
//! (PJRT 0.81) and on the mock plugin.

#[path = "cpu_arrays/downloads.rs"]
mod downloads;
#[path = "cpu_arrays/elements.rs"]
mod elements;
#[path = "cpu_arrays/nd_arrays.rs"]
mod nd_arrays;
#[path = "cpu_arrays/raw_handles.rs"]
mod raw_handles;
#[path = "cpu_arrays/tensors.rs"]
mod tensors;

use pjrt::{Client, ClientOptions, Error};
use pjrt_tests::Mocked;

/// A client of the mock plugin, with the newest version.
fn mock_client() -> (Mocked, Client) {
    let newest = *pjrt_mock::minors().last().expect("versions");
    let mock = pjrt_tests::mock(newest);
    let client = mock.create_client(&ClientOptions::new()).expect("a client");
    (mock, client)
}

/// Tries something on the mock plugin, and on the real one where there is one.
fn everywhere(body: impl Fn(&Client)) {
    let (mock, client) = mock_client();
    body(&client);
    drop(client);
    drop(mock);
    if let Some(client) = pjrt_tests::cpu() {
        body(&client);
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: pjrt::Result<T>, argument: &str, words: &str) {
    match outcome {
        Err(error @ Error::InvalidArgument { argument: at, .. }) => {
            let text = error.to_string();
            assert!(at == argument && text.contains(words), "{text}");
        }
        other => panic!("expected a refusal of `{argument}`, got {other:?}"),
    }
}
