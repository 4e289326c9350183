//! The mock plugin under the safe layer: a program is loaded, compiled and run at every minor, and the
//! plugin tells what was left behind.

use pjrt::{Client, ClientOptions, CompileOptions, Error, ErrorCode, LoadedExecutable, Program};
use pjrt_mock::{Failure, Fault, Mock};
use pjrt_tests::{Mocked, mock, mocked};

const ADD: &str = "mock sum\nparam f32[4]\nparam f32[4]\nout add 0 1\nout 0\n";

fn client(plugin: &Mocked) -> Client {
    plugin
        .create_client(&ClientOptions::new())
        .expect("a client")
}

fn compiled(client: &Client, text: &str) -> LoadedExecutable {
    client
        .compile(&Program::mlir(text), &CompileOptions::new())
        .expect("a program")
}

/// Adds two arrays.
fn add(plugin: &Mocked) {
    let client = client(plugin);
    let sum = compiled(&client, ADD);
    let a = client
        .buffer_from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[4])
        .unwrap();
    let b = client.buffer_from_slice(&[0.5f32; 4], &[4]).unwrap();
    for _ in 0..2 {
        let outputs = sum.run(&[&a, &b]).unwrap();
        assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [1.5, 2.5, 3.5, 4.5]);
        assert_eq!(outputs[1].to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    }
}

#[test]
fn a_program_runs_at_every_minor() {
    let minors = pjrt_mock::minors();
    assert!(
        minors.len() >= 70 && minors.first() == Some(&40),
        "{minors:?}"
    );
    for minor in minors {
        // One commit moved slots: a table of that time is not one that today's callers can use.
        let commits = pjrt_mock::commits(minor);
        let commit = commits
            .into_iter()
            .rfind(|c| pjrt_mock::keeps_slots(*c))
            .unwrap();
        let plugin = mocked(Mock::builder().minor(minor).commit(commit));
        assert_eq!(plugin.api_version().minor, i32::try_from(minor).unwrap());
        add(&plugin);
    }
}

#[test]
fn a_program_runs_on_a_plugin_of_tomorrow() {
    let plugin = mocked(Mock::builder().future(5));
    let numbers: Vec<u32> = plugin
        .extensions()
        .iter()
        .map(|e| e.kind.as_raw().0)
        .collect();
    assert!(numbers.contains(&900), "{numbers:?}");
    add(&plugin);
}

#[test]
fn several_plugins_do_not_mix() {
    let (old, new) = (mock(61), mock(114));
    let (mine, theirs) = (client(&old), client(&new));
    let a = mine.buffer_from_slice(&[1i32, 2], &[2]).unwrap();
    let b = theirs.buffer_from_slice(&[3i32, 4], &[2]).unwrap();
    assert_eq!(a.to_vec::<i32>().unwrap(), [1, 2]);
    assert_eq!(b.to_vec::<i32>().unwrap(), [3, 4]);
    assert_eq!(old.mock.calls("PJRT_Client_BufferFromHostBuffer"), 1);
}

#[test]
fn a_program_that_is_refused_brings_its_message() {
    let plugin = mock(81);
    let client = client(&plugin);
    let error = client
        .compile(
            &Program::mlir("mock x\nreject 8 too large"),
            &CompileOptions::new(),
        )
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::RESOURCE_EXHAUSTED);
    assert!(error.to_string().contains("too large"), "{error}");
}

#[test]
fn a_run_that_fails_tells_whoever_reads_its_outputs() {
    let plugin = mock(114);
    let client = client(&plugin);
    let program = compiled(&client, "mock x\nparam f32[1]\nout 0\nfail 15 gone");
    let a = client.buffer_from_slice(&[1.0f32], &[1]).unwrap();
    let outputs = program.run(&[&a]).unwrap();
    let error = outputs[0].to_vec::<f32>().unwrap_err();
    assert_eq!(error.code(), ErrorCode::DATA_LOSS);
}

#[test]
fn faults_are_met_with_errors_and_leave_nothing() {
    let plugin = mock(114);
    let client = client(&plugin);
    let name = "PJRT_Client_PlatformName";
    let failure = Failure::new(pjrt::sys::PJRT_Error_Code_ABORTED, "as told");
    plugin.mock.fault(name, Fault::Error(failure));
    assert_eq!(
        client.platform_name().unwrap_err().code(),
        ErrorCode::ABORTED
    );
    plugin.mock.heal();
    plugin
        .mock
        .fault(name, Fault::BadText("platform_name", "platform_name_size"));
    let error = client.platform_name().unwrap_err();
    assert!(matches!(error, Error::InvalidOutput { .. }), "{error:?}");
    plugin.mock.heal();
    plugin
        .mock
        .fault("PJRT_Client_BufferFromHostBuffer", Fault::Null("buffer"));
    let error = client.buffer_from_slice(&[1u8], &[1]).unwrap_err();
    assert!(matches!(error, Error::InvalidOutput { .. }), "{error:?}");
    plugin.mock.heal();
    assert_eq!(client.platform_name().unwrap(), "mock");
}

#[test]
fn what_is_left_behind_is_told() {
    let plugin = Mock::builder().minor(90).build();
    // SAFETY: the table is a plugin's and lives as long as the process.
    let loaded = unsafe { pjrt::Plugin::from_api(plugin.api()) }.unwrap();
    let client = loaded.create_client(&ClientOptions::new()).unwrap();
    std::mem::forget(client.buffer_from_slice(&[1u8], &[1]).unwrap());
    std::mem::forget(client);
    let report = plugin.report();
    assert_eq!(report.leaks, [("Buffer", 1), ("Client", 1)]);
}
