//! The plugin as a shared library has it: what it poses as stands in the environment.

use crate::{Failure, Fault, Mock};
use pjrt_sys as sys;
use std::sync::OnceLock;
use std::time::Duration;

/// Gives the table of the plugin that the environment describes:
///
/// - `PJRT_MOCK_MINOR`: the minor that it poses as; the newest without it
/// - `PJRT_MOCK_DEVICES`: how many devices a client has
/// - `PJRT_MOCK_EXACT`: any value lets it take only the very sizes of its version
/// - `PJRT_MOCK_FUTURE`: so many minors newer than the headers
/// - `PJRT_MOCK_FAULTS`: what goes wrong, `FUNCTION:FAULT` divided by semicolons, where a fault is
///   `missing`, `never`, `panic`, `error CODE MESSAGE`, `later CODE MESSAGE`, `slow MILLISECONDS`,
///   `null FIELD`, `value FIELD NUMBER`, `text FIELD LENGTH_FIELD` or `larger BYTES`
///
/// It is null if a variable is not as it should be.
pub fn api_of_environment() -> *const sys::PJRT_Api {
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
    if let Ok(faults) = std::env::var("PJRT_MOCK_FAULTS") {
        for entry in faults.split(';').map(str::trim).filter(|e| !e.is_empty()) {
            let (function, fault) = entry.split_once(':')?;
            builder = builder.fault(function.trim(), fault_of(fault)?);
        }
    }
    Some(builder.build())
}

/// Reads a fault as it is written in the environment.
fn fault_of(text: &str) -> Option<Fault> {
    let words: Vec<&str> = text.split_whitespace().collect();
    // Names of fields live as long as the process, as the plugin of a library does.
    let name = |word: &str| -> &'static str { Box::leak(word.to_owned().into_boxed_str()) };
    let failure = |code: &str, message: &[&str]| {
        let code = sys::PJRT_Error_Code(code.parse().ok()?);
        Some(Failure::new(code, message.join(" ")))
    };
    Some(match words.as_slice() {
        ["missing"] => Fault::Missing,
        ["never"] => Fault::Never,
        ["panic"] => Fault::Panic,
        ["error", code, message @ ..] => Fault::Error(failure(code, message)?),
        ["later", code, message @ ..] => Fault::Later(failure(code, message)?),
        ["slow", time] => Fault::Slow(Duration::from_millis(time.parse().ok()?)),
        ["null", field] => Fault::Null(name(field)),
        ["value", field, value] => Fault::Value(name(field), value.parse().ok()?),
        ["text", field, length] => Fault::BadText(name(field), name(length)),
        ["larger", bytes] => Fault::LargerMinimum(bytes.parse().ok()?),
        _ => return None,
    })
}
