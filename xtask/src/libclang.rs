//! Finding libclang.

use std::path::{Path, PathBuf};

use pjrt_codegen::diag::{Diagnostic, Diagnostics};

/// Loads libclang for this thread.
pub fn ensure(_target: &Path) -> Result<PathBuf, Diagnostics> {
    clang_sys::load().map_err(|error| Diagnostic::new("H006", "libclang", error))?;
    Ok(PathBuf::new())
}
