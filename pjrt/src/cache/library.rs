//! What identifies a plugin's library: the sha256 of its file.
//!
//! Plugins of hundreds of megabytes carry no build id, and one name and version may stand for many
//! nightly builds, so that only the contents tell. They are read once; a folder remembers the sum
//! under the file's path, size, times and number. What changes a file changes one of these: the time
//! of its last change of state cannot be set by programs.

use super::folder::replace;
use super::format::{hex, sha256};
use crate::rt::{Api, Sorted};
use crate::{Error, Plugin, Result, sys};
use sha2::{Digest, Sha256};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

/// A file that changed less than this ago may change again within one tick of its clock.
const SETTLED: Duration = Duration::from_secs(2);

/// What a plugin's file was when it was loaded, and what identifies it.
#[derive(Default)]
struct Library {
    file: Option<(PathBuf, Stamp)>,
    fingerprint: OnceLock<std::result::Result<String, String>>,
}

/// What tells one state of a file from another.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    text: String,
    changed: SystemTime,
}

impl Stamp {
    pub(crate) fn of(path: &Path) -> io::Result<Stamp> {
        Self::from(&fs::metadata(path)?)
    }

    #[cfg(unix)]
    fn from(found: &Metadata) -> io::Result<Stamp> {
        use std::os::unix::fs::MetadataExt as _;
        let [size, device, number] = [found.size(), found.dev(), found.ino()];
        let (written, changed) = (
            (found.mtime(), found.mtime_nsec()),
            (found.ctime(), found.ctime_nsec()),
        );
        let since = Duration::from_secs(u64::try_from(changed.0.max(written.0)).unwrap_or(0));
        Ok(Stamp {
            text: format!("{size} {written:?} {changed:?} {device} {number}"),
            changed: SystemTime::UNIX_EPOCH
                .checked_add(since)
                .unwrap_or(SystemTime::UNIX_EPOCH),
        })
    }

    #[cfg(not(unix))]
    fn from(found: &Metadata) -> io::Result<Stamp> {
        let written = found.modified()?;
        let made = found.created().unwrap_or(written);
        let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH);
        Ok(Stamp {
            text: format!("{} {:?} {:?}", found.len(), since(written), since(made)),
            changed: written.max(made),
        })
    }

    fn is(&self, other: &Stamp) -> bool {
        self.text == other.text
    }

    /// Whether a later change would give another stamp.
    fn is_settled(&self) -> bool {
        let age = SystemTime::now().duration_since(self.changed);
        age.is_ok_and(|age| age >= SETTLED)
    }
}

fn library(table: *const sys::PJRT_Api, file: Option<(PathBuf, Stamp)>) -> &'static Library {
    static LIBRARIES: Mutex<Sorted<usize, &'static Library>> = Mutex::new(Sorted::new());
    let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = libraries.get(&(table as usize)) {
        return library;
    }
    let library: &'static Library = Box::leak(Box::new(Library {
        file,
        fingerprint: OnceLock::new(),
    }));
    libraries.insert(table as usize, library);
    library
}

/// Notes which file a table came from; the stamp is from before it was loaded. The first note counts,
/// for a library is loaded once.
pub(crate) fn note(table: *const sys::PJRT_Api, path: &Path, stamp: io::Result<Stamp>) {
    let file = stamp.ok().map(|stamp| (path.to_owned(), stamp));
    library(table, file);
}

/// What identifies the plugin's library; an error says why nothing does.
pub(super) fn fingerprint(
    api: &'static Api,
    memory: Option<&Path>,
) -> std::result::Result<&'static str, String> {
    let library = library(api.original().as_ptr(), None);
    let found = match &library.file {
        Some((path, stamp)) => library
            .fingerprint
            .get_or_init(|| of_file(path, stamp, memory)),
        None => library.fingerprint.get().ok_or_else(|| {
            "it was not loaded from a file: say with `Plugin::identify_as` what stands for it"
                .to_owned()
        })?,
    };
    found.as_deref().map_err(String::clone)
}

fn of_file(
    path: &Path,
    loaded: &Stamp,
    memory: Option<&Path>,
) -> std::result::Result<String, String> {
    let unreadable = |error: io::Error| format!("{}: {error}", path.display());
    let replaced = || {
        format!(
            "{} was replaced since it was loaded: start the program again",
            path.display()
        )
    };
    if !Stamp::of(path).map_err(unreadable)?.is(loaded) {
        return Err(replaced());
    }
    let note = memory.map(|folder| {
        let path = sha256(path.as_os_str().as_encoded_bytes());
        folder.join(format!("library-{path}"))
    });
    if let Some(known) = note.as_deref().and_then(|note| recall(note, loaded)) {
        return Ok(known);
    }
    let sum = format!("sha256:{}", hash(path).map_err(unreadable)?);
    if !Stamp::of(path).map_err(unreadable)?.is(loaded) {
        return Err(replaced());
    }
    if let Some(note) = note.filter(|_| loaded.is_settled()) {
        // Without a note the file is read again at the next start.
        let _ = replace(&note, &[format!("{}\n{sum}\n", loaded.text).as_bytes()]);
    }
    Ok(sum)
}

/// The sum that was noted for this state of the file.
fn recall(note: &Path, stamp: &Stamp) -> Option<String> {
    let text = fs::read_to_string(note).ok()?;
    let rest = text.strip_prefix(&stamp.text)?.strip_prefix('\n')?;
    let sum = rest.strip_suffix('\n')?;
    let digits = sum.strip_prefix("sha256:")?;
    let whole = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    whole.then(|| sum.to_owned())
}

fn hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut piece)?;
        match piece.get(..count) {
            Some([]) | None => return Ok(hex(&hasher.finalize())),
            Some(read) => hasher.update(read),
        }
    }
}

impl Plugin {
    /// Says what stands for the library file of a plugin that was not loaded from one
    /// ([`Plugin::from_api`]): for the compilation cache and for envelopes. The text must be another
    /// one for every build of the plugin.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a plugin that was loaded from a file, for an empty text, and if another
    /// text was given before.
    pub fn identify_as(&self, text: &str) -> Result<()> {
        let refuse = |problem: String| Error::InvalidArgument {
            function: "GetPjrtApi",
            argument: "text",
            problem,
        };
        if text.is_empty() {
            return Err(refuse(
                "it is empty, and would stand for every build".to_owned(),
            ));
        }
        let library = library(self.as_raw(), None);
        if let Some((path, _)) = &library.file {
            let path = path.display();
            return Err(refuse(format!(
                "the plugin is identified by its file {path}"
            )));
        }
        let text = format!("given:{text}");
        match library.fingerprint.get_or_init(|| Ok(text.clone())) {
            Ok(known) if *known == text => Ok(()),
            known => Err(refuse(format!(
                "the plugin was identified before: {known:?}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// A library in a folder, and what was noted beside it.
    fn library(name: &str) -> (Folder, PathBuf, impl Fn() -> Vec<PathBuf>) {
        let folder = std::env::temp_dir().join(format!("pjrt-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("plugin.so");
        fs::write(&path, "code").unwrap();
        let own = folder.clone();
        let notes = move || {
            let files = fs::read_dir(&own).unwrap().map(|file| file.unwrap().path());
            files.filter(|file| file.extension().is_none()).collect()
        };
        (Folder(folder), path, notes)
    }

    fn stamp(path: &Path, age: u64) -> Stamp {
        let mut stamp = Stamp::of(path).unwrap();
        stamp.changed = SystemTime::now() - Duration::from_secs(age);
        stamp
    }

    #[test]
    fn the_sum_of_a_settled_file_is_noted_and_read_back() {
        let (folder, path, notes) = library("noted");
        let loaded = stamp(&path, 10);
        let sum = of_file(&path, &loaded, Some(&folder.0)).unwrap();
        assert_eq!(sum, format!("sha256:{}", sha256(b"code")));
        let note = notes().remove(0);
        let other = format!("sha256:{}", sha256(b"other"));
        let text = fs::read_to_string(&note).unwrap();
        fs::write(&note, text.replace(&sum, &other)).unwrap();
        let again = || of_file(&path, &loaded, Some(&folder.0)).unwrap();
        assert_eq!(again(), other, "the file is not read again");
        for text in [
            text.replacen('4', "5", 1),
            text[..80].to_owned(),
            String::new(),
        ] {
            fs::write(&note, text).unwrap();
            assert_eq!(again(), sum, "a note of another state does not count");
        }
    }

    #[test]
    fn the_sum_of_a_file_that_just_changed_is_not_noted() {
        let (folder, path, notes) = library("fresh");
        of_file(&path, &stamp(&path, 0), Some(&folder.0)).unwrap();
        assert!(notes().is_empty());
    }

    #[test]
    fn a_file_that_was_replaced_identifies_nothing() {
        let (folder, path, _) = library("replaced");
        let loaded = stamp(&path, 10);
        let other = folder.0.join("other.so");
        fs::write(&other, "code").unwrap();
        fs::rename(&other, &path).unwrap();
        let why = of_file(&path, &loaded, None).unwrap_err();
        assert!(why.contains("replaced"), "{why}");
    }
}
