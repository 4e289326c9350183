//! Where installed plugins lie, and how one comes there in one step.
//!
//! Under the cache directory: `plugins/NAME/VERSION/` with the files and their list, and beside the
//! versions a lock file and, while an install runs, its partial folder. A partial folder that is
//! there when the lock is taken is left over from an install that was cut off.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::{InstallError, at};
use super::{Installed, Wheel};
use crate::find::manifest::{self, Manifest};
use crate::find::plugins_dir;

const PARTIAL: &str = ".partial-";

/// The place of one version of a plugin.
pub(super) struct Store {
    /// The folder of all versions.
    parent: PathBuf,
    /// The folder of this version.
    folder: PathBuf,
}

/// A folder that an install works in. It is removed when dropped.
pub(super) struct Partial<'s> {
    store: &'s Store,
    folder: PathBuf,
}

impl Store {
    pub(super) fn new(cache_dir: &Path, name: &str, version: &str) -> Result<Self, InstallError> {
        let cache_dir = at("resolve", cache_dir, std::path::absolute(cache_dir))?;
        let parent = plugins_dir(&cache_dir).join(name);
        let folder = parent.join(version);
        Ok(Self { parent, folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The library, where the plugin is installed from just these packages and is whole.
    pub(super) fn installed_from(&self, wheels: &[Wheel]) -> Option<PathBuf> {
        let manifest = Manifest::read(&self.folder)?;
        let same = manifest
            .wheels
            .iter()
            .eq(wheels.iter().map(|wheel| &wheel.sha256));
        (same && manifest.is_whole(&self.folder)).then(|| manifest.library_in(&self.folder))
    }

    /// Takes the plugin's lock, which is held until the file is dropped or the process ends.
    pub(super) fn lock(&self, waiting: impl FnOnce()) -> Result<File, InstallError> {
        match fs::create_dir_all(&self.parent) {
            // A file lies where a folder is needed.
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                return Err(InstallError::NotWritable {
                    path: self.parent.clone(),
                    source,
                });
            }
            result => at("create", &self.parent, result)?,
        }
        let path = self.parent.join(".lock");
        let open = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = at("open", &path, open)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                waiting();
                at("lock", &path, file.lock())?;
            }
            Err(TryLockError::Error(error)) => at("lock", &path, Err(error))?,
        }
        Ok(file)
    }

    /// Clears what earlier installs left over and makes a new partial folder. The lock is held.
    pub(super) fn begin(&self) -> Result<Partial<'_>, InstallError> {
        for entry in at("read", &self.parent, fs::read_dir(&self.parent))? {
            let path = at("read", &self.parent, entry)?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if name.starts_with(PARTIAL) {
                at("remove", &path, fs::remove_dir_all(&path))?;
            }
        }
        // A name of its own: a pip that outlived a killed install may still write to the old one.
        let since = std::time::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_nanos();
        let name = format!("{PARTIAL}{}-{since}", std::process::id());
        let partial = Partial {
            store: self,
            folder: self.parent.join(name),
        };
        at("create", &partial.folder, fs::create_dir(&partial.folder))?;
        at("create", &partial.folder, fs::create_dir(partial.files()))?;
        Ok(partial)
    }
}

impl Partial<'_> {
    /// Where packages are fetched to.
    pub(super) fn downloads(&self) -> PathBuf {
        self.folder.join("downloads")
    }

    /// Where files are unpacked to.
    pub(super) fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// Writes the list of files and moves everything into place; gives the library's path there.
    pub(super) fn finish(self, manifest: &Manifest) -> Result<PathBuf, InstallError> {
        let files = self.files();
        let list = files.join(manifest::FILE);
        at("write", &list, fs::write(&list, manifest.to_text()))?;
        let target = &self.store.folder;
        if target.exists() {
            // It is damaged or from other packages, else nothing would have been installed.
            let old = self.folder.join("old");
            at("rename", target, fs::rename(target, &old))?;
        }
        at("rename", &files, fs::rename(&files, target))?;
        Ok(manifest.library_in(target))
    }
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next install.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Every plugin that is installed and whole, sorted by name and version.
pub(super) fn installed(cache_dir: &Path) -> Vec<Installed> {
    let mut found = Vec::new();
    let folders = |path: &Path| -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(path) else {
            return Vec::new();
        };
        let visible = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|name| !name.as_encoded_bytes().starts_with(b"."))
        };
        entries
            .flatten()
            .map(|entry| entry.path())
            .filter(visible)
            .collect()
    };
    for folder in folders(&plugins_dir(cache_dir))
        .iter()
        .flat_map(|plugin| folders(plugin))
    {
        let Some(manifest) = Manifest::read(&folder) else {
            continue;
        };
        if manifest.is_whole(&folder) {
            let library = manifest.library_in(&folder);
            let Manifest { name, version, .. } = manifest;
            found.push(Installed {
                name,
                version,
                folder,
                library,
            });
        }
    }
    found.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    found
}
