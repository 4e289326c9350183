//! Why a library is not a plugin that can be used.

use crate::Error;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// Why a plugin could not be loaded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// The file is not there or is not a file.
    File {
        /// Path that was given.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The system's loader refused the file.
    Open {
        /// Path that was given.
        path: PathBuf,
        /// What the loader said.
        cause: String,
    },
    /// The library does not export `GetPjrtApi`.
    NotAPlugin {
        /// Path that was given.
        path: PathBuf,
        /// What the loader said.
        cause: String,
    },
    /// `GetPjrtApi` returned null, or a table that cannot be one.
    Table {
        /// File, or what a static plugin is called.
        plugin: String,
        /// What was expected and what came.
        problem: String,
    },
    /// The plugin's version is not supported.
    Version {
        /// File, or what a static plugin is called.
        plugin: String,
        /// Version of the plugin.
        found: (i32, i32),
        /// Oldest version that is supported; the major version must be the same.
        oldest: (i32, i32),
    },
    /// The plugin failed to initialise. This is final: it is not tried again in this process.
    Initialise {
        /// File, or what a static plugin is called.
        plugin: String,
        /// The plugin's error.
        cause: String,
    },
    /// Environment variables that the options ask for are not set.
    Environment {
        /// Path that was given.
        path: PathBuf,
        /// Names and values.
        missing: Vec<(&'static str, OsString)>,
    },
    /// The file that calls are to be traced to cannot be opened.
    Trace {
        /// Environment variable that names it.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::File { path, problem } => {
                write!(
                    f,
                    "cannot load {}: {problem}; give the path of a plugin's library",
                    path.display()
                )
            }
            LoadError::Open { path, cause } => write!(
                f,
                "cannot load {} as a library: {cause}; it may be for another machine, or miss a library it needs",
                path.display()
            ),
            LoadError::NotAPlugin { path, cause } => write!(
                f,
                "{} is a library but not a PJRT plugin: it does not export `GetPjrtApi` ({cause})",
                path.display()
            ),
            LoadError::Table { plugin, problem } => {
                write!(
                    f,
                    "the table that `GetPjrtApi` of {plugin} returned cannot be used: {problem}"
                )
            }
            LoadError::Version {
                plugin,
                found,
                oldest,
            } => write!(
                f,
                "{plugin} has PJRT {}.{}, and this library needs major version {} and at least {}.{}",
                found.0, found.1, oldest.0, oldest.0, oldest.1
            ),
            LoadError::Initialise { plugin, cause } => {
                write!(
                    f,
                    "{plugin} failed to initialise, which is final for this process: {cause}"
                )
            }
            LoadError::Environment { path, missing } => {
                write!(f, "{} needs ", path.display())?;
                for (i, (name, value)) in missing.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{name}={}", value.to_string_lossy())?;
                }
                f.write_str(" in the environment before it is loaded: call `LoadOptions::apply` first, or start the program with them")
            }
            LoadError::Trace {
                variable,
                path,
                cause,
            } => write!(
                f,
                "{variable} asks for a trace of all calls in {}, which cannot be opened to write: {cause}; name another file or unset {variable}",
                path.display()
            ),
        }
    }
}

impl std::error::Error for LoadError {}

impl LoadError {
    pub(super) fn initialise(plugin: &str, cause: &Error) -> LoadError {
        LoadError::Initialise {
            plugin: plugin.to_owned(),
            cause: cause.to_string(),
        }
    }
}
