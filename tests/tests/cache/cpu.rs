//! The CPU plugin.

use crate::{Miss, entries, entry, folder, kept};
use pjrt::cache::{CompilationCache, Envelope, EnvelopeError, Outcome};
use pjrt::install::Installer;
use pjrt::{Client, ClientOptions, CompileOptions, Error, LoadedExecutable, Plugin, Program};
use pjrt_tests::child::again;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::OnceLock;

const DENSE: &str = include_str!("../../../pjrt/examples/dense_layer.mlir");
/// Where a started process keeps programs.
const FOLDER: &str = "PJRT_TEST_CACHE_FOLDER";

/// The plugin as everybody loads it: from its file, which identifies it.
fn plugin() -> Option<Plugin> {
    if !pjrt_tests::wanted("cpu") {
        return None;
    }
    let installed = Installer::new().install("cpu").unwrap();
    Some(Plugin::load(installed.library).unwrap())
}

fn cpu() -> Option<Client> {
    static CLIENT: OnceLock<Option<Client>> = OnceLock::new();
    let options = ClientOptions::cpu().device_count(2);
    let client = CLIENT.get_or_init(|| Some(plugin()?.create_client(&options).unwrap()));
    client.clone()
}

fn runs(layer: &LoadedExecutable) {
    let client = layer.client().unwrap();
    let x = client.buffer_from_slice(&[0.0f32; 6], &[2, 3]).unwrap();
    let w = client.buffer_from_slice(&[0.0f32; 6], &[3, 2]).unwrap();
    let y = layer.run(&[&x, &w]).unwrap();
    assert_eq!(y[0].to_vec::<f32>().unwrap(), [0.5, 0.0, 0.5, 0.0]);
}

fn compile(cache: &CompilationCache, options: &CompileOptions) -> Option<Outcome> {
    let (layer, outcome) = cache
        .compile_with_outcome(&cpu()?, &Program::mlir(DENSE), options)
        .unwrap();
    runs(&layer);
    Some(outcome)
}

#[test]
fn a_program_from_the_cache_gives_the_same_results() {
    let (folder, cache) = folder();
    let options = CompileOptions::new();
    let Some(outcome) = compile(&cache, &options) else {
        return;
    };
    assert!(matches!(kept(outcome), Miss::Absent));
    assert!(compile(&cache, &options).unwrap().is_hit());
    let path = entry(folder.path());
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let why = kept(compile(&cache, &options).unwrap());
    assert!(matches!(why, Miss::Damaged { .. }), "{why:?}");
    assert!(compile(&cache, &options).unwrap().is_hit());
    let identity = Envelope::from_bytes(whole).unwrap();
    let library = identity.identity().get("library").unwrap().to_owned();
    assert!(
        library.starts_with("sha256:") && library.len() == 7 + 64,
        "{library}"
    );
}

#[test]
fn a_program_for_two_devices_comes_back_for_two_devices() {
    let (_folder, cache) = folder();
    let Some(client) = cpu() else { return };
    let options = CompileOptions::new().replicas(2);
    for hit in [false, true] {
        let program = Program::mlir(DENSE);
        let (layer, outcome) = cache
            .compile_with_outcome(&client, &program, &options)
            .unwrap();
        assert_eq!(outcome.is_hit(), hit, "{outcome}");
        assert_eq!(layer.addressable_devices().unwrap().len(), 2);
    }
}

#[test]
fn an_envelope_of_another_plugin_is_refused_by_a_real_one() {
    let Some(client) = cpu() else { return };
    let compiled = client
        .compile(&Program::mlir(DENSE), &CompileOptions::new())
        .unwrap();
    let ours = compiled.executable().unwrap().to_envelope().unwrap();
    // SAFETY: the plugin wrote it a moment ago.
    runs(&unsafe { client.load_envelope(&ours) }.unwrap());
    let start = crate::Start::new();
    // SAFETY: the mock runs no code of any program.
    let error = unsafe { start.client.load_envelope(&ours) }.unwrap_err();
    match error {
        Error::Envelope(error) => assert!(matches!(*error, EnvelopeError::OtherPlugin { .. })),
        other => panic!("{other:?}"),
    }
    assert_eq!(start.calls(), (0, 0));
}

#[test]
fn a_plugin_from_a_file_is_identified_by_its_file() {
    let Some(plugin) = plugin() else { return };
    let error = plugin.identify_as("mine").unwrap_err();
    assert!(
        error.to_string().contains("identified by its file"),
        "{error}"
    );
}

#[test]
#[ignore = "two_processes_share_a_folder starts it"]
fn one_of_two_processes() {
    let folder = std::env::var_os(FOLDER).expect("a folder");
    let cache = CompilationCache::open(folder).unwrap();
    for (round, version) in (0..4).zip([1, 2, 3, 1]) {
        let options = CompileOptions::new().profile_version(version);
        match compile(&cache, &options).expect("the plugin") {
            Outcome::Miss {
                why, not_stored, ..
            } => {
                assert!(round < 3, "it was kept: {why}");
                assert!(matches!(why, Miss::Absent), "{why:?}");
                assert!(not_stored.is_none(), "{not_stored:?}");
            }
            outcome => assert!(outcome.is_hit(), "{outcome}"),
        }
    }
}

fn start(folder: &Path) -> std::process::Child {
    let mut command = again("cpu::one_of_two_processes");
    command.env(FOLDER, folder).stdout(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn two_processes_share_a_folder() {
    if !pjrt_tests::wanted("cpu") {
        return;
    }
    let (folder, cache) = folder();
    let mut both = [start(folder.path()), start(folder.path())];
    for child in &mut both {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(entries(folder.path()).len(), 3);
    for version in 1..4 {
        let options = CompileOptions::new().profile_version(version);
        let outcome = compile(&cache, &options).unwrap();
        assert!(outcome.is_hit(), "a third process: {outcome}");
    }
}
