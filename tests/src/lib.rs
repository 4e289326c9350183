//! What the integration tests share: real plugins, or the reason why there is none.

pub mod books;
pub mod child;
pub mod cuda;
pub mod made_up;
pub mod mock;
pub mod record;
pub mod tpu;

pub use mock::{Mocked, mock, mocked};

use pjrt::install::Installer;
use pjrt::{Client, ClientOptions, Plugin};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Plugins that a continuous-integration run may not do without.
const REQUIRED: &[&str] = &["cpu", "tpu"];

/// The plugin of that name, installed if it is missing. None, with a word on standard error, if
/// `PJRT_TEST_PLUGINS` is `none` or a list without it.
///
/// # Panics
///
/// If the plugin cannot be installed or loaded, and if a required one is skipped while `CI` is set.
pub fn plugin(name: &str) -> Option<Plugin> {
    if !wanted(name) {
        return None;
    }
    match Installer::new().install(name) {
        Ok(installed) => Some(loaded(name, &installed.library)),
        Err(error) => panic!("cannot install the plugin `{name}`: {error}"),
    }
}

/// The plugin of that name where it is installed: for those that are too large to fetch for a test.
/// None, with a word on standard error, if it is not, or `PJRT_TEST_PLUGINS` leaves it out.
///
/// # Panics
///
/// If the plugin cannot be loaded.
pub fn installed(name: &str) -> Option<Plugin> {
    if !wanted(name) {
        return None;
    }
    let Some(library) = Installer::new().path_of(name) else {
        eprintln!(
            "skipped: the plugin `{name}` is not installed; `cargo xtask plugin install {name}` does it"
        );
        return None;
    };
    Some(loaded(name, &library))
}

/// Whether the plugin is one that tests are to run on; a word on standard error if it is not.
///
/// # Panics
///
/// If a required one is left out while `CI` is set.
pub fn wanted(name: &str) -> bool {
    let wanted = match std::env::var("PJRT_TEST_PLUGINS") {
        Ok(list) => list.split(',').any(|entry| entry == name),
        Err(_) => true,
    };
    if !wanted {
        assert!(
            std::env::var_os("CI").is_none() || !REQUIRED.contains(&name),
            "the plugin `{name}` is required where CI is set; unset PJRT_TEST_PLUGINS"
        );
        eprintln!("skipped: PJRT_TEST_PLUGINS leaves out the plugin `{name}`");
    }
    wanted
}

fn loaded(name: &str, library: &Path) -> Plugin {
    let folder = record::folder().filter(|_| record::can_record(name));
    let loaded = match folder {
        // SAFETY: the table stands for that of the plugin, which stays loaded.
        Some(folder) => unsafe { Plugin::from_api(record::table(name, library, &folder)) },
        None if books::wanted(name) => Ok(books::until_exit(name, library)),
        None => Plugin::load(library),
    };
    match loaded {
        Ok(plugin) => plugin,
        Err(error) => panic!("cannot load the plugin `{name}`: {error}"),
    }
}

/// A client of the CPU plugin with two devices, shared by the tests of one program.
///
/// # Panics
///
/// As [`plugin`], and if the client cannot be created.
pub fn cpu() -> Option<Client> {
    let make = || {
        let client = plugin("cpu")?.create_client(&ClientOptions::cpu().device_count(2));
        Some(client.unwrap_or_else(|error| panic!("cannot create a client: {error}")))
    };
    let mut shared = CPU.lock().unwrap_or_else(PoisonError::into_inner);
    if shared.is_none() {
        *shared = make();
    }
    shared.clone()
}

static CPU: Mutex<Option<Client>> = Mutex::new(None);

/// Gives the shared client up.
pub(crate) fn end_cpu() {
    let shared = CPU.lock().unwrap_or_else(PoisonError::into_inner).take();
    drop(shared);
}
