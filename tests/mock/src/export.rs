//! The plugin as a shared library: what it poses as stands in the environment.

use crate::Mock;
use pjrt_sys as sys;
use std::sync::OnceLock;

/// Gives the table of the plugin that the environment describes:
///
/// - `PJRT_MOCK_MINOR`: the minor that it poses as; the newest without it
/// - `PJRT_MOCK_DEVICES`: how many devices a client has
/// - `PJRT_MOCK_EXACT`: any value lets it take only the very sizes of its version
/// - `PJRT_MOCK_FUTURE`: so many minors newer than the headers
///
/// It is null if a variable is no number.
#[unsafe(no_mangle)]
pub extern "C" fn GetPjrtApi() -> *const sys::PJRT_Api {
    static MOCK: OnceLock<Option<Mock>> = OnceLock::new();
    let made = MOCK.get_or_init(|| std::panic::catch_unwind(from_environment).ok().flatten());
    made.as_ref().map_or(std::ptr::null(), Mock::api)
}

fn from_environment() -> Option<Mock> {
    let number = |name: &str| -> Option<Option<u32>> {
        match std::env::var(name) {
            Ok(text) => text.parse().ok().map(Some),
            Err(_) => Some(None),
        }
    };
    let mut builder = Mock::builder();
    if let Some(minor) = number("PJRT_MOCK_MINOR")? {
        builder = builder.minor(minor);
    }
    if let Some(minors) = number("PJRT_MOCK_FUTURE")? {
        builder = builder.future(minors);
    }
    if let Some(devices) = number("PJRT_MOCK_DEVICES")? {
        builder = builder.devices(usize::try_from(devices).ok()?);
    }
    if std::env::var_os("PJRT_MOCK_EXACT").is_some() {
        builder = builder.exact_sizes();
    }
    Some(builder.build())
}
