//! Plugins: libraries that drive devices.

mod load_error;
mod registry;
mod stablehlo;

pub use load_error::LoadError;
pub use stablehlo::{StableHloRange, StableHloVersion};

use crate::rt::{self, Api};
use crate::{Client, ClientOptions, LoadOptions, Result, sys};
use std::fmt;
use std::path::Path;

/// A loaded and initialised plugin. It is never unloaded: real plugins crash when they are.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// use pjrt::Plugin;
///
/// let plugin = Plugin::find("cpu")?;
/// println!("{} speaks PJRT {}", plugin.name(), plugin.api_version());
/// for attribute in plugin.attributes()?.iter() {
///     println!("{:?}", attribute?);
/// }
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Plugin {
    pub(crate) api: &'static Api,
}

/// A version of the PJRT C API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    /// Differs where nothing is compatible.
    pub major: i32,
    /// Grows with every addition.
    pub minor: i32,
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Plugin {
    /// Finds a plugin by name (`cpu`, `cuda`, `tpu`) and loads it.
    ///
    /// [`crate::find`] says where it looks. The feature `install` can put plugins where this finds
    /// them.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Find`] lists every place; otherwise as [`Plugin::load`].
    pub fn find(name: &str) -> Result<Plugin> {
        Plugin::load(crate::find::find(name)?)
    }

    /// Loads a plugin's library and initialises the plugin, once per process; loading the same
    /// library again gives the same plugin.
    ///
    /// A library runs code of its own when it is loaded: load only files that you trust as much as
    /// your own program.
    ///
    /// No check here can catch what follows. A process must not `fork` and go on in the child once
    /// a client was created: the plugin's threads stay behind, and the child waits for them forever.
    /// A TPU serves one process: libtpu takes a lock from here to the end of the process, and
    /// another process that loads it meanwhile is refused, unless
    /// [`crate::TpuOptions::allow_multiple_load`] lets both, which is for work without a TPU.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Load`]: it is no library, no plugin, of an unsupported version, or it failed
    /// to initialise, which is final for the process; or `PJRT_TRACE` names a file that cannot be
    /// written (see [`crate::trace`]).
    pub fn load(path: impl AsRef<Path>) -> Result<Plugin> {
        crate::trace::from_environment()?;
        Ok(Plugin {
            api: registry::load(path.as_ref())?,
        })
    }

    /// As [`Plugin::load`], after checking that the environment holds what the options say.
    ///
    /// # Errors
    ///
    /// As [`Plugin::load`], and [`LoadError::Environment`] if variables are not set: call
    /// [`LoadOptions::apply`] at the start of the program, or start the program with them.
    pub fn load_with(path: impl AsRef<Path>, options: &LoadOptions) -> Result<Plugin> {
        let missing = options.missing();
        if !missing.is_empty() {
            return Err(LoadError::Environment {
                path: path.as_ref().to_owned(),
                missing,
            }
            .into());
        }
        Plugin::load(path)
    }

    /// Takes the table of a plugin that is linked into the program.
    ///
    /// # Safety
    ///
    /// `table` is what a plugin's `GetPjrtApi` returned, or null; it lives as long as the process.
    ///
    /// # Errors
    ///
    /// As [`Plugin::load`].
    pub unsafe fn from_api(table: *const sys::PJRT_Api) -> Result<Plugin> {
        crate::trace::from_environment()?;
        // SAFETY: the caller's promise.
        let api = unsafe { registry::plugin(table, "a static plugin") }?;
        Ok(Plugin { api })
    }

    /// The version of the API that the plugin was built with.
    pub fn api_version(&self) -> ApiVersion {
        let (major, minor) = self.api.version();
        ApiVersion { major, minor }
    }

    /// File that the plugin was loaded from, or what a static plugin is called.
    pub fn name(&self) -> &'static str {
        self.api.name()
    }

    /// Connects to the plugin's devices.
    ///
    /// Calls `PJRT_Client_Create`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for an option that [`ClientOptions::set`] describes as refused; what the
    /// plugin reports: no such device, or an option that it does not know.
    pub fn create_client(&self, options: &ClientOptions) -> Result<Client> {
        Client::create(self, options)
    }

    /// The plugin's own table, for code that binds PJRT by itself. It lives as long as the process.
    pub fn as_raw(&self) -> *const sys::PJRT_Api {
        self.api.original().as_ptr()
    }
}

pjrt_macros::generate!(plugin core);

impl rt::OnPlugin for Plugin {
    fn api(&self) -> &'static Api {
        self.api
    }
}

impl PartialEq for Plugin {
    fn eq(&self, other: &Plugin) -> bool {
        std::ptr::eq(self.api, other.api)
    }
}

impl Eq for Plugin {}
