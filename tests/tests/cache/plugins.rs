//! Which plugins have a cache, and that none gets what another compiled.

use crate::{PROGRAM, Start, absent, entries, folder, not_kept};
use pjrt::cache::{CompilationCache, Outcome};
use pjrt::{ClientOptions, CompileOptions, Error, Program};
use pjrt_mock::{Failure, Fault, Mock, newest};
use pjrt_tests::mock;

#[test]
fn another_build_minor_or_number_of_devices_finds_nothing() {
    let (folder, cache) = folder();
    let same = || Mock::builder().minor(newest());
    absent(Start::of(same().devices(1), "build 1").outcome(&cache, PROGRAM));
    for start in [
        Start::of(same().devices(1), "build 2"),
        Start::of(same().devices(2), "build 1"),
        Start::of(Mock::builder().minor(100).devices(1), "build 1"),
    ] {
        absent(start.outcome(&cache, PROGRAM));
        assert_eq!(start.calls(), (1, 0));
    }
    assert_eq!(entries(folder.path()).len(), 4);
    assert!(
        Start::of(same().devices(1), "build 1")
            .outcome(&cache, PROGRAM)
            .is_hit()
    );
}

#[test]
fn what_the_caller_adds_to_the_key_counts() {
    let (folder, cache) = folder();
    absent(Start::new().outcome(&cache, PROGRAM));
    let other = CompilationCache::builder()
        .folder(folder.path())
        .key_part("other")
        .open();
    absent(Start::new().outcome(&other.unwrap(), PROGRAM));
}

#[test]
fn a_plugin_that_nothing_identifies_compiles_without_the_cache() {
    let (folder, cache) = folder();
    let plugin = mock(newest());
    let client = plugin.create_client(&ClientOptions::new()).unwrap();
    let program = Program::mlir(PROGRAM);
    for _ in 0..2 {
        let outcome = cache.compile_with_outcome(&client, &program, &CompileOptions::new());
        match outcome.unwrap().1 {
            Outcome::Bypassed { why, .. } => assert!(why.contains("identify_as"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(plugin.mock.calls("PJRT_Client_Compile"), 2);
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn a_plugin_is_identified_once_and_by_something() {
    let plugin = mock(newest());
    let refused = |text: &str| match plugin.identify_as(text) {
        Err(Error::InvalidArgument { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    assert!(refused("").contains("empty"));
    plugin.identify_as("build 1").unwrap();
    plugin.identify_as("build 1").unwrap();
    assert!(refused("build 2").contains("build 1"));
}

#[test]
fn a_client_among_other_processes_compiles_without_the_cache() {
    let (folder, cache) = folder();
    let start = Start::new();
    let elsewhere = Fault::Value("process_index", 1);
    start
        .plugin
        .mock
        .fault("PJRT_DeviceDescription_ProcessIndex", elsewhere);
    match start.outcome(&cache, PROGRAM) {
        Outcome::Bypassed { why, .. } => assert!(why.contains("processes"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn a_plugin_that_cannot_write_programs_down_still_compiles_them() {
    let (folder, cache) = folder();
    let start = Start::new();
    let cannot = Failure::unimplemented("not this one");
    start
        .plugin
        .mock
        .fault("PJRT_Executable_Serialize", Fault::Error(cannot));
    let error = not_kept(start.outcome(&cache, PROGRAM));
    assert_eq!(error.function(), Some("PJRT_Executable_Serialize"));
    assert!(entries(folder.path()).is_empty());
}
