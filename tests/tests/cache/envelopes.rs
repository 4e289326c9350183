//! Compiled programs that say which plugin compiled them.

use crate::{PROGRAM, Start};
use pjrt::cache::{Envelope, EnvelopeError};
use pjrt::{CompileOptions, Error, LoadedExecutable, Program, Result};
use pjrt_mock::{Failure, Fault, Mock, newest};

fn written(start: &Start) -> Vec<u8> {
    let options = CompileOptions::new();
    let executable = start.client.compile(&Program::mlir(PROGRAM), &options);
    let executable = executable.unwrap().executable().unwrap();
    executable.to_envelope().unwrap().to_bytes().unwrap()
}

fn load(start: &Start, bytes: &[u8]) -> Result<LoadedExecutable> {
    let envelope = Envelope::from_bytes(bytes)?;
    // SAFETY: the bytes were made by the mock in this process.
    unsafe { start.client.load_envelope(&envelope) }
}

fn refused(result: Result<LoadedExecutable>) -> EnvelopeError {
    match result {
        Err(Error::Envelope(error)) => *error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_envelope_is_loaded_by_the_plugin_that_compiled_it() {
    let bytes = written(&Start::new());
    let start = Start::new();
    let executable = load(&start, &bytes).unwrap();
    assert_eq!(start.calls(), (0, 1));
    let x = start
        .client
        .buffer_from_slice(&[1.0f32, 2.0], &[2])
        .unwrap();
    let y = executable.run(&[&x]).unwrap();
    assert_eq!(y[0].to_vec::<f32>().unwrap(), [2.0, 4.0]);
}

#[test]
fn another_plugin_never_sees_the_bytes_and_the_error_says_both_identities() {
    let bytes = written(&Start::new());
    let other = Start::of(Mock::builder().minor(newest()), "build 2");
    let error = refused(load(&other, &bytes));
    let EnvelopeError::OtherPlugin { theirs, ours, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(theirs.get("library"), Some("given:build 1"));
    assert_eq!(ours.get("library"), Some("given:build 2"));
    let said = error.to_string();
    assert!(
        said.contains("given:build 1 there and given:build 2 here"),
        "{said}"
    );
    assert!(
        !said.contains("`api`"),
        "what is the same is not said: {said}"
    );
    let older = Start::of(Mock::builder().minor(100), "build 1");
    let said = refused(load(&older, &bytes)).to_string();
    assert!(said.contains("`api`"), "{said}");
    assert_eq!((other.calls(), older.calls()), ((0, 0), (0, 0)));
}

#[test]
fn bytes_that_are_cut_short_or_changed_are_no_envelope() {
    let start = Start::new();
    let bytes = written(&start);
    for length in 0..bytes.len() {
        let error = refused(load(&start, &bytes[..length]));
        assert!(
            matches!(error, EnvelopeError::Damaged { .. }),
            "{length}: {error:?}"
        );
    }
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let error = refused(load(&start, &changed));
        assert!(
            matches!(error, EnvelopeError::Damaged { .. }),
            "{place}: {error:?}"
        );
    }
    assert_eq!(start.calls().1, 0);
}

#[test]
fn the_plugins_word_on_versions_counts_for_envelopes_too() {
    let bytes = written(&Start::new());
    let start = Start::new();
    let name = "PJRT_RuntimeAbiVersion_IsCompatibleWithExecutable";
    start
        .plugin
        .mock
        .fault(name, Fault::Error(Failure::invalid("too old")));
    let error = load(&start, &bytes).unwrap_err();
    assert_eq!(error.function(), Some(name));
    assert_eq!(start.calls(), (0, 0));
}

#[test]
fn an_envelope_is_written_as_it_was_read() {
    let bytes = written(&Start::new());
    let envelope = Envelope::from_bytes(bytes.as_slice()).unwrap();
    assert_eq!(envelope.to_bytes().unwrap(), bytes);
    let names: Vec<&str> = envelope.identity().iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["api", "plugin attributes", "library", "host", "abi version"]
    );
}
