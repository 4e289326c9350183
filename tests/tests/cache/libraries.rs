//! Plugins from files: the mock as a library, in copies.

use crate::{PROGRAM, entries, folder, kept};
use pjrt::cache::{CompilationCache, Miss, Outcome};
use pjrt::{Client, ClientOptions, CompileOptions, Plugin, Program};
use pjrt_tests::mock::library;
use std::fs;
use std::path::Path;

fn client(path: &Path) -> Client {
    let plugin = Plugin::load(path).unwrap();
    plugin.create_client(&ClientOptions::new()).unwrap()
}

fn outcome(cache: &CompilationCache, client: &Client) -> Outcome {
    let program = Program::mlir(PROGRAM);
    let found = cache.compile_with_outcome(client, &program, &CompileOptions::new());
    found.unwrap().1
}

#[test]
fn the_contents_of_the_library_count_and_not_its_place() {
    let (_folder, cache) = folder();
    let plugins = tempfile::tempdir().unwrap();
    let [first, same, other] = ["first", "same", "other"].map(|name| plugins.path().join(name));
    let library = fs::read(library()).unwrap();
    fs::write(&first, &library).unwrap();
    fs::write(&same, &library).unwrap();
    // What comes after its end is not part of what is loaded: the plugin works as before.
    fs::write(&other, [library.as_slice(), b"another build"].concat()).unwrap();
    assert!(matches!(
        kept(outcome(&cache, &client(&first))),
        Miss::Absent
    ));
    assert!(outcome(&cache, &client(&same)).is_hit());
    assert!(matches!(
        kept(outcome(&cache, &client(&other))),
        Miss::Absent
    ));
}

#[test]
fn a_library_that_was_replaced_since_it_was_loaded_has_no_cache() {
    let (folder, cache) = folder();
    let plugins = tempfile::tempdir().unwrap();
    let [path, newer] = ["plugin", "newer"].map(|name| plugins.path().join(name));
    fs::copy(library(), &path).unwrap();
    fs::copy(&path, &newer).unwrap();
    let client = client(&path);
    fs::rename(&newer, &path).unwrap();
    match outcome(&cache, &client) {
        Outcome::Bypassed { why, .. } => assert!(why.contains("replaced"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(entries(folder.path()).is_empty());
}
