//! What a command answers, and files that appear whole or not at all.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pjrt_codegen::diag::{Diagnostic, Diagnostics};

/// `Ok(true)`: done. `Ok(false)`: a difference was found and printed. `Err`: errors to print.
pub type Outcome = Result<bool, Diagnostics>;

/// Prints errors; gives 0 for done, else 1. (2 is wrong usage, which clap answers.)
pub fn exit(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(errors) => {
            eprintln!("{errors}");
            ExitCode::FAILURE
        }
    }
}

/// Writes a file through a temporary one beside it.
pub fn write_atomically(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let file = staged(path, text.as_bytes())?;
    file.persist(path)
        .map_err(|error| failed(path, &error.error))?;
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> Diagnostic {
    let message = format!("cannot write the file: {error}");
    Diagnostic::new("X001", path.display().to_string(), message)
}

/// The contents in a temporary file beside the one that it becomes.
fn staged(path: &Path, contents: &[u8]) -> Result<tempfile::NamedTempFile, Diagnostic> {
    let failed = |error: std::io::Error| failed(path, &error);
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(contents).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    readable(file.as_file()).map_err(failed)?;
    Ok(file)
}

/// Writes files, contents by path below a folder, and removes those without: all or none. They
/// are first written beside the files that they become; if one of these cannot take its place, the
/// files before it get back what they held.
///
/// # Errors
///
/// A file that cannot be written or removed; then all are as before.
pub fn write_all<T: AsRef<[u8]>>(
    root: &Path,
    files: &BTreeMap<String, Option<T>>,
) -> Result<(), Diagnostic> {
    let mut ready = Vec::new();
    for (path, text) in files {
        let path = root.join(path);
        let before = match std::fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(&path, &error)),
        };
        let text = text
            .as_ref()
            .map(|text| staged(&path, text.as_ref()))
            .transpose()?;
        ready.push((path, before, text));
    }
    let mut done: Vec<(PathBuf, Option<Vec<u8>>)> = Vec::new();
    for (path, before, text) in ready {
        let result = match text {
            Some(file) => file.persist(&path).map(drop).map_err(|e| e.error),
            None if before.is_none() => Ok(()),
            None => std::fs::remove_file(&path),
        };
        if let Err(error) = result {
            for (path, before) in done.into_iter().rev() {
                // The first failure is what is reported.
                let _ = match before {
                    Some(bytes) => std::fs::write(&path, bytes),
                    None => std::fs::remove_file(&path),
                };
            }
            return Err(failed(&path, &error));
        }
        done.push((path, before));
    }
    Ok(())
}

/// Temporary files are private; what they become is not.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_all_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::write(root.join("a"), "old").unwrap();
        std::fs::write(root.join("b"), "old").unwrap();
        let file = |text: &str| Some(text.to_owned());
        let mut files = BTreeMap::from([
            ("a".to_owned(), file("new")),
            ("b".to_owned(), None),
            ("c/d".to_owned(), file("new")),
            // A folder stands where this file must go.
            ("z".to_owned(), file("new")),
        ]);
        std::fs::create_dir_all(root.join("z/full")).unwrap();
        write_all(root, &files).unwrap_err();
        let text = |name: &str| std::fs::read_to_string(root.join(name)).ok();
        let now = [text("a"), text("b"), text("c/d")];
        assert_eq!(now, [file("old"), file("old"), None]);
        files.remove("z");
        write_all(root, &files).unwrap();
        let now = [text("a"), text("b"), text("c/d")];
        assert_eq!(now, [file("new"), None, file("new")]);
        let names = std::fs::read_dir(root).unwrap().flatten();
        let mut names: Vec<_> = names.map(|e| e.file_name()).collect();
        names.sort();
        assert_eq!(names, ["a", "c", "z"]);
    }
}
