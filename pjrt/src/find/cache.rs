//! Plugins that the feature `install` has put under the cache directory.
//!
//! Layout: `plugins/NAME/VERSION/`, with the files as in the Python packages and the list of them.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::names::{fit, is_plain_name};
use super::{Answer, Miss};

/// The folder of all installed plugins under a cache directory.
pub(crate) fn plugins_dir(cache_dir: &Path) -> PathBuf {
    cache_dir.join("plugins")
}

/// Looks for the plugin `name`; of several versions the highest whole one.
pub(super) fn look(cache_dir: Option<PathBuf>, name: &str) -> Answer {
    let Some(cache_dir) = cache_dir else {
        return Answer::No(None, Miss::NoHome);
    };
    let plugins = plugins_dir(&cache_dir);
    let mut folders: Vec<(u64, String)> = names_in(&plugins)
        .into_iter()
        .filter(|folder| is_plain_name(folder))
        .filter_map(|folder| Some((fit(name, &folder)?, folder)))
        .collect();
    folders.sort();
    let mut damaged = false;
    for (_, folder) in folders.iter().rev() {
        let folder = plugins.join(folder);
        let mut versions = names_in(&folder);
        versions.retain(|version| is_plain_name(version));
        versions.sort_by(|a, b| compare_versions(b, a));
        for version in versions {
            let folder = folder.join(version);
            match Manifest::read(&folder) {
                Some(manifest) if manifest.is_whole(&folder) => {
                    return Answer::Here(manifest.library_in(&folder));
                }
                Some(_) => damaged = true,
                None => {}
            }
        }
    }
    Answer::No(
        Some(plugins),
        if damaged {
            Miss::Damaged
        } else {
            Miss::NoPlugin
        },
    )
}

/// The names in a folder that can be read as text; empty where it cannot be read.
pub(super) fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}

/// Compares `0.0.9` with `0.0.10` by their numbers, and what is no number as text.
pub(super) fn compare_versions(a: &str, b: &str) -> Ordering {
    let parts = |version: &str| -> Vec<(u64, String)> {
        version
            .split(['.', '-', '_', '+'])
            .map(|part| (part.parse().unwrap_or(0), part.to_owned()))
            .collect()
    };
    parts(a).cmp(&parts(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(compare_versions("0.0.9", "0.0.10"), Ordering::Less);
        assert_eq!(compare_versions("0.12.0.1", "0.12.0"), Ordering::Greater);
        assert_eq!(compare_versions("1.0", "1.0"), Ordering::Equal);
    }
}
