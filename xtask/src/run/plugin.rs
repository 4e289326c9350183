//! The plugin that a person names.

use std::path::{Path, PathBuf};

use pjrt::find::Search;
use pjrt::install::Installer;

use super::Problem;

/// The library of a plugin: the path that is given, or what a name finds. A known one that is not
/// there is installed.
///
/// # Errors
///
/// If there is none, and it cannot be installed.
pub fn library(given: &str) -> Result<PathBuf, Problem> {
    if is_path(given) {
        let path = PathBuf::from(given);
        if path.is_file() {
            return Ok(path);
        }
        let what = format!("--plugin {given}: there is no such file");
        return Err(Problem::new(what).next(
            "give the path of a plugin's library, or a name that `cargo xtask plugin list` shows",
        ));
    }
    let missing = match Search::new().find(given) {
        Ok(library) => return Ok(library),
        Err(missing) => missing,
    };
    let installer = Installer::new();
    let mut known = installer.known().iter().map(|plugin| plugin.name.as_str());
    // What a person has set in a variable is binding.
    if missing.ended_early || !known.any(|name| name == given) {
        return Err(Problem::new(missing.to_string()));
    }
    crate::plugin_cmd::installed(given).map_err(|error| Problem::new(error.to_string()))
}

/// Whether a path is meant: it is written as one, or there is such a file.
fn is_path(given: &str) -> bool {
    let extension = Path::new(given).extension().and_then(|e| e.to_str());
    given.contains(std::path::is_separator)
        || matches!(extension, Some("so" | "dylib" | "dll"))
        || Path::new(given).is_file()
}
