//! Plugins on demand: puts a plugin from its Python package under the user's cache directory.
//!
//! ```
//! use pjrt::install::Installer;
//!
//! # pjrt_doc::ready("cpu");
//! let plugin = Installer::new().install("cpu")?;
//! println!("{} {} is at {}", plugin.name, plugin.version, plugin.library.display());
//! # Ok::<(), pjrt::install::InstallError>(())
//! ```
//!
//! Which plugins there are, from which packages, and what the packages hash to is written in a
//! [`Catalogue`] that is compiled in ([`known`]); another one can be given
//! ([`Installer::catalogue`]). Packages are fetched with `python -m pip download`, so that the
//! user's own settings for pip hold: index, proxy, certificates, cache. The Python is
//! `PJRT_PYTHON`, else `python3`, else `python`, and it is started only where something is missing.
//!
//! A package is unpacked only after its sha256 was found to be the pinned one, and only the files
//! that the plugin needs are taken from it. An install becomes visible in one step, at its end. It
//! may be repeated, cut off, or run from several threads and processes at once. What is installed
//! is found again by [`crate::find`].
//!
//! The packages are their makers' and under their makers' licences; the NVIDIA run-time libraries
//! that `cuda13` brings are under NVIDIA's.

mod catalogue;
mod error;
mod glob;
mod python;
mod store;
mod wheel;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

pub use catalogue::{Catalogue, KnownPlugin, Wheel, known, platform};
pub use error::{InstallError, PipFailure};

use crate::find::Surroundings;
use crate::find::manifest::Manifest;
use python::Python;
use store::Store;

/// A plugin that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Installed {
    /// The plugin's name.
    pub name: String,
    /// Its version: that of its Python package.
    pub version: String,
    /// The folder that holds all its files.
    pub folder: PathBuf,
    /// The library to load.
    pub library: PathBuf,
}

/// What an install is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Another thread or process is installing the same plugin; this one waits for it.
    Waiting,
    /// Looking at what is pinned and what is there.
    Resolving {
        /// The plugin.
        name: &'a str,
        /// The version that will be installed.
        version: &'a str,
    },
    /// Fetching a package.
    Downloading {
        /// The package.
        package: &'a str,
        /// Its version.
        version: &'a str,
        /// The size of its file, where it is known.
        bytes: Option<u64>,
        /// Which of the plugin's packages it is, from 1.
        number: usize,
        /// How many packages the plugin has.
        of: usize,
    },
    /// Comparing a package's sha256 with the pinned one.
    Verifying {
        /// The file.
        file: &'a str,
    },
    /// Writing the files of a package.
    Unpacking {
        /// The package.
        package: &'a str,
        /// Bytes written.
        done: u64,
        /// Bytes that will have been written in the end.
        total: u64,
    },
    /// It is installed, or was already.
    Done {
        /// The library to load.
        library: &'a Path,
    },
}

/// Installs plugins.
pub struct Installer<'p> {
    catalogue: Option<Catalogue>,
    surroundings: Surroundings,
    cache_dir: Option<PathBuf>,
    python: Option<OsString>,
    progress: Box<dyn FnMut(Progress<'_>) + 'p>,
}

impl fmt::Debug for Installer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installer")
            .field("cache_dir", &self.cache_dir)
            .field("python", &self.python)
            .finish_non_exhaustive()
    }
}

impl Default for Installer<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'p> Installer<'p> {
    /// Installs under the user's cache directory, with the environment of this process.
    #[must_use]
    pub fn new() -> Self {
        Self {
            catalogue: None,
            surroundings: Surroundings::of_process(),
            cache_dir: None,
            python: None,
            progress: Box::new(|_| {}),
        }
    }

    /// Installs under this directory, in place of the user's cache directory.
    #[must_use]
    pub fn cache_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cache_dir = Some(directory.into());
        self
    }

    /// Fetches packages with this Python, in place of `PJRT_PYTHON`, `python3` or `python`.
    #[must_use]
    pub fn python(mut self, executable: impl Into<OsString>) -> Self {
        self.python = Some(executable.into());
        self
    }

    /// Installs from this catalogue, in place of the one compiled in.
    #[must_use]
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = Some(catalogue);
        self
    }

    /// Calls `report` with every step, from the thread that installs.
    #[must_use]
    pub fn on_progress(mut self, report: impl FnMut(Progress<'_>) + 'p) -> Self {
        self.progress = Box::new(report);
        self
    }

    /// The plugins that can be installed, in order.
    #[must_use]
    pub fn known(&self) -> &[KnownPlugin] {
        match &self.catalogue {
            Some(given) => given.plugins(),
            None => known(),
        }
    }

    /// Installs the plugin `name`. Where it is installed already, this is a quick look at its files
    /// and no Python is started.
    ///
    /// # Errors
    ///
    /// [`InstallError`] says what was wrong and what to do next. Nothing is installed then, and
    /// what was installed before stays.
    pub fn install(&mut self, name: &str) -> Result<Installed, InstallError> {
        let plugin = find_known(self.catalogue.as_ref(), name)?.clone();
        let platform = platform();
        let wheels = plugin
            .wheels_for(platform)
            .ok_or_else(|| InstallError::NoWheel {
                name: name.to_owned(),
                platform: platform.to_owned(),
                pinned_for: plugin.platforms().map(str::to_owned).collect(),
            })?;
        let cache_dir = self.directory().ok_or(InstallError::NoCacheDir)?;
        let store = Store::new(&cache_dir, &plugin.name, &plugin.version)?;
        if let Some(library) = store.installed_from(wheels) {
            return Ok(self.done(&plugin, &store, library));
        }

        let report = &mut self.progress;
        let _lock = store.lock(|| report(Progress::Waiting))?;
        // Whoever held the lock may have installed it.
        if let Some(library) = store.installed_from(wheels) {
            return Ok(self.done(&plugin, &store, library));
        }
        report(Progress::Resolving {
            name: &plugin.name,
            version: &plugin.version,
        });
        let partial = store.begin()?;
        let given = self
            .python
            .clone()
            .or_else(|| self.surroundings.var("PJRT_PYTHON").map(OsString::from));
        let mut python = Python::new(given);
        let mut manifest = Manifest {
            name: plugin.name.clone(),
            version: plugin.version.clone(),
            library: plugin.library.clone(),
            ..Manifest::default()
        };
        for (index, wheel) in wheels.iter().enumerate() {
            report(Progress::Downloading {
                package: &wheel.package,
                version: &wheel.version,
                bytes: wheel.size,
                number: index + 1,
                of: wheels.len(),
            });
            let file = python.download(wheel, &partial.downloads())?;
            report(Progress::Verifying { file: &wheel.file });
            wheel::verify(&file, wheel)?;
            let files = wheel::unpack(&file, wheel, &partial.files(), |done, total| {
                report(Progress::Unpacking {
                    package: &wheel.package,
                    done,
                    total,
                });
            })?;
            manifest.files.extend(files);
            manifest.wheels.push(wheel.sha256.clone());
            // Early, so that the largest plugins do not need the room of all their packages too.
            error::at("remove", &file, std::fs::remove_file(&file))?;
        }
        let library = partial.finish(&manifest)?;
        Ok(self.done(&plugin, &store, library))
    }

    /// Every plugin that is installed, sorted by name and version; also those of versions that the
    /// catalogue no longer names. Damaged ones are left out.
    #[must_use]
    pub fn installed(&self) -> Vec<Installed> {
        self.directory()
            .map(|cache_dir| store::installed(&cache_dir))
            .unwrap_or_default()
    }

    /// The library of the plugin `name`, where the version of the catalogue is installed.
    #[must_use]
    pub fn path_of(&self, name: &str) -> Option<PathBuf> {
        let plugin = find_known(self.catalogue.as_ref(), name).ok()?;
        let store = Store::new(&self.directory()?, &plugin.name, &plugin.version).ok()?;
        store.installed_from(plugin.wheels_for(platform())?)
    }

    /// The directory that is installed under; `None` where there is no home directory.
    #[must_use]
    pub fn directory(&self) -> Option<PathBuf> {
        self.cache_dir
            .clone()
            .or_else(|| self.surroundings.cache_dir())
    }

    fn done(&mut self, plugin: &KnownPlugin, store: &Store, library: PathBuf) -> Installed {
        (self.progress)(Progress::Done { library: &library });
        Installed {
            name: plugin.name.clone(),
            version: plugin.version.clone(),
            folder: store.folder().to_path_buf(),
            library,
        }
    }
}

/// The entry of `name` in the given catalogue, or in the one compiled in.
fn find_known<'c>(
    catalogue: Option<&'c Catalogue>,
    name: &str,
) -> Result<&'c KnownPlugin, InstallError> {
    let catalogue = match catalogue {
        Some(given) => given,
        None => Catalogue::compiled_in()?,
    };
    catalogue
        .get(name)
        .ok_or_else(|| InstallError::UnknownPlugin {
            name: name.to_owned(),
            known: catalogue
                .plugins()
                .iter()
                .map(|plugin| plugin.name.clone())
                .collect(),
        })
}
