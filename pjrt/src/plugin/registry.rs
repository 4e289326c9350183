//! One plugin object for each table, made once and kept as long as the process.

use super::LoadError;
use crate::raw::OLDEST;
use crate::rt::{Api, Sorted};
use crate::{raw, sys};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::{Mutex, OnceLock, PoisonError};

/// A table that says it is larger is not one: today's has a little over a thousand bytes.
const LARGEST: usize = 1 << 20;

/// What becomes of a plugin; the first to come initialises it, and others wait.
type Entry = OnceLock<Result<&'static Api, LoadError>>;

fn entry(table: NonNull<sys::PJRT_Api>) -> &'static Entry {
    static ENTRIES: Mutex<Sorted<usize, &'static Entry>> = Mutex::new(Sorted::new());
    // No code of a plugin runs under this lock.
    let mut entries = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
    let key = table.as_ptr() as usize;
    if let Some(entry) = entries.get(&key) {
        return entry;
    }
    let entry: &'static Entry = Box::leak(Box::default());
    entries.insert(key, entry);
    entry
}

pub(super) fn load(path: &Path) -> Result<&'static Api, LoadError> {
    let refuse = |problem: &str| LoadError::File {
        path: path.to_owned(),
        problem: problem.to_owned(),
    };
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(refuse("it is a folder")),
        Ok(_) => {}
        Err(error) => return Err(refuse(&error.to_string())),
    }
    // A path without a folder would be looked for in the system's places.
    let full = path
        .canonicalize()
        .map_err(|error| refuse(&error.to_string()))?;
    #[cfg(feature = "cache")]
    let stamp = crate::cache::library::Stamp::of(&full);
    // SAFETY: loading runs the library's own start code; that the file is to be trusted is what
    // `Plugin::load` asks of its caller.
    let library = unsafe { libloading::Library::new(&full) }.map_err(|error| LoadError::Open {
        path: path.to_owned(),
        cause: error.to_string(),
    })?;
    // Real plugins crash when they are unloaded, so the library stays, a wrong one too.
    let library: &'static libloading::Library = Box::leak(Box::new(library));
    type GetPjrtApi = unsafe extern "C" fn() -> *const sys::PJRT_Api;
    // SAFETY: the name is the one that PJRT gives to a function of this type.
    let function = unsafe { library.get::<GetPjrtApi>(b"GetPjrtApi\0") }.map_err(|error| {
        LoadError::NotAPlugin {
            path: path.to_owned(),
            cause: error.to_string(),
        }
    })?;
    // SAFETY: as above; it takes nothing.
    let table = unsafe { function() };
    #[cfg(feature = "cache")]
    crate::cache::library::note(table, &full, stamp);
    // SAFETY: it came from `GetPjrtApi` of a library that stays loaded.
    unsafe { plugin(table, &full.display().to_string()) }
}

/// # Safety
///
/// As [`super::Plugin::from_api`].
pub(super) unsafe fn plugin(
    table: *const sys::PJRT_Api,
    name: &str,
) -> Result<&'static Api, LoadError> {
    let refuse = |problem: String| LoadError::Table {
        plugin: name.to_owned(),
        problem,
    };
    let Some(table) = NonNull::new(table.cast_mut()) else {
        return Err(refuse("it is null".into()));
    };
    if !table.is_aligned() {
        return Err(refuse("its address is not aligned".into()));
    }
    // SAFETY: the caller's promise.
    entry(table)
        .get_or_init(|| unsafe { start(table, name) })
        .clone()
}

/// # Safety
///
/// As [`super::Plugin::from_api`].
unsafe fn start(table: NonNull<sys::PJRT_Api>, name: &str) -> Result<&'static Api, LoadError> {
    let refuse = |problem: String| LoadError::Table {
        plugin: name.to_owned(),
        problem,
    };
    // SAFETY: the size is the first word of every table.
    let size = unsafe { table.cast::<usize>().read() };
    let least =
        std::mem::offset_of!(sys::PJRT_Api, pjrt_api_version) + size_of::<sys::PJRT_Api_Version>();
    if size < least || size > LARGEST {
        return Err(refuse(format!(
            "it says that it has {size} bytes, and {least} to {LARGEST} were expected"
        )));
    }
    // SAFETY: the version is within what every table has.
    let version = unsafe { (*table.as_ptr()).pjrt_api_version };
    let found = (version.major_version, version.minor_version);
    if found.0 != OLDEST.0 || found.1 < OLDEST.1 {
        return Err(LoadError::Version {
            plugin: name.to_owned(),
            found,
            oldest: OLDEST,
        });
    }
    let other = || {
        refuse(format!(
            "tables of version {}.{} with {size} bytes have their functions in other places than those of any other version",
            found.0, found.1
        ))
    };
    // SAFETY: the table is as long as it says.
    let before = unsafe { Api::copy(table, name.to_owned()) }.ok_or_else(other)?;
    // SAFETY: the call has no inputs, and nothing was called on the plugin before.
    unsafe { raw::plugin_initialize(&before, raw::PluginInitializeIn::new()) }
        .map_err(|error| LoadError::initialise(name, &error))?;
    // A plugin may complete its table while it initialises.
    // SAFETY: as above.
    let after = unsafe { Api::copy(table, name.to_owned()) }.ok_or_else(other)?;
    Ok(Box::leak(Box::new(after)))
}
