//! What a profiler recorded: a file for viewers, and a summary.

use super::summary::Summary;
use crate::proto::DecodeError;
use crate::{Error, Result};
use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A recording: the bytes of a `tensorflow.profiler.XSpace` message, as
/// [`Session::collect`](super::Session::collect) and [`Profile::serialize`](super::Profile::serialize)
/// give them.
///
/// ```
/// use pjrt::profiler::XSpace;
///
/// // In place of what a session collected: one plane, `a`.
/// let space = XSpace::new(vec![0x0a, 3, 0x12, 1, b'a'])?;
/// assert_eq!(space.summary(10).planes[0].name, "a");
/// let folder = std::env::temp_dir().join(format!("pjrt-doc-{}", std::process::id()));
/// // Then: tensorboard --logdir FOLDER
/// let file = space.save(&folder, "first-run", "this-host")?;
/// assert!(file.ends_with("plugins/profile/first-run/this-host.xplane.pb"));
/// # std::fs::remove_dir_all(folder).ok();
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Clone)]
pub struct XSpace {
    bytes: Vec<u8>,
    /// Everything that was counted, the longest events first.
    summary: Summary,
}

impl XSpace {
    /// Reads a recording; no bytes are an empty one.
    ///
    /// # Errors
    ///
    /// `Decode` for bytes that are no such message.
    pub fn new(bytes: Vec<u8>) -> Result<XSpace> {
        let summary = Summary::of(&bytes).map_err(|problem| {
            Error::Decode(DecodeError::new("tensorflow.profiler.XSpace", problem))
        })?;
        Ok(XSpace { bytes, summary })
    }

    /// The message.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What was recorded, in numbers: planes, lines, and of each plane so many kinds of events that
    /// took the longest in all. It displays as a short text.
    pub fn summary(&self, top: usize) -> Summary {
        self.summary.shortened(top)
    }

    /// Writes the recording where the profile viewer of TensorBoard (and XProf) looks for it:
    /// `FOLDER/plugins/profile/RUN/HOST.xplane.pb`. Folders that are missing are made. The file is
    /// there whole or not at all; one that is there already is replaced. Gives its path.
    ///
    /// # Errors
    ///
    /// `File` for a run or host that is no name of one file, and for a file that cannot be written.
    pub fn save(&self, folder: &Path, run: &str, host: &str) -> Result<PathBuf> {
        let mut path = folder.join("plugins").join("profile");
        for name in [run, host] {
            let odd = |c: char| c == '/' || c == '\\' || c == ':' || c.is_control();
            if name.is_empty() || name == "." || name == ".." || name.contains(odd) {
                let problem = format!(
                    "`{}` cannot be the name of a file: give a run and a host without slashes and colons",
                    name.escape_debug()
                );
                return Err(Error::File { path, problem });
            }
        }
        path.push(run);
        let (target, part) = (
            path.join(format!("{host}.xplane.pb")),
            // Nobody else writes to a file of this name, and no viewer takes it for a recording.
            path.join(format!(
                ".{host}.{}.{}.part",
                std::process::id(),
                PARTS.fetch_add(1, Ordering::Relaxed)
            )),
        );
        let failed = |what: &str, path: &Path, error: std::io::Error| Error::File {
            path: path.to_owned(),
            problem: format!("{what}: {error}"),
        };
        fs::create_dir_all(&path)
            .map_err(|error| failed("the folder cannot be made", &path, error))?;
        let written = self.write(&part).and_then(|()| fs::rename(&part, &target));
        written.map_err(|error| {
            let _ = fs::remove_file(&part);
            failed("the recording cannot be written", &target, error)
        })?;
        Ok(target)
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut file = File::create_new(path)?;
        file.write_all(&self.bytes)?;
        file.sync_all()
    }
}

/// Tells the files apart that one process writes.
static PARTS: AtomicU32 = AtomicU32::new(0);

impl fmt::Debug for XSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XSpace")
            .field("bytes", &self.bytes.len())
            .field("planes", &self.summary.planes.len())
            .finish()
    }
}
