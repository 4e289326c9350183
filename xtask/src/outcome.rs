//! What a command answers, and files that appear whole or not at all.

use std::io::Write as _;
use std::path::Path;
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
    let failed = |error: std::io::Error| {
        Diagnostic::new(
            "X001",
            path.display().to_string(),
            format!("cannot write the file: {error}"),
        )
    };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    readable(file.as_file()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
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
