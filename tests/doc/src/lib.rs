//! What the examples in the documentation run on: the CPU plugin, made ready by a hidden first line,
//! or the mock plugin for what the CPU plugin cannot do.
//!
//! Every example is a process of its own, so a hidden line may end it.

use pjrt::install::Installer;
use pjrt::{Plugin, find};
use pjrt_mock::Mock;

/// Makes the plugins `cpu` and the like findable: installs what `Plugin::find` does not find. Ends
/// the process, as a success, if `PJRT_TEST_PLUGINS` leaves the plugin out.
///
/// # Panics
///
/// If the plugin cannot be installed, and if it is left out while `CI` is set.
pub fn ready(name: &str) {
    if let Ok(list) = std::env::var("PJRT_TEST_PLUGINS")
        && !list.split(',').any(|entry| entry == name)
    {
        assert!(
            std::env::var_os("CI").is_none(),
            "the examples of the documentation need the plugin `{name}` where CI is set"
        );
        eprintln!("skipped: PJRT_TEST_PLUGINS leaves out the plugin `{name}`");
        std::process::exit(0);
    }
    if find::find(name).is_ok() {
        return;
    }
    if let Err(error) = Installer::new().install(name) {
        panic!("cannot install the plugin `{name}`: {error}");
    }
}

/// The mock plugin in its newest version: it has every function and every extension.
///
/// # Panics
///
/// If it is not loaded.
pub fn mock() -> Plugin {
    // The plugin works as long as this is there: to the end of the process.
    let mock: &'static Mock = Box::leak(Box::new(Mock::builder().build()));
    // SAFETY: the mock's table lives as long as the process and is what a plugin's is.
    match unsafe { Plugin::from_api(mock.api()) } {
        Ok(plugin) => plugin,
        Err(error) => panic!("the mock plugin was not loaded: {error}"),
    }
}
