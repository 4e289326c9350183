//! Where things lie in the workspace.

use std::path::{Path, PathBuf};

/// Root of the repository: of the one that cargo runs this in, for a target folder may be shared by
/// several, else of the one that this was compiled in.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let run = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let ours = |folder: &&Path| folder.join("schema/overlay").is_dir();
    let run = run.as_deref().and_then(|run| run.ancestors().find(ours));
    run.or(here.parent()).unwrap_or(here).to_path_buf()
}

/// Cargo's target folder, where everything that is obtained or built goes.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => root().join("target"),
    }
}

/// The checked-in facts: the newest of the files.
pub fn schema() -> PathBuf {
    let folder = root().join("schema");
    let newest = schema_in(&folder).unwrap_or_else(|| "pjrt-0.0.json".to_owned());
    folder.join(newest)
}

/// The name of the newest file of facts in a folder.
pub fn schema_in(folder: &Path) -> Option<String> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let version = |name: &str| -> Option<(u32, u32)> {
        let rest = name.strip_prefix("pjrt-")?.strip_suffix(".json")?;
        let (major, minor) = rest.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let found = names.filter_map(|name| Some((version(&name)?, name)));
    found.max().map(|(_, name)| name)
}

/// The folded history of the headers.
pub fn history() -> PathBuf {
    root().join("schema").join("history.json")
}
