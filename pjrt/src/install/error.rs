//! Why a plugin could not be installed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a plugin could not be installed. Its text names the cause and the next step.
#[derive(Debug)]
#[non_exhaustive]
pub enum InstallError {
    /// The catalogue has no plugin of that name.
    UnknownPlugin {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The catalogue has no package of the plugin for this platform.
    NoWheel {
        /// The plugin.
        name: String,
        /// This platform.
        platform: String,
        /// The platforms there are packages for.
        pinned_for: Vec<String>,
    },
    /// The catalogue cannot be read.
    Catalogue {
        /// Where in it, and what was expected there.
        reason: String,
    },
    /// No cache directory was given and there is no home directory.
    NoCacheDir,
    /// No Python could be started.
    NoPython {
        /// What was tried, and what the system said.
        tried: Vec<(String, io::Error)>,
    },
    /// `pip download` failed.
    Pip {
        /// The Python it ran in.
        python: String,
        /// What was to be fetched, as `package==version`.
        requirement: String,
        /// What kind of failure its output speaks of.
        failure: PipFailure,
        /// The last lines of its output.
        output: String,
    },
    /// `pip download` succeeded, but the pinned file is not there.
    WrongFile {
        /// The pinned file.
        expected: String,
        /// The files that are there.
        got: Vec<String>,
    },
    /// A package's file is not the pinned one.
    Hash {
        /// The file.
        file: String,
        /// The pinned sha256.
        expected: String,
        /// The file's sha256.
        got: String,
    },
    /// A package cannot be unpacked.
    Unpack {
        /// The file.
        file: String,
        /// What was expected in it, and what came.
        reason: String,
    },
    /// A package holds a member whose name would leave the folder it is unpacked to.
    UnsafeMember {
        /// The file.
        file: String,
        /// The member's name.
        member: String,
    },
    /// The cache directory cannot be written.
    NotWritable {
        /// The file or folder that could not be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk, or the user's share of it, is full.
    DiskFull {
        /// The file that could not be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another input or output error.
    Io {
        /// What was being done: `read`, `lock`, `rename`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What kind of failure the output of pip speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PipFailure {
    /// This Python has no pip.
    NoPip,
    /// The index could not be reached.
    Network,
    /// The index does not have that package in that version.
    NotThere,
    /// The disk is full.
    DiskFull,
    /// Something else.
    Other,
}

impl PipFailure {
    /// Judges by the whole output.
    pub(super) fn of(output: &str) -> Self {
        let has = |texts: &[&str]| texts.iter().any(|text| output.contains(text));
        if has(&["No module named pip", "No module named 'pip'"]) {
            Self::NoPip
        } else if has(&[
            "No space left on device",
            "Disk quota exceeded",
            "[Errno 28]",
        ]) {
            Self::DiskFull
        } else if has(&[
            "NewConnectionError",
            "ConnectTimeout",
            "ReadTimeout",
            "Read timed out",
            "Max retries exceeded",
            "Connection broken",
            "Connection refused",
            "ConnectionResetError",
            "RemoteDisconnected",
            "ProxyError",
            "SSLError",
            "CERTIFICATE_VERIFY_FAILED",
            "name resolution",
            "Network is unreachable",
        ]) {
            // Before the next one: without a network pip also says that it found no version.
            Self::Network
        } else if has(&["No matching distribution", "Could not find a version"]) {
            Self::NotThere
        } else {
            Self::Other
        }
    }

    fn next_step(self) -> &'static str {
        match self {
            Self::NoPip => {
                "install pip for it (`python3 -m ensurepip`, or the system's package python3-pip), \
                 or set PJRT_PYTHON to a Python that has pip"
            }
            Self::Network => {
                "check the network, and the proxy, certificates and index that pip is set to use \
                 (`pip config list`); then try again"
            }
            Self::NotThere => {
                "check which index pip is set to use (`pip config list`): it must offer that \
                 version; a pip older than 20.3 does not know the package's platform tag"
            }
            Self::DiskFull => {
                "free space in the temporary directory (TMPDIR) and in the cache directory \
                 (PJRT_CACHE_DIR names another); then try again"
            }
            Self::Other => "run the same `pip download` by hand to see all of its output",
        }
    }
}

/// Gives an input or output error its place, and its kind where that says more.
pub(super) fn at<T>(
    action: &'static str,
    path: &Path,
    result: io::Result<T>,
) -> Result<T, InstallError> {
    use io::ErrorKind::{
        NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    result.map_err(|source| {
        let path = path.to_path_buf();
        match source.kind() {
            PermissionDenied | ReadOnlyFilesystem | NotADirectory => {
                InstallError::NotWritable { path, source }
            }
            StorageFull | QuotaExceeded => InstallError::DiskFull { path, source },
            _ => InstallError::Io {
                action,
                path,
                source,
            },
        }
    })
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownPlugin { name, known } => write!(
                f,
                "no plugin `{name}` is known, there are {}; next: choose one of these, or give \
                 the installer a catalogue that has it",
                known.join(", ")
            ),
            Self::NoWheel {
                name,
                platform,
                pinned_for,
            } => write!(
                f,
                "no package of the plugin `{name}` is pinned for this platform ({platform}), only \
                 for {}; next: build or get the library yourself and set \
                 PJRT_PLUGIN_LIBRARY_PATH to it",
                pinned_for.join(", ")
            ),
            Self::Catalogue { reason } => write!(
                f,
                "the catalogue of plugins cannot be read: {reason}; next: correct it there"
            ),
            Self::NoCacheDir => f.write_str(
                "there is no directory to install under: no home directory is set; next: set \
                 PJRT_CACHE_DIR",
            ),
            Self::NoPython { tried } => {
                f.write_str("no Python could be started (")?;
                for (index, (program, why)) in tried.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{program}: {why}")?;
                }
                f.write_str(
                    "); next: install Python 3 with pip, or set PJRT_PYTHON to its executable",
                )
            }
            Self::Pip {
                python,
                requirement,
                failure,
                output,
            } => write!(
                f,
                "`{python} -m pip download {requirement}` failed:\n{}next: {}",
                indented(output),
                failure.next_step()
            ),
            Self::WrongFile { expected, got } => write!(
                f,
                "pip succeeded but did not fetch the pinned file: expected {expected}, got {}; \
                 next: check the index that pip is set to use (`pip config list`)",
                if got.is_empty() {
                    "nothing".to_owned()
                } else {
                    got.join(", ")
                }
            ),
            Self::Hash {
                file,
                expected,
                got,
            } => write!(
                f,
                "{file} is not the pinned file: expected sha256 {expected}, got {got}; nothing was \
                 unpacked; next: remove it from pip's cache (`pip cache purge`) and try again; if \
                 that does not help, the index offers another file, do not use it"
            ),
            Self::Unpack { file, reason } => write!(
                f,
                "{file} cannot be unpacked: {reason}; next: report this, the file is the pinned one"
            ),
            Self::UnsafeMember { file, member } => write!(
                f,
                "{file} cannot be unpacked: its member {member:?} would not stay in the folder it \
                 is unpacked to; next: do not use this package, and report it"
            ),
            Self::NotWritable { path, source } => write!(
                f,
                "{} cannot be written ({source}); next: make it writable for this user, or set \
                 PJRT_CACHE_DIR to a directory that is",
                path.display()
            ),
            Self::DiskFull { path, source } => write!(
                f,
                "no room to write {} ({source}); next: free space there, or set PJRT_CACHE_DIR to \
                 a directory on another disk",
                path.display()
            ),
            Self::Io {
                action,
                path,
                source,
            } => write!(
                f,
                "cannot {action} {} ({source}); next: see what holds or changes it, and try again",
                path.display()
            ),
        }
    }
}

impl std::error::Error for InstallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotWritable { source, .. }
            | Self::DiskFull { source, .. }
            | Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failure_is_told_from_the_output() {
        for (output, failure) in [
            ("/usr/bin/python3: No module named pip", PipFailure::NoPip),
            (
                "OSError: [Errno 28] No space left on device",
                PipFailure::DiskFull,
            ),
            (
                "NewConnectionError(...)\nERROR: No matching distribution found for x",
                PipFailure::Network,
            ),
            (
                "ERROR: No matching distribution found for x==1",
                PipFailure::NotThere,
            ),
            ("Traceback", PipFailure::Other),
        ] {
            assert_eq!(PipFailure::of(output), failure, "{output}");
        }
    }

    #[test]
    fn a_full_disk_and_a_read_only_one_have_errors_of_their_own() {
        let error = |kind: io::ErrorKind| {
            at::<()>("write", Path::new("/c/x"), Err(kind.into())).expect_err("an error")
        };
        let full = error(io::ErrorKind::StorageFull);
        assert!(matches!(full, InstallError::DiskFull { .. }));
        assert!(full.to_string().contains("free space"), "{full}");
        let read_only = error(io::ErrorKind::ReadOnlyFilesystem);
        assert!(matches!(read_only, InstallError::NotWritable { .. }));
        assert!(
            read_only.to_string().contains("PJRT_CACHE_DIR"),
            "{read_only}"
        );
        assert!(matches!(
            error(io::ErrorKind::NotFound),
            InstallError::Io { .. }
        ));
    }
}
