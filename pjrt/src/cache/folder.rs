//! The folder of entries.

use crate::{Error, Result};
use std::fs::{self, File, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// How the name of an entry ends.
const ENTRY: &str = ".pjrtexe";
/// How the name of a file begins that is being written.
const PARTIAL: &str = ".partial-";
/// A file that nobody wrote to for so long is left over from a process that ended.
const ABANDONED: Duration = Duration::from_secs(3600);

/// The folder of entries.
pub(super) struct Folder {
    path: PathBuf,
    limit: u64,
}

impl Folder {
    pub(super) fn open(path: PathBuf, limit: u64, shared: bool) -> Result<Folder> {
        let refuse = |problem: String| Error::File {
            path: path.clone(),
            problem,
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = builder.create(&path);
        made.map_err(|error| refuse(format!("no folder for compiled programs: {error}")))?;
        let found = fs::metadata(&path).map_err(|error| refuse(error.to_string()))?;
        match others_write(&found) {
            Some(who) if !shared => Err(refuse(format!(
                "{who}, and the compiled programs in it run unchecked: take another folder, change its rights, or say that it is shared"
            ))),
            _ => Ok(Folder { path, limit }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn entry(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}{ENTRY}"))
    }

    /// The bytes of an entry, if there is one.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.entry(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path, &error)),
        }
    }

    /// Notes that an entry was used.
    pub(super) fn touch(&self, name: &str) {
        // An entry that cannot be touched is only removed earlier than others.
        let file = File::options().append(true).open(self.entry(name));
        let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
    }

    /// Removes an entry.
    pub(super) fn remove(&self, name: &str) {
        // What cannot be removed is refused again the next time.
        let _ = fs::remove_file(self.entry(name));
    }

    /// Writes an entry, and makes room for it.
    pub(super) fn write(&self, name: &str, parts: &[&[u8]]) -> Result<()> {
        let path = self.entry(name);
        let size: u64 = parts.iter().map(|part| part.len() as u64).sum();
        if size > self.limit {
            return Err(Error::File {
                problem: format!(
                    "the program has {size} bytes, and the cache holds {}: raise its limit",
                    self.limit
                ),
                path,
            });
        }
        replace(&path, parts).map_err(|error| at(&path, &error))?;
        self.make_room(&path);
        Ok(())
    }

    /// Removes the entries that were used longest ago, until the others are within the limit.
    fn make_room(&self, keep: &Path) {
        let Ok(files) = fs::read_dir(&self.path) else {
            return;
        };
        let mut entries: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for file in files.flatten() {
            // Other processes make room too: what vanishes meanwhile needs none.
            let (Ok(found), name) = (file.metadata(), file.file_name()) else {
                continue;
            };
            let used = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let name = name.as_encoded_bytes();
            if name.ends_with(ENTRY.as_bytes()) {
                entries.push((used, found.len(), file.path()));
            } else if name.starts_with(PARTIAL.as_bytes())
                && used.elapsed().is_ok_and(|age| age > ABANDONED)
            {
                let _ = fs::remove_file(file.path());
            }
        }
        let mut size: u64 = entries.iter().map(|(_, size, _)| size).sum();
        entries.sort();
        for (_, bytes, path) in entries.iter().filter(|(_, _, path)| path != keep) {
            if size <= self.limit {
                return;
            }
            if fs::remove_file(path).is_ok() || !path.exists() {
                size = size.saturating_sub(*bytes);
            }
        }
    }
}

fn at(path: &Path, error: &io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        problem: error.to_string(),
    }
}

/// Writes a file that appears whole or not at all; one that is there is replaced.
pub(super) fn replace(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    // Processes on several machines may have the same number.
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let process = std::process::id();
    let partial = path.with_file_name(format!("{PARTIAL}{process}-{number}-{}", since.as_nanos()));
    let result = write_new(&partial, parts).and_then(|()| fs::rename(&partial, path));
    if result.is_err() {
        // If it cannot be removed now, it is when it was abandoned for long enough.
        let _ = fs::remove_file(&partial);
    }
    result
}

fn write_new(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    Ok(())
}

/// Who else may write to a folder.
#[cfg(unix)]
fn others_write(found: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    // SAFETY: the function of POSIX takes nothing, reads a number of the process and cannot fail; it
    // is declared as the C library has it.
    unsafe extern "C" {
        safe fn geteuid() -> u32;
    }
    let (owner, me) = (found.uid(), geteuid());
    if owner != me && owner != 0 {
        return Some(format!("it belongs to user {owner}, not to {me}"));
    }
    let mode = found.mode() & 0o777;
    (mode & 0o022 != 0).then(|| format!("others may write to it (mode {mode:o})"))
}

/// Who else may write to a folder: not known here.
#[cfg(not(unix))]
fn others_write(_: &Metadata) -> Option<String> {
    None
}
