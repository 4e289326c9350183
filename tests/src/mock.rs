//! The mock plugin, with the question whether everything was given back.

use pjrt::Plugin;
use pjrt_mock::{Builder, Mock};
use std::ops::Deref;
use std::path::PathBuf;
use std::process::Command;

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

/// Builds the plugin as a library, beside this program.
///
/// # Panics
///
/// If it cannot be built.
pub fn library() -> PathBuf {
    let program = std::env::current_exe();
    let folder = program
        .ok()
        .and_then(|path| Some(path.ancestors().nth(2)?.to_owned()));
    let Some(folder) = folder else {
        panic!("cannot tell where this program lies");
    };
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "-q", "--offline", "-p", "pjrt-mock-file"]);
    build.args(["--profile", profile]);
    // The folder of a target that was named lies between.
    let above = folder.parent().and_then(|above| above.file_name());
    let above = above.and_then(|name| name.to_str()).unwrap_or_default();
    if above.starts_with(&format!("{}-", std::env::consts::ARCH)) {
        build.args(["--target", above]);
    }
    let built = build.status();
    assert!(
        built.as_ref().is_ok_and(std::process::ExitStatus::success),
        "cannot build the mock: {built:?}"
    );
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    folder.join(format!("{prefix}pjrt_mock_file{suffix}"))
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
