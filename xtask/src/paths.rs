//! Where things lie in the workspace.

use std::path::{Path, PathBuf};

/// Root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's target folder, where everything that is obtained or built goes.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => root().join("target"),
    }
}

/// The checked-in facts.
pub fn schema() -> PathBuf {
    root().join("schema").join("pjrt-0.114.json")
}

/// The folded history of the headers.
pub fn history() -> PathBuf {
    root().join("schema").join("history.json")
}
