//! Finding a plugin's library on this machine, without starting anything.
//!
//! [`find()`] looks, in this order, at
//!
//! 1. the path that the caller gives ([`Search::path`]);
//! 2. `PJRT_PLUGIN_LIBRARY_PATH`: libraries, or folders of libraries, separated as in `PATH`;
//! 3. `PJRT_NAMES_AND_LIBRARY_PATHS`: `name:path,name:path` (`name;path` on Windows);
//! 4. `TPU_LIBRARY_PATH`, for the name `tpu` alone;
//! 5. the cache directory that the feature `install` fills ([`Surroundings::cache_dir`]);
//! 6. installed Python packages: `jax_plugins/*`, `xla_plugins/*` and `libtpu` in the site
//!    directories of `VIRTUAL_ENV`, of `CONDA_PREFIX`, of `PYTHONPATH`, of the user and of the
//!    system. Python itself is never started.
//!
//! What a person has set is binding: where the caller's path or a variable names a file for this
//! plugin that is not there, the search ends with an error and no other plugin is taken instead.
//!
//! A name may leave out a trailing number: `cuda` finds `cuda13`, the highest one where several are
//! there.

mod cache;
mod error;
pub(crate) mod manifest;
mod names;
mod site;
mod surroundings;
mod variables;

use std::path::{Path, PathBuf};

pub use error::{FindError, Looked, Miss, Place};
pub use surroundings::Surroundings;

#[cfg(feature = "install")]
pub(crate) use cache::plugins_dir;
#[cfg(feature = "install")]
pub(crate) use names::{is_plain_name, is_plain_relative};

/// Finds the plugin `name` with the environment of this process.
///
/// # Errors
///
/// [`FindError`] lists every place that was looked at and why it did not serve.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// let library = pjrt::find::find("cpu")?;
/// # Ok::<(), pjrt::find::FindError>(())
/// ```
pub fn find(name: &str) -> Result<PathBuf, FindError> {
    Search::new().find(name)
}

/// A search for a plugin's library.
#[derive(Clone, Debug, Default)]
pub struct Search {
    path: Option<PathBuf>,
    cache_dir: Option<PathBuf>,
    surroundings: Option<Surroundings>,
}

/// A library that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The library.
    pub path: PathBuf,
    /// The place that had it.
    pub place: Place,
}

/// What one place answers.
enum Answer {
    /// The library, and the search is over.
    Here(PathBuf),
    /// Nothing here; the search goes on.
    No(Option<PathBuf>, Miss),
    /// A person set this place to something that is not there; the search is over.
    Broken(PathBuf, Miss),
}

impl Search {
    /// A search with the environment of this process.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses this library, and nothing else.
    #[must_use]
    pub fn path(mut self, library: impl Into<PathBuf>) -> Self {
        self.path = Some(library.into());
        self
    }

    /// Looks for installed plugins under this directory, in place of the user's cache directory.
    #[must_use]
    pub fn cache_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cache_dir = Some(directory.into());
        self
    }

    /// Searches with these variables and directories, in place of those of the process.
    #[must_use]
    pub fn surroundings(mut self, surroundings: Surroundings) -> Self {
        self.surroundings = Some(surroundings);
        self
    }

    /// The library of the plugin `name`.
    ///
    /// # Errors
    ///
    /// [`FindError`] where no place has it, or where the caller's path or a variable names a file
    /// that is not there.
    pub fn find(&self, name: &str) -> Result<PathBuf, FindError> {
        self.locate(name).map(|found| found.path)
    }

    /// The library of the plugin `name`, and the place that had it.
    ///
    /// # Errors
    ///
    /// As for [`Search::find`].
    pub fn locate(&self, name: &str) -> Result<Found, FindError> {
        let of_process;
        let surroundings = match &self.surroundings {
            Some(given) => given,
            None => {
                of_process = Surroundings::of_process();
                &of_process
            }
        };
        let mut trail = Trail {
            name,
            looked: Vec::new(),
        };
        let given = || match &self.path {
            Some(path) => file_at(path),
            None => Answer::No(None, Miss::Unset),
        };
        let cache_dir = || self.cache_dir.clone().or_else(|| surroundings.cache_dir());
        trail
            .ask(Place::Given, given)
            .or_else(|| trail.ask(variables::PLUGIN, || variables::plugin(surroundings, name)))
            .or_else(|| trail.ask(variables::NAMES, || variables::names(surroundings, name)))
            .or_else(|| trail.ask(variables::TPU, || variables::tpu(surroundings, name)))
            .or_else(|| trail.ask(Place::Cache, || cache::look(cache_dir(), name)))
            .or_else(|| site::look(surroundings, &mut trail))
            .unwrap_or_else(|| {
                Err(FindError::new(
                    name,
                    std::mem::take(&mut trail.looked),
                    false,
                ))
            })
    }
}

/// The places that a search has been at.
struct Trail<'a> {
    name: &'a str,
    looked: Vec<Looked>,
}

impl Trail<'_> {
    /// Asks one place; `Some` where the search is over, for good or ill.
    fn ask(
        &mut self,
        place: Place,
        look: impl FnOnce() -> Answer,
    ) -> Option<Result<Found, FindError>> {
        let (path, miss, over) = match look() {
            Answer::Here(path) => return Some(Ok(Found { path, place })),
            Answer::No(path, miss) => (path, miss, false),
            Answer::Broken(path, miss) => (Some(path), miss, true),
        };
        self.looked.push(Looked { place, path, miss });
        over.then(|| {
            Err(FindError::new(
                self.name,
                std::mem::take(&mut self.looked),
                true,
            ))
        })
    }
}

/// The answer of a place that a person has set to one file.
fn file_at(path: &Path) -> Answer {
    if path.is_file() {
        Answer::Here(path.to_path_buf())
    } else if path.is_dir() {
        Answer::Broken(path.to_path_buf(), Miss::Directory)
    } else {
        Answer::Broken(path.to_path_buf(), Miss::NoSuchFile)
    }
}

#[cfg(test)]
mod tests;
