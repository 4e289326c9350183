//! The environment variables that name a plugin's library.

use std::path::{Path, PathBuf};

use super::cache::names_in;
use super::names::{fit, library_may_serve, library_stem, stem_of_library};
use super::{Answer, Miss, Place, Surroundings, file_at};

pub(super) const PLUGIN: Place = Place::Variable("PJRT_PLUGIN_LIBRARY_PATH");
pub(super) const NAMES: Place = Place::Variable("PJRT_NAMES_AND_LIBRARY_PATHS");
pub(super) const TPU: Place = Place::Variable("TPU_LIBRARY_PATH");

/// `PJRT_PLUGIN_LIBRARY_PATH`: some programs put one library there, others folders to search.
pub(super) fn plugin(surroundings: &Surroundings, name: &str) -> Answer {
    let Some(value) = surroundings.var("PJRT_PLUGIN_LIBRARY_PATH") else {
        return Answer::No(None, Miss::Unset);
    };
    let mut last = Answer::No(None, Miss::Unset);
    for entry in std::env::split_paths(value).filter(|entry| !entry.as_os_str().is_empty()) {
        if entry.is_dir() {
            match library_for(&entry, name) {
                Some(library) => return Answer::Here(library),
                None => last = Answer::No(Some(entry), Miss::NoPlugin),
            }
            continue;
        }
        let file_name = entry
            .file_name()
            .and_then(|file| file.to_str())
            .unwrap_or_default();
        match library_may_serve(name, file_name) {
            Ok(()) if entry.is_file() => return Answer::Here(entry),
            Ok(()) => return Answer::Broken(entry, Miss::NoSuchFile),
            Err(other) => {
                last = Answer::No(Some(entry), Miss::NotForThisName(format!("`{other}`")));
            }
        }
    }
    last
}

/// The library in `folder` whose name says that it is for `name`.
fn library_for(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut fitting: Vec<(u64, String)> = names_in(folder)
        .into_iter()
        .filter(|file| library_stem(file).is_some())
        .filter_map(|file| Some((fit(name, stem_of_library(&file)?)?, file)))
        .collect();
    fitting.sort();
    fitting
        .into_iter()
        .rev()
        .map(|(_, file)| folder.join(file))
        .find(|path| path.is_file())
}

/// `PJRT_NAMES_AND_LIBRARY_PATHS`: pairs between commas, name and path parted as in `PATH`.
pub(super) fn names(surroundings: &Surroundings, name: &str) -> Answer {
    let Some(value) = surroundings.var("PJRT_NAMES_AND_LIBRARY_PATHS") else {
        return Answer::No(None, Miss::Unset);
    };
    let Some(value) = value.to_str() else {
        let shown = value.to_string_lossy().into_owned();
        return Answer::No(None, Miss::Malformed(shown));
    };
    let between = if cfg!(windows) { ';' } else { ':' };
    let mut others = Vec::new();
    let mut malformed = None;
    for pair in value
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        match pair.split_once(between) {
            Some((of, path)) if of.eq_ignore_ascii_case(name) && !path.is_empty() => {
                return file_at(Path::new(path));
            }
            Some((of, path)) if !of.is_empty() && !path.is_empty() => {
                others.push(format!("`{of}`"));
            }
            _ => malformed = Some(pair.to_owned()),
        }
    }
    match malformed {
        Some(pair) => Answer::No(None, Miss::Malformed(pair)),
        None => Answer::No(None, Miss::NotForThisName(others.join(", "))),
    }
}

/// `TPU_LIBRARY_PATH`, which the package of the TPU plugin sets to its library.
pub(super) fn tpu(surroundings: &Surroundings, name: &str) -> Answer {
    let Some(value) = surroundings.var("TPU_LIBRARY_PATH") else {
        return Answer::No(None, Miss::Unset);
    };
    let path = PathBuf::from(value);
    if name.eq_ignore_ascii_case("tpu") {
        file_at(&path)
    } else {
        Answer::No(Some(path), Miss::NotForThisName("`tpu`".to_owned()))
    }
}
