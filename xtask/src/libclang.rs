//! Finding libclang, or obtaining it.

use std::path::{Path, PathBuf};

use pjrt_codegen::diag::{Diagnostic, Diagnostics};

use crate::headers::{lock, pip, temporary};

const VARIABLE: &str = "LIBCLANG_PATH";

/// Loads libclang for this thread and gives its path.
///
/// Looked at are `LIBCLANG_PATH`, what llvm-config names and the usual places (the search of
/// clang-sys); if there is none, the pinned package is unpacked below `target`. The environment
/// variable is then set, so that bindgen, which searches for itself, finds the same.
pub fn ensure(target: &Path) -> Result<PathBuf, Diagnostics> {
    // One at a time: a package is fetched once, and nobody names the library while another does.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let searched = match load() {
        Ok(path) => {
            if std::env::var_os(VARIABLE).is_none() {
                name(&path);
            }
            return Ok(path);
        }
        Err(error) => error,
    };
    let obtained = obtain(target).and_then(|folder| {
        name(&folder);
        load().map_err(|error| Diagnostic::new("H006", folder.display().to_string(), error))
    });
    obtained.map_err(|error| {
        let message = format!(
            "there is none on this machine ({searched}), and none could be obtained ({}: {})",
            error.file, error.message
        );
        Diagnostic::new("H006", "libclang", message)
            .help("install libclang, or set LIBCLANG_PATH to the folder of one; or have python3 with pip and a network, and the package libclang is used")
            .into()
    })
}

fn load() -> Result<PathBuf, String> {
    if !clang_sys::is_loaded() {
        clang_sys::load()?;
    }
    let library = clang_sys::get_library().ok_or("libclang was loaded and is gone")?;
    if library
        .version()
        .is_none_or(|v| v < clang_sys::Version::V9_0)
    {
        let shown = library.path().display().to_string();
        clang_sys::unload()?;
        return Err(format!("{shown} is older than 9.0"));
    }
    Ok(library.path().to_path_buf())
}

/// Sets the environment variable to a library's path or folder.
fn name(path: &Path) {
    // SAFETY: setting a variable is unsound only while another thread reads the environment.
    // Commands run on the main thread and start others only after this; the value is a path
    // without NUL, for it has just been opened or created.
    unsafe { std::env::set_var(VARIABLE, path) }
}

/// Unpacks the pinned package, once; gives the folder of the library.
fn obtain(target: &Path) -> Result<PathBuf, Diagnostic> {
    let os = std::env::consts::OS;
    let host = format!("{os}-{}", std::env::consts::ARCH);
    let packages = lock::libclang()?;
    let Some(package) = packages.iter().find(|p| p.host.as_deref() == Some(&host)) else {
        return Err(Diagnostic::new(
            "H010",
            "the package libclang",
            format!("no archive of it is pinned for {host}"),
        ));
    };
    let folder = target.join("libclang").join(&package.version);
    if folder.is_dir() {
        return Ok(folder);
    }
    let failed = |error: std::io::Error| {
        Diagnostic::new(
            "H014",
            folder.display().to_string(),
            format!("cannot unpack libclang: {error}"),
        )
    };
    let download = temporary("libclang")?;
    let archive = pip::download(package, download.path())?;
    let members = pip::unpack(package, &archive, |path| {
        !path.contains('/') && !path.ends_with(".py")
    })?;
    let parent = target.join("libclang");
    std::fs::create_dir_all(&parent).map_err(failed)?;
    let partial = tempfile::Builder::new()
        .prefix(".partial-")
        .tempdir_in(&parent)
        .map_err(failed)?;
    let new = partial.path().join("new");
    std::fs::create_dir(&new).map_err(failed)?;
    for (path, bytes) in members {
        std::fs::write(new.join(path), bytes).map_err(failed)?;
    }
    match std::fs::rename(&new, &folder) {
        Ok(()) => Ok(folder),
        // Another process was faster.
        Err(_) if folder.is_dir() => Ok(folder),
        Err(error) => Err(failed(error)),
    }
}
