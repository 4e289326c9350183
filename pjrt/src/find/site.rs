//! Plugins in installed Python packages, found by looking at the file system.
//!
//! Packages installed in place (through a `.pth` file) are not seen.

use std::path::{Path, PathBuf};

use super::cache::names_in;
use super::names::{fit, library_stem, stem_of_folder};
use super::{Answer, FindError, Found, Miss, Place, Surroundings, Trail};

/// Looks through every site directory in turn.
pub(super) fn look(
    surroundings: &Surroundings,
    trail: &mut Trail<'_>,
) -> Option<Result<Found, FindError>> {
    let name = trail.name.to_owned();
    for (label, directories) in surroundings.site_directories() {
        let place = Place::SitePackages(label);
        let over = match directories {
            None => trail.ask(place, || Answer::No(None, Miss::Unset)),
            Some(directories) if directories.is_empty() => {
                trail.ask(place, || Answer::No(None, Miss::NoPlugin))
            }
            Some(directories) => directories.into_iter().find_map(|directory| {
                trail.ask(place.clone(), || match plugin_in(&directory, &name) {
                    Some(library) => Answer::Here(library),
                    None => Answer::No(Some(directory), Miss::NoPlugin),
                })
            }),
        };
        if over.is_some() {
            return over;
        }
    }
    None
}

/// The library of the plugin `name` in one site directory.
fn plugin_in(site: &Path, name: &str) -> Option<PathBuf> {
    if name.eq_ignore_ascii_case("tpu") {
        let library = site.join("libtpu").join("libtpu.so");
        if library.is_file() {
            return Some(library);
        }
    }
    let mut packages: Vec<(u64, PathBuf)> = Vec::new();
    for namespace in ["jax_plugins", "xla_plugins"] {
        let namespace = site.join(namespace);
        packages.extend(names_in(&namespace).into_iter().filter_map(|folder| {
            Some((fit(name, stem_of_folder(&folder))?, namespace.join(folder)))
        }));
    }
    packages.sort();
    packages
        .iter()
        .rev()
        .find_map(|(_, package)| library_in(package))
}

/// The plugin's library in its package: a name with `pjrt` or `plugin` in it before others.
fn library_in(package: &Path) -> Option<PathBuf> {
    let is_extension_module = |stem: &str| stem.contains(".cpython-") || stem.ends_with(".abi3");
    let mut libraries: Vec<(bool, String)> = names_in(package)
        .into_iter()
        .filter(|file| library_stem(file).is_some_and(|stem| !is_extension_module(stem)))
        .map(|file| (!(file.contains("pjrt") || file.contains("plugin")), file))
        .collect();
    libraries.sort();
    libraries
        .into_iter()
        .map(|(_, file)| package.join(file))
        .find(|path| path.is_file())
}
