//! What is not a plugin is refused with a reason.

use pjrt::plugin::LoadError;
use pjrt::{Error, Plugin, sys};
use std::path::{Path, PathBuf};
use std::process::Command;

fn refused(result: pjrt::Result<Plugin>) -> LoadError {
    match result {
        Err(Error::Load(error)) => error,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Compiles a library from Rust source.
fn library(folder: &Path, source: &str) -> PathBuf {
    let (input, output) = (folder.join("plugin.rs"), folder.join("libplugin.so"));
    std::fs::write(&input, source).unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc)
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "cdylib",
            "-C",
            "panic=abort",
            "-o",
        ])
        .args([&output, &input])
        .status()
        .unwrap();
    assert!(status.success());
    output
}

#[test]
fn a_missing_file_and_a_folder_are_named() {
    let error = refused(Plugin::load("/no/such/plugin.so"));
    assert!(
        matches!(error, LoadError::File { .. }) && error.to_string().contains("/no/such/plugin.so"),
        "{error}"
    );
    let error = refused(Plugin::load(std::env::temp_dir()));
    assert!(error.to_string().contains("it is a folder"), "{error}");
}

#[test]
fn a_file_that_is_no_library_is_refused_with_the_loaders_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.so");
    std::fs::write(&path, "not a library").unwrap();
    let error = refused(Plugin::load(&path));
    assert!(
        matches!(error, LoadError::Open { .. }) && error.to_string().contains("text.so"),
        "{error}"
    );
}

#[test]
fn a_library_without_get_pjrt_api_is_no_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let path = library(
        folder.path(),
        "#[unsafe(no_mangle)] pub extern \"C\" fn other() {}",
    );
    let error = refused(Plugin::load(&path));
    assert!(
        matches!(error, LoadError::NotAPlugin { .. }) && error.to_string().contains("GetPjrtApi"),
        "{error}"
    );
}

#[test]
fn a_library_that_returns_no_table_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source =
        "#[unsafe(no_mangle)] pub extern \"C\" fn GetPjrtApi() -> *const u8 { std::ptr::null() }";
    let error = refused(Plugin::load(library(folder.path(), source)));
    assert!(
        matches!(error, LoadError::Table { .. }) && error.to_string().contains("it is null"),
        "{error}"
    );
}

/// The minor that the tables here state.
const MINOR: i32 = sys::PJRT_API_MINOR as i32;

/// A table that is never freed, as a plugin's is not.
fn table(change: impl FnOnce(&mut sys::PJRT_Api)) -> *const sys::PJRT_Api {
    let mut api = sys::PJRT_Api::zeroed();
    api.struct_size = size_of::<sys::PJRT_Api>();
    api.pjrt_api_version.struct_size = sys::PJRT_Api_Version_STRUCT_SIZE;
    api.pjrt_api_version.minor_version = MINOR;
    api.PJRT_Plugin_Initialize = Some(initialize);
    change(&mut api);
    Box::leak(Box::new(api))
}

unsafe extern "C" fn initialize(_: *mut sys::PJRT_Plugin_Initialize_Args) -> *mut sys::PJRT_Error {
    std::ptr::null_mut()
}

/// Fails as a plugin does that made no functions to ask its error: an address that is never read.
unsafe extern "C" fn fail(_: *mut sys::PJRT_Plugin_Initialize_Args) -> *mut sys::PJRT_Error {
    std::ptr::dangling_mut()
}

fn from_table(change: impl FnOnce(&mut sys::PJRT_Api)) -> pjrt::Result<Plugin> {
    // SAFETY: the table is whole and never freed.
    unsafe { Plugin::from_api(table(change)) }
}

#[test]
fn a_table_of_an_absurd_size_is_refused() {
    for size in [0, 39, usize::MAX] {
        let error = refused(from_table(|api| api.struct_size = size));
        assert!(
            matches!(error, LoadError::Table { .. })
                && error.to_string().contains(&size.to_string()),
            "{error}"
        );
    }
}

#[test]
fn another_major_version_and_one_that_is_too_old_are_refused() {
    let error = refused(from_table(|api| api.pjrt_api_version.major_version = 1));
    assert!(
        matches!(
            error,
            LoadError::Version {
                found: (1, MINOR),
                ..
            }
        ),
        "{error}"
    );
    let error = refused(from_table(|api| api.pjrt_api_version.minor_version = 39));
    assert!(
        matches!(
            error,
            LoadError::Version {
                found: (0, 39),
                oldest: (0, 40),
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_failure_to_initialise_is_kept_and_final() {
    let table = table(|api| api.PJRT_Plugin_Initialize = Some(fail));
    // SAFETY: the table is whole and never freed.
    let first = refused(unsafe { Plugin::from_api(table) });
    // SAFETY: as above.
    let second = refused(unsafe { Plugin::from_api(table) });
    assert!(matches!(first, LoadError::Initialise { .. }), "{first}");
    assert_eq!(first.to_string(), second.to_string());
}

#[test]
fn a_slot_past_the_end_of_the_table_is_an_error_and_not_a_read() {
    // The plugin's table ends before everything but the first functions. What lies behind it in
    // memory looks like a function, and calling it would end the process.
    let end = std::mem::offset_of!(sys::PJRT_Api, PJRT_Client_Create);
    let plugin = from_table(|api| {
        api.struct_size = end;
        let garbage = (&raw mut *api).cast::<u8>();
        // SAFETY: the bytes are the table's own; any bits are a valid slot of it.
        unsafe {
            garbage
                .add(end)
                .write_bytes(0x11, size_of::<sys::PJRT_Api>() - end)
        };
    })
    .unwrap();
    // What could not be destroyed is not made: the absent destructor is what the error names.
    match plugin.create_client(&pjrt::ClientOptions::new()) {
        Err(Error::Unimplemented {
            function,
            plugin_version,
            ..
        }) => {
            assert!(function == "PJRT_Client_Destroy" && plugin_version == (0, MINOR));
        }
        other => panic!("expected that the function is absent, got {other:?}"),
    }
}

#[test]
fn loading_the_same_table_again_gives_the_same_plugin() {
    let table = table(|_| {});
    // SAFETY: the table is whole and never freed.
    let (a, b) = unsafe {
        (
            Plugin::from_api(table).unwrap(),
            Plugin::from_api(table).unwrap(),
        )
    };
    assert_eq!(a, b);
    assert_ne!(a, from_table(|_| {}).unwrap());
}
