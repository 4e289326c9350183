//! The error of every call.

use crate::ErrorCode;
use std::fmt;
use std::path::PathBuf;

/// Result of a call on a plugin.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
///
/// Every variant names the C function and says what was expected, what came and, where it is
/// known, what to do next.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
/// use pjrt::{CompileOptions, Error, ErrorCode, Program};
///
/// match client.compile(&Program::mlir("no program"), &CompileOptions::new()) {
///     Err(Error::Plugin(error)) => {
///         assert_eq!(error.function, "PJRT_Client_Compile");
///         println!("{}: {}", error.code, error.message);
///     }
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The plugin reported an error.
    Plugin(Box<PluginError>),
    /// The plugin's table lacks the function: it is older, or leaves the function out.
    Unimplemented {
        /// C function.
        function: &'static str,
        /// First minor version of PJRT that has it; 0 where that is not recorded.
        since: u32,
        /// Version (major, minor) of the plugin.
        plugin_version: (i32, i32),
    },
    /// The plugin's version has the function with arguments that are laid out otherwise.
    IncompatibleLayout {
        /// C function.
        function: &'static str,
        /// First minor version of PJRT from which on the layout is as it is today; 0 for an
        /// extension of a vendor, whose header has revisions of its own.
        layout_since: u32,
        /// Version (major, minor) of the plugin.
        plugin_version: (i32, i32),
    },
    /// The plugin does not have the extension.
    NoExtension {
        /// Extension.
        extension: &'static str,
        /// Why the plugin's chain of extensions could not be read to its end, if it could not.
        chain_fault: Option<&'static str>,
        /// Version (major, minor) of the plugin.
        plugin_version: (i32, i32),
    },
    /// An input is set that the plugin is too old to know.
    TooNew {
        /// C function or struct.
        function: &'static str,
        /// Field that is set.
        field: &'static str,
        /// First minor version of PJRT that has it; 0 for an extension of a vendor, whose header has
        /// revisions of its own.
        since: u32,
        /// Version (major, minor) of the plugin.
        plugin_version: (i32, i32),
    },
    /// The plugin returned something that the API does not allow.
    InvalidOutput {
        /// C function.
        function: &'static str,
        /// Field that holds it.
        field: &'static str,
        /// What was expected and what came.
        problem: &'static str,
    },
    /// An argument was refused before the call.
    InvalidArgument {
        /// C function.
        function: &'static str,
        /// Argument.
        argument: &'static str,
        /// What was expected and what was given.
        problem: String,
    },
    /// Two handles of one call belong to different plugins or clients.
    ForeignHandle {
        /// C function.
        function: &'static str,
        /// Argument that does not belong to the receiver.
        argument: &'static str,
        /// What they would have to share: `plugin` or `client`.
        must_share: &'static str,
    },
    /// A file that a program was to be read from, or a folder for programs, cannot be used.
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and what was expected.
        problem: String,
    },
    /// Options of a compilation, or a device assignment, cannot be meant.
    Options(Box<crate::InvalidOptions>),
    /// Bytes are not the message that they should be.
    Decode(crate::proto::DecodeError),
    /// A library could not be loaded as a plugin.
    Load(crate::plugin::LoadError),
    /// No plugin of that name was found.
    Find(crate::find::FindError),
    /// A compiled program is not loaded, or cannot be put into an envelope.
    #[cfg(feature = "cache")]
    Envelope(Box<crate::cache::EnvelopeError>),
    /// A plugin could not be installed.
    #[cfg(feature = "install")]
    Install(Box<crate::install::InstallError>),
}

/// An error that a plugin reported.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PluginError {
    /// C function that reported it, or whose event carries it.
    pub function: &'static str,
    /// Its code.
    pub code: ErrorCode,
    /// Its message, whole; bytes that are not UTF-8 are replaced.
    pub message: String,
    /// Its payloads: key and value.
    pub payloads: Vec<(String, Vec<u8>)>,
    /// File that the plugin was loaded from, or what a static plugin is called.
    pub plugin: String,
    /// Version (major, minor) of the plugin.
    pub plugin_version: (i32, i32),
    /// What may help, where inputs of the call do not fit together.
    pub hint: Option<&'static str>,
    /// What the memories of the client's devices held, if the call failed for want of memory
    /// ([`ErrorCode::RESOURCE_EXHAUSTED`]) and they tell.
    pub device_memory: Vec<crate::DeviceMemory>,
}

impl Error {
    /// The code that a plugin reported, or the one that says the same of an error of ours.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::Plugin(error) => error.code,
            Error::Unimplemented { .. }
            | Error::IncompatibleLayout { .. }
            | Error::NoExtension { .. }
            | Error::TooNew { .. } => ErrorCode::UNIMPLEMENTED,
            Error::InvalidOutput { .. } => ErrorCode::INTERNAL,
            Error::InvalidArgument { .. }
            | Error::ForeignHandle { .. }
            | Error::File { .. }
            | Error::Options(_)
            | Error::Decode(_) => ErrorCode::INVALID_ARGUMENT,
            #[cfg(feature = "cache")]
            Error::Envelope(_) => ErrorCode::INVALID_ARGUMENT,
            Error::Load(_) => ErrorCode::UNAVAILABLE,
            Error::Find(_) => ErrorCode::NOT_FOUND,
            #[cfg(feature = "install")]
            Error::Install(_) => ErrorCode::UNAVAILABLE,
        }
    }

    /// The C function that the error is about, if it is about one.
    pub fn function(&self) -> Option<&'static str> {
        match self {
            Error::Plugin(error) => Some(error.function),
            Error::Unimplemented { function, .. }
            | Error::IncompatibleLayout { function, .. }
            | Error::TooNew { function, .. }
            | Error::InvalidOutput { function, .. }
            | Error::InvalidArgument { function, .. }
            | Error::ForeignHandle { function, .. } => Some(function),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Plugin(error) => error.fmt(f),
            Error::Unimplemented {
                function,
                since,
                plugin_version: (major, minor),
            } => {
                write!(
                    f,
                    "{function} is not in the table of this plugin, which has PJRT {major}.{minor}"
                )?;
                if *since > 0 {
                    write!(f, "; the function came with 0.{since}")
                } else {
                    Ok(())
                }
            }
            Error::IncompatibleLayout {
                function,
                layout_since: 0,
                ..
            } => write!(
                f,
                "{function} has other arguments in the revision of its header that this plugin was built with: it cannot be called; use a newer plugin"
            ),
            Error::IncompatibleLayout {
                function,
                layout_since,
                plugin_version: (major, minor),
            } => write!(
                f,
                "{function} has other arguments in PJRT {major}.{minor}, which this plugin has, than since 0.{layout_since}: it cannot be called; use a newer plugin"
            ),
            Error::NoExtension {
                extension,
                chain_fault,
                plugin_version: (major, minor),
            } => {
                write!(
                    f,
                    "this plugin, which has PJRT {major}.{minor}, does not offer the extension {extension}"
                )?;
                match chain_fault {
                    Some(fault) => write!(
                        f,
                        "; its chain of extensions cannot be read to the end: {fault}"
                    ),
                    None => Ok(()),
                }
            }
            Error::TooNew {
                function,
                field,
                since: 0,
                ..
            } => write!(
                f,
                "{function}: `{field}` came with a newer revision of its header than this plugin was built with: it would ignore the value; leave it unset or use a newer plugin"
            ),
            Error::TooNew {
                function,
                field,
                since,
                plugin_version: (major, minor),
            } => write!(
                f,
                "{function}: `{field}` came with PJRT 0.{since}, and the plugin has {major}.{minor}: it would ignore the value; leave it unset or use a newer plugin"
            ),
            Error::InvalidOutput {
                function,
                field,
                problem,
            } => {
                write!(
                    f,
                    "{function} returned an invalid `{field}`: {problem}; this is a fault of the plugin"
                )
            }
            Error::InvalidArgument {
                function,
                argument,
                problem,
            } => {
                write!(f, "{function}: invalid `{argument}`: {problem}")
            }
            Error::ForeignHandle {
                function,
                argument,
                must_share,
            } => write!(
                f,
                "{function}: `{argument}` belongs to another {must_share} than the object that the call is made on"
            ),
            Error::File { path, problem } => write!(f, "{}: {problem}", path.display()),
            Error::Options(problem) => problem.fmt(f),
            Error::Decode(error) => error.fmt(f),
            Error::Load(error) => error.fmt(f),
            Error::Find(error) => error.fmt(f),
            #[cfg(feature = "cache")]
            Error::Envelope(error) => error.fmt(f),
            #[cfg(feature = "install")]
            Error::Install(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Options(problem) => Some(problem.as_ref()),
            Error::Decode(error) => Some(error),
            Error::Load(error) => Some(error),
            Error::Find(error) => Some(error),
            #[cfg(feature = "cache")]
            Error::Envelope(error) => Some(error.as_ref()),
            #[cfg(feature = "install")]
            Error::Install(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.function, self.code, self.message)?;
        if let Some(hint) = self.hint {
            write!(f, "; hint: {hint}")?;
        }
        self.device_memory
            .iter()
            .try_for_each(|memory| write!(f, "; {memory}"))
    }
}

impl std::error::Error for PluginError {}

impl From<PluginError> for Error {
    fn from(error: PluginError) -> Self {
        Error::Plugin(Box::new(error))
    }
}

impl From<crate::InvalidOptions> for Error {
    fn from(problem: crate::InvalidOptions) -> Self {
        Error::Options(Box::new(problem))
    }
}

impl From<crate::proto::DecodeError> for Error {
    fn from(error: crate::proto::DecodeError) -> Self {
        Error::Decode(error)
    }
}

impl From<crate::plugin::LoadError> for Error {
    fn from(error: crate::plugin::LoadError) -> Self {
        Error::Load(error)
    }
}

#[cfg(feature = "cache")]
impl From<crate::cache::EnvelopeError> for Error {
    fn from(error: crate::cache::EnvelopeError) -> Self {
        Error::Envelope(Box::new(error))
    }
}

#[cfg(feature = "install")]
impl From<crate::install::InstallError> for Error {
    fn from(error: crate::install::InstallError) -> Self {
        Error::Install(Box::new(error))
    }
}

impl From<crate::find::FindError> for Error {
    fn from(error: crate::find::FindError) -> Self {
        Error::Find(error)
    }
}
