//! A store in a folder that several processes see.

use super::file_name::file_name;
use super::waits::Waits;
use super::words::{second, shown};
use super::{KeyValueStore, record};
use crate::{CallbackError, ErrorCode};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A store in a folder: for processes on one machine, or on several that share a file system.
///
/// Each value is a file of its own, which appears whole or not at all: it is written under another
/// name, brought to the disk and then linked to its place. A process that dies while it puts leaves
/// nothing but a file `new-...`, which nobody reads. Who waits looks again and again, a few
/// milliseconds apart.
///
/// A key keeps its first value, and values stay when the processes are gone: take a new folder for
/// each run, which only those can write to that you trust. The file system must have hard links, as
/// NFS has. NFS clients remember for a while that a file was not there: mount with
/// `lookupcache=positive`, or a wait is longer than it need be.
///
/// ```
/// use pjrt::{DirectoryStore, KeyValueStore};
/// use std::time::Duration;
///
/// # let folder = std::env::temp_dir().join(format!("pjrt-doc-store-{}", std::process::id()));
/// let store = DirectoryStore::new(&folder)?;
/// store.put(b"address", b"10.0.0.1")?;
/// // In another process:
/// let store = DirectoryStore::new(&folder)?;
/// assert_eq!(store.get(b"address", Duration::from_secs(60))?.as_deref(), Some(&b"10.0.0.1"[..]));
/// assert_eq!(store.try_get(b"port")?, None);
/// # std::fs::remove_dir_all(folder).ok();
/// # Ok::<(), pjrt::CallbackError>(())
/// ```
#[derive(Debug)]
pub struct DirectoryStore {
    folder: PathBuf,
}

impl DirectoryStore {
    /// A store in a folder, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// PERMISSION_DENIED, RESOURCE_EXHAUSTED or another code with the words of the system, if the
    /// folder cannot be made or no file can be written in it.
    pub fn new(folder: impl AsRef<Path>) -> Result<DirectoryStore, CallbackError> {
        let folder = folder.as_ref();
        // The process may go to another folder later.
        let folder = std::path::absolute(folder)
            .map_err(|error| failure("find the folder", folder, &error))?;
        fs::create_dir_all(&folder).map_err(|error| failure("make the folder", &folder, &error))?;
        let store = DirectoryStore { folder };
        store.new_file()?;
        Ok(store)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, CallbackError> {
        let path = self.folder.join(file_name(key));
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            // A value that may still come, unless the folder is gone as well.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return match fs::metadata(&self.folder) {
                    Ok(_) => Ok(None),
                    Err(error) => Err(failure("look into the folder", &self.folder, &error)),
                };
            }
            Err(error) => return Err(failure("read", &path, &error)),
        };
        let problem = match record::read(&bytes) {
            Some((kept, value)) if kept == key => return Ok(Some(value.to_vec())),
            Some((kept, _)) => format!("has the key `{}`", shown(kept)),
            None => format!("is no whole value, with {} bytes", bytes.len()),
        };
        let (path, key) = (path.display(), shown(key));
        let problem = format!(
            "the file `{path}` for the key `{key}` {problem}; use a folder that nobody else writes to"
        );
        Err(CallbackError::new(ErrorCode::DATA_LOSS, problem))
    }

    /// An empty file under a name that nobody else has.
    fn new_file(&self) -> Result<NewFile, CallbackError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // Other machines may have a process of this number; the time tells most of them apart, and
        // a name that is taken all the same is refused.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |time| time.as_nanos());
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("new-{}-{now:x}-{count}", std::process::id());
            let path = self.folder.join(name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(NewFile { path, file }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failure("write", &path, &error)),
            }
        }
    }
}

impl KeyValueStore for DirectoryStore {
    /// # Errors
    ///
    /// UNAVAILABLE if the folder is gone, DATA_LOSS for a file that is no value, or what the system
    /// says.
    fn get(&self, key: &[u8], timeout: Duration) -> Result<Option<Vec<u8>>, CallbackError> {
        let mut waits = Waits::new(timeout);
        loop {
            if let Some(value) = self.read(key)? {
                return Ok(Some(value));
            }
            if !waits.pause() {
                return Ok(None);
            }
        }
    }

    /// # Errors
    ///
    /// As [`get`](KeyValueStore::get).
    fn try_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, CallbackError> {
        self.read(key)
    }

    /// # Errors
    ///
    /// ALREADY_EXISTS for a second value under one key that is not the first, RESOURCE_EXHAUSTED on
    /// a full disk, UNIMPLEMENTED on a file system without hard links, or what the system says.
    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), CallbackError> {
        if let Some(first) = self.read(key)? {
            return second(key, &first, value);
        }
        let path = self.folder.join(file_name(key));
        let mut new = self.new_file()?;
        let written = new.file.write_all(&record::written(key, value));
        written
            .and_then(|()| new.file.sync_all())
            .map_err(|error| failure("write", &new.path, &error))?;
        // A link never replaces what is there.
        match fs::hard_link(&new.path, &path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return match self.read(key)? {
                    Some(first) => second(key, &first, value),
                    None => Err(failure("read", &path, &error)),
                };
            }
            Err(error) => return Err(unlinked(&path, &error)),
        }
        drop(new);
        let entered = File::open(&self.folder).and_then(|folder| folder.sync_all());
        match entered {
            // Not every file system writes its folders on request.
            Err(error) if error.kind() != ErrorKind::InvalidInput => {
                Err(failure("write the folder", &self.folder, &error))
            }
            _ => Ok(()),
        }
    }
}

/// A file that is gone when this is, whatever happens between.
struct NewFile {
    path: PathBuf,
    file: File,
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Where it cannot be removed, it is a file that nobody reads.
        let _ = fs::remove_file(&self.path);
    }
}

/// Why a file could not be linked to its place.
fn unlinked(path: &Path, error: &io::Error) -> CallbackError {
    // Linux says EPERM for a file system without links.
    if matches!(
        error.kind(),
        ErrorKind::Unsupported | ErrorKind::PermissionDenied
    ) {
        let problem = format!(
            "cannot link a file to `{}`: {error}; the store needs a file system with hard links",
            path.display()
        );
        return CallbackError::new(ErrorCode::UNIMPLEMENTED, problem);
    }
    failure("link a file to", path, error)
}

fn failure(what: &str, path: &Path, error: &io::Error) -> CallbackError {
    let code = match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => ErrorCode::PERMISSION_DENIED,
        ErrorKind::StorageFull
        | ErrorKind::QuotaExceeded
        | ErrorKind::FileTooLarge
        | ErrorKind::OutOfMemory => ErrorCode::RESOURCE_EXHAUSTED,
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists | ErrorKind::IsADirectory => {
            ErrorCode::FAILED_PRECONDITION
        }
        _ => ErrorCode::UNAVAILABLE,
    };
    let problem = format!(
        "the store in a folder cannot {what} `{}`: {error}",
        path.display()
    );
    CallbackError::new(code, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_have_codes_of_their_own() {
        let code = |number| {
            let error = io::Error::from_raw_os_error(number);
            failure("write", Path::new("file"), &error).code()
        };
        // ENOSPC, EDQUOT, EFBIG; EACCES, EROFS; ENOTDIR; ENOENT, EIO, ESTALE.
        for number in [28, 122, 27] {
            assert_eq!(code(number), ErrorCode::RESOURCE_EXHAUSTED, "{number}");
        }
        for number in [13, 30] {
            assert_eq!(code(number), ErrorCode::PERMISSION_DENIED, "{number}");
        }
        assert_eq!(code(20), ErrorCode::FAILED_PRECONDITION);
        for number in [2, 5, 116] {
            assert_eq!(code(number), ErrorCode::UNAVAILABLE, "{number}");
        }
        // EPERM, EOPNOTSUPP.
        for number in [1, 95] {
            let error = io::Error::from_raw_os_error(number);
            let error = unlinked(Path::new("file"), &error);
            assert_eq!(error.code(), ErrorCode::UNIMPLEMENTED, "{number}");
        }
    }
}
