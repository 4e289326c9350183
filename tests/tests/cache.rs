//! Compiled programs on disk, on the mock plugin and on the CPU plugin.

#[path = "cache/cpu.rs"]
mod cpu;
#[path = "cache/entries.rs"]
mod entries;
#[path = "cache/envelopes.rs"]
mod envelopes;
#[path = "cache/folders.rs"]
mod folders;
#[path = "cache/libraries.rs"]
mod libraries;
#[path = "cache/plugins.rs"]
mod plugins;

use pjrt::cache::{CompilationCache, Miss, Outcome};
use pjrt::{Client, ClientOptions, CompileOptions, LoadedExecutable, Program};
use pjrt_mock::{Builder, Mock, newest};
use pjrt_tests::{Mocked, mocked};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PROGRAM: &str = "mock one\nparam f32[2]\nout add 0 0";
const OTHER: &str = "mock other\nparam f32[2]\nout 0";

/// A process that starts: a plugin nobody has asked anything, which is the same build each time.
struct Start {
    client: Client,
    plugin: Mocked,
}

impl Start {
    fn new() -> Start {
        Start::of(Mock::builder().minor(newest()), "build 1")
    }

    fn of(builder: Builder, build: &str) -> Start {
        let plugin = mocked(builder);
        plugin.identify_as(build).unwrap();
        let client = plugin.create_client(&ClientOptions::new()).unwrap();
        Start { client, plugin }
    }

    fn compile(&self, cache: &CompilationCache, code: &str) -> (LoadedExecutable, Outcome) {
        let program = Program::mlir(code);
        cache
            .compile_with_outcome(&self.client, &program, &CompileOptions::new())
            .unwrap()
    }

    fn outcome(&self, cache: &CompilationCache, code: &str) -> Outcome {
        self.compile(cache, code).1
    }

    /// How often the plugin compiled and how often it loaded.
    fn calls(&self) -> (u64, u64) {
        let calls = |function| self.plugin.mock.calls(function);
        (
            calls("PJRT_Client_Compile"),
            calls("PJRT_Executable_DeserializeAndLoad"),
        )
    }
}

fn folder() -> (TempDir, CompilationCache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = CompilationCache::open(folder.path()).unwrap();
    (folder, cache)
}

/// The entries of a folder; there may be no half-written file.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    let partial = |path: &PathBuf| path.to_string_lossy().contains("partial");
    assert!(!paths.iter().any(partial), "{paths:?}");
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "pjrtexe"));
    paths.sort();
    paths
}

/// The only entry of a folder.
fn entry(folder: &Path) -> PathBuf {
    let mut all = entries(folder);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Why a program was compiled; it must have been kept.
fn kept(outcome: Outcome) -> Miss {
    match outcome {
        Outcome::Miss {
            why,
            not_stored: None,
            ..
        } => why,
        other => panic!("expected a program that was compiled and kept, got {other:?}"),
    }
}

/// Why a program that was compiled was not kept.
fn not_kept(outcome: Outcome) -> pjrt::Error {
    match outcome {
        Outcome::Miss {
            not_stored: Some(error),
            ..
        } => error,
        other => panic!("expected a program that was not kept, got {other:?}"),
    }
}

fn absent(outcome: Outcome) {
    let why = kept(outcome);
    assert!(matches!(why, Miss::Absent), "{why:?}");
}
