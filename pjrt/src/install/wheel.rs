//! Checking a package's file and taking the files from it that a plugin needs.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use zip::ZipArchive;
use zip::result::ZipError;

use super::error::{InstallError, at};
use super::{Wheel, glob};
use crate::find::is_plain_relative;

const BLOCK: usize = 1 << 20;

/// Compares the file's sha256 with the pinned one.
pub(super) fn verify(path: &Path, wheel: &Wheel) -> Result<(), InstallError> {
    let mut file = at("open", path, File::open(path))?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK];
    loop {
        let count = at("read", path, file.read(&mut block))?;
        match block.get(..count) {
            Some(read) if !read.is_empty() => hasher.update(read),
            _ => break,
        }
    }
    let got: String = hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if got == wheel.sha256 {
        Ok(())
    } else {
        let (file, expected) = (wheel.file.clone(), wheel.sha256.clone());
        Err(InstallError::Hash {
            file,
            expected,
            got,
        })
    }
}

/// Unpacks the members to keep below `folder` and gives their sizes and relative paths.
///
/// A member anywhere in the package whose name would leave the folder is an error, also one that
/// would not be kept: such a package is not to be trusted.
pub(super) fn unpack(
    path: &Path,
    wheel: &Wheel,
    folder: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<Vec<(u64, String)>, InstallError> {
    let file = at("open", path, File::open(path))?;
    let mut archive = ZipArchive::new(BufReader::with_capacity(BLOCK, file))
        .map_err(|error| zip_error(wheel, path, error))?;
    let kept = members_to_keep(&mut archive, wheel, path)?;
    let total = kept.iter().map(|(_, size, _)| size).sum();
    let mut done = 0;
    progress(done, total);
    let mut files = Vec::with_capacity(kept.len());
    for (index, size, name) in kept {
        let mut member = archive
            .by_index(index)
            .map_err(|error| zip_error(wheel, path, error))?;
        let executable = member.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
        let target = folder.join(&name);
        if let Some(parent) = target.parent() {
            at("create", parent, fs::create_dir_all(parent))?;
        }
        let mut output = at("create", &target, create(&target, executable))?;
        let mut block = vec![0; BLOCK];
        let mut written = 0;
        loop {
            // What fails here is the package: its bytes are cut off or do not have their checksum.
            let count = member
                .read(&mut block)
                .map_err(|error| InstallError::Unpack {
                    file: wheel.file.clone(),
                    reason: format!("the member {name:?} cannot be read: {error}"),
                })?;
            let Some(read) = block.get(..count).filter(|read| !read.is_empty()) else {
                break;
            };
            at("write", &target, output.write_all(read))?;
            written += read.len() as u64;
            progress(done + written, total);
        }
        if written != size {
            return Err(InstallError::Unpack {
                file: wheel.file.clone(),
                reason: format!("the member {name:?}: expected {size} bytes, got {written}"),
            });
        }
        done += written;
        files.push((size, name));
    }
    Ok(files)
}

/// Index, size and name of every member to keep.
fn members_to_keep<R: Read + io::Seek>(
    archive: &mut ZipArchive<R>,
    wheel: &Wheel,
    path: &Path,
) -> Result<Vec<(usize, u64, String)>, InstallError> {
    let mut kept: Vec<(usize, u64, String)> = Vec::new();
    for index in 0..archive.len() {
        let member = archive
            .by_index_raw(index)
            .map_err(|error| zip_error(wheel, path, error))?;
        let name = match member.name() {
            Ok(name) => name.into_owned(),
            Err(error) => return Err(zip_error(wheel, path, error)),
        };
        if !is_plain_relative(name.strip_suffix('/').unwrap_or(&name)) {
            let (file, member) = (wheel.file.clone(), name);
            return Err(InstallError::UnsafeMember { file, member });
        }
        if member.is_dir()
            || !wheel
                .keep
                .iter()
                .any(|pattern| glob::matches(pattern, &name))
        {
            continue;
        }
        let odd = if member.is_symlink() {
            Some("is a symbolic link, a file was expected")
        } else if kept.iter().any(|(_, _, other)| *other == name) {
            Some("is there twice")
        } else {
            None
        };
        if let Some(odd) = odd {
            let reason = format!("the member {name:?} {odd}");
            return Err(InstallError::Unpack {
                file: wheel.file.clone(),
                reason,
            });
        }
        kept.push((index, member.size(), name));
    }
    for pattern in &wheel.keep {
        if !kept.iter().any(|(_, _, name)| glob::matches(pattern, name)) {
            let reason = format!("expected a member {pattern:?}, there is none");
            return Err(InstallError::Unpack {
                file: wheel.file.clone(),
                reason,
            });
        }
    }
    Ok(kept)
}

fn create(path: &Path, executable: bool) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if executable { 0o755 } else { 0o644 });
    }
    #[cfg(not(unix))]
    let _ = executable;
    options.open(path)
}

fn zip_error(wheel: &Wheel, path: &Path, error: ZipError) -> InstallError {
    match error {
        ZipError::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => InstallError::Io {
            action: "read",
            path: path.to_path_buf(),
            source,
        },
        other => InstallError::Unpack {
            file: wheel.file.clone(),
            reason: other.to_string(),
        },
    }
}
