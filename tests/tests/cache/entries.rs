//! What an entry is found by, and what becomes of one that is not what it should be.

use crate::{OTHER, PROGRAM, Start, absent, entries, entry, folder, kept};
use pjrt::cache::Miss;
use pjrt::{CompileOptions, Program};
use pjrt_mock::{Failure, Fault, Mock, newest};
use std::fs;

#[test]
fn the_second_start_compiles_nothing() {
    let (_folder, cache) = folder();
    let first = Start::new();
    absent(first.outcome(&cache, PROGRAM));
    assert_eq!(first.calls(), (1, 0));
    let second = Start::new();
    let (executable, outcome) = second.compile(&cache, PROGRAM);
    assert!(outcome.is_hit(), "{outcome}");
    assert_eq!(second.calls(), (0, 1));
    let x = second
        .client
        .buffer_from_slice(&[1.0f32, 2.0], &[2])
        .unwrap();
    let y = executable.run(&[&x]).unwrap();
    assert_eq!(y[0].to_vec::<f32>().unwrap(), [2.0, 4.0]);
}

#[test]
fn another_program_format_or_option_has_an_entry_of_its_own() {
    let (folder, cache) = folder();
    let start = Start::new();
    absent(start.outcome(&cache, PROGRAM));
    absent(start.outcome(&cache, OTHER));
    let one = CompileOptions::new();
    let (program, message) = (Program::mlir(PROGRAM), Program::hlo(PROGRAM.as_bytes()));
    for (program, options) in [(&message, one.clone()), (&program, one.profile_version(7))] {
        let (_, outcome) = cache
            .compile_with_outcome(&start.client, program, &options)
            .unwrap();
        absent(outcome);
    }
    assert_eq!(entries(folder.path()).len(), 4);
    assert!(start.outcome(&cache, PROGRAM).is_hit());
}

#[test]
fn a_program_that_does_not_compile_is_the_plugins_error_each_time() {
    let (folder, cache) = folder();
    let start = Start::new();
    for _ in 0..2 {
        let program = Program::mlir("mock bad\nreject 3 no such thing");
        let error = cache
            .compile(&start.client, &program, &CompileOptions::new())
            .unwrap_err();
        assert_eq!(error.function(), Some("PJRT_Client_Compile"));
    }
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn an_entry_cut_short_anywhere_is_a_miss_and_is_written_anew() {
    let (folder, cache) = folder();
    let start = Start::new();
    absent(start.outcome(&cache, PROGRAM));
    let path = entry(folder.path());
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let why = kept(start.outcome(&cache, PROGRAM));
        assert!(matches!(why, Miss::Damaged { .. }), "{length}: {why:?}");
        assert_eq!(fs::read(entry(folder.path())).unwrap(), whole);
    }
    assert_eq!(start.calls().1, 0, "nothing of that reached the plugin");
    assert!(start.outcome(&cache, PROGRAM).is_hit());
}

#[test]
fn an_entry_with_any_changed_byte_is_a_miss() {
    let (folder, cache) = folder();
    let start = Start::new();
    absent(start.outcome(&cache, PROGRAM));
    let path = entry(folder.path());
    let whole = fs::read(&path).unwrap();
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 0x10;
        fs::write(&path, &changed).unwrap();
        let why = kept(start.outcome(&cache, PROGRAM));
        assert!(matches!(why, Miss::Damaged { .. }), "{place}: {why:?}");
    }
    let longer = [whole.as_slice(), b"x"].concat();
    fs::write(&path, longer).unwrap();
    let why = kept(start.outcome(&cache, PROGRAM));
    assert!(matches!(why, Miss::Damaged { .. }), "{why:?}");
    assert_eq!(start.calls().1, 0);
}

#[test]
fn an_entry_under_the_name_of_another_is_removed_and_never_loaded() {
    let (folder, cache) = folder();
    let start = Start::new();
    absent(start.outcome(&cache, OTHER));
    let other = entry(folder.path());
    absent(start.outcome(&cache, PROGRAM));
    let all = entries(folder.path());
    let ours = all.iter().find(|path| **path != other).unwrap();
    fs::copy(&other, ours).unwrap();
    match kept(start.outcome(&cache, PROGRAM)) {
        Miss::OtherIdentity { found, .. } => {
            let program = found.get("program").unwrap();
            assert!(
                program.starts_with(&format!("{} bytes", OTHER.len())),
                "{program}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(start.calls(), (3, 0));
}

#[test]
fn an_entry_that_the_plugin_refuses_is_compiled_anew() {
    let (folder, cache) = folder();
    absent(Start::new().outcome(&cache, PROGRAM));
    let start = Start::new();
    let mock = &start.plugin.mock;
    let name = "PJRT_Executable_DeserializeAndLoad";
    mock.fault(name, Fault::Error(Failure::invalid("what is this")));
    let why = kept(start.outcome(&cache, PROGRAM));
    assert!(matches!(why, Miss::Refused(_)), "{why:?}");
    assert!(why.to_string().contains("what is this"), "{why}");
    mock.heal();
    assert!(start.outcome(&cache, PROGRAM).is_hit());
    entry(folder.path());
}

#[test]
fn the_plugin_is_asked_whether_the_versions_fit() {
    let (_folder, cache) = folder();
    absent(Start::new().outcome(&cache, PROGRAM));
    let name = "PJRT_RuntimeAbiVersion_IsCompatibleWithExecutable";
    let start = Start::new();
    start
        .plugin
        .mock
        .fault(name, Fault::Error(Failure::invalid("too old")));
    let why = kept(start.outcome(&cache, PROGRAM));
    assert!(matches!(why, Miss::Incompatible(_)), "{why:?}");
    assert_eq!(start.calls(), (1, 0));
    // A plugin that cannot tell does not stand in the way.
    start.plugin.mock.heal();
    let unknown = Failure::unimplemented("no versions here");
    start.plugin.mock.fault(name, Fault::Error(unknown));
    assert!(start.outcome(&cache, PROGRAM).is_hit());
    assert_eq!(start.plugin.mock.calls(name), 2);
}

#[test]
fn every_minor_keeps_programs_and_none_takes_those_of_another() {
    let (_folder, cache) = folder();
    for minor in [40, 54, 70, 81, 91, newest()] {
        let builder = Mock::builder().minor(minor);
        let first = Start::of(builder.clone(), "build 1");
        absent(first.outcome(&cache, PROGRAM));
        let second = Start::of(builder, "build 1");
        let outcome = second.outcome(&cache, PROGRAM);
        assert!(outcome.is_hit(), "0.{minor}: {outcome}");
    }
}
