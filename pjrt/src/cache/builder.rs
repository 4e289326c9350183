//! Settings of a cache.

use super::CompilationCache;
use super::folder::Folder;
use crate::find::Surroundings;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Eight gibibytes.
const LIMIT: u64 = 8 << 30;

/// Settings of a [`CompilationCache`].
///
/// ```
/// use pjrt::cache::CompilationCache;
///
/// # let folder = std::env::temp_dir().join(format!("pjrt-doc-builder-{}", std::process::id()));
/// let cache = CompilationCache::builder()
///     .folder(&folder)
///     .limit(256 << 20)
///     .key_part("CUDA toolkit 13.1")
///     .open()?;
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct CacheBuilder {
    folder: Option<PathBuf>,
    limit: u64,
    shared: bool,
    key_part: Vec<u8>,
}

impl CacheBuilder {
    pub(super) fn new() -> CacheBuilder {
        CacheBuilder {
            folder: None,
            limit: LIMIT,
            shared: false,
            key_part: Vec::new(),
        }
    }

    /// Where the entries lie. Otherwise the folder `compiled` in the directory that
    /// [`Surroundings::cache_dir`] tells: the user's cache directory, or `PJRT_CACHE_DIR`.
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// How many bytes the entries may have in all; 8 GiB unless set. Several processes that write at
    /// once may be over it for a moment.
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// Others than this user may write to the folder, and are trusted as much as the program itself.
    pub fn shared(mut self, on: bool) -> Self {
        self.shared = on;
        self
    }

    /// Something else that what is compiled depends on, such as the version of a library that a
    /// program calls.
    pub fn key_part(mut self, part: impl AsRef<[u8]>) -> Self {
        self.key_part = part.as_ref().to_owned();
        self
    }

    /// Opens the folder, which is made where it is missing.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if there is no folder to open and none can be made, if no home directory says
    /// where the default one is, and for a folder that others may write to.
    pub fn open(self) -> Result<CompilationCache> {
        let default = || Some(Surroundings::of_process().cache_dir()?.join("compiled"));
        let Some(path) = self.folder.or_else(default) else {
            return Err(Error::File {
                path: "compiled".into(),
                problem: "there is no home directory to keep compiled programs under: name a folder, or set PJRT_CACHE_DIR".to_owned(),
            });
        };
        Ok(CompilationCache {
            folder: Folder::open(path, self.limit, self.shared)?,
            key_part: self.key_part,
        })
    }
}
