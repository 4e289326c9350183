//! The mock plugin, with the question whether everything was given back.

use pjrt::Plugin;
use pjrt_mock::{Builder, Mock};
use std::ops::Deref;

/// A mock plugin that is loaded. When it goes, nothing may be left of what it handed out, and its
/// caller must have kept every rule: declare it before what comes of it.
#[derive(Debug)]
pub struct Mocked {
    /// The plugin, for what it counted and what is to go wrong.
    pub mock: Mock,
    plugin: Plugin,
}

/// A mock plugin of this minor.
///
/// # Panics
///
/// If the safe layer does not load it.
pub fn mock(minor: u32) -> Mocked {
    mocked(Mock::builder().minor(minor))
}

/// A mock plugin as described.
///
/// # Panics
///
/// If the safe layer does not load it.
pub fn mocked(builder: Builder) -> Mocked {
    let mock = builder.build();
    // SAFETY: the mock's table lives as long as the process and is what a plugin's is.
    match unsafe { Plugin::from_api(mock.api()) } {
        Ok(plugin) => Mocked { mock, plugin },
        Err(error) => panic!("the mock of minor {} was not loaded: {error}", mock.minor()),
    }
}

impl Deref for Mocked {
    type Target = Plugin;

    fn deref(&self) -> &Plugin {
        &self.plugin
    }
}

impl Drop for Mocked {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let report = self.mock.report();
        assert!(
            report.is_clean(),
            "the mock of minor {} complains: {report:#?}",
            self.mock.minor()
        );
    }
}
