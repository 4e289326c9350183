//! Writing a set: whole or not at all.

use std::path::{Path, PathBuf};

use pjrt_codegen::diag::Diagnostic;
use pjrt_codegen::schema::{Source, sha256};

use super::pip::Member;
use super::record;
use super::set::MAIN;

/// Where the sets lie.
pub fn folder(target: &Path) -> PathBuf {
    target.join("headers")
}

/// Whether a complete, unchanged set of this source is there already.
pub fn is_complete(root: &Path, source: &Source) -> bool {
    let Ok(Some(record)) = record::load(root) else {
        return false;
    };
    record.source == *source
        && !record.files.is_empty()
        && record.files.iter().all(|(path, wanted)| {
            std::fs::read(root.join(path)).is_ok_and(|bytes| sha256(&bytes) == *wanted)
        })
}

/// Writes the members as a set, through a temporary folder beside it. A set that is there is
/// replaced.
pub fn write(root: &Path, source: &Source, members: &[Member]) -> Result<(), Diagnostic> {
    let shown = root.display().to_string();
    let failed = |error: std::io::Error| {
        Diagnostic::new("H014", &shown, format!("cannot write the set: {error}"))
    };
    if !members.iter().any(|(path, _)| path == MAIN) {
        return Err(
            Diagnostic::new("H007", shown, format!("what was obtained has no `{MAIN}`"))
                .help("the main header is needed: choose another package, folder or revision"),
        );
    }
    let parent = match root.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).map_err(failed)?;
    let partial = tempfile::Builder::new()
        .prefix(".partial-")
        .tempdir_in(parent)
        .map_err(failed)?;
    let new = partial.path().join("new");
    let mut files = Vec::new();
    for (path, bytes) in members {
        let place = new.join(path);
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(&place, bytes).map_err(failed)?;
        files.push((path.clone(), sha256(bytes)));
    }
    let text = record::text(source, &files);
    std::fs::write(new.join(record::FILE), text).map_err(failed)?;
    if root.exists() {
        // The old set goes away with the temporary folder.
        std::fs::rename(root, partial.path().join("old")).map_err(failed)?;
    }
    std::fs::rename(&new, root).map_err(failed)
}
