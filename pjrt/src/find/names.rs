//! Names of plugins, and what a folder's or a library's name says about them.

use std::path::{Component, Path};

/// Whether `name` can be one folder's name under the cache directory.
pub(crate) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Whether `path` stays below the folder it is joined to, on every system.
pub(crate) fn is_plain_relative(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(|c: char| matches!(c, '\\' | ':') || c.is_control())
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
}

/// How well a folder or library of stem `stem` serves the plugin `name`; more is better.
pub(super) fn fit(name: &str, stem: &str) -> Option<u64> {
    if stem.eq_ignore_ascii_case(name) {
        return Some(u64::MAX);
    }
    let family = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = stem.get(family.len()..).unwrap_or_default();
    (family.eq_ignore_ascii_case(name) && !number.is_empty()).then(|| number.parse().unwrap_or(0))
}

/// The part of a package's folder name that names the plugin: `cuda13` of `xla_cuda13`, `cpu` of
/// `xla_cpu_pjrt`.
pub(super) fn stem_of_folder(folder: &str) -> &str {
    let mut stem = folder;
    loop {
        let mut rest = stem;
        for prefix in ["xla_", "pjrt_", "jax_", "plugin_", "c_api_"] {
            rest = rest.strip_prefix(prefix).unwrap_or(rest);
        }
        for suffix in ["_pjrt", "_plugin", "_plugins"] {
            rest = rest.strip_suffix(suffix).unwrap_or(rest);
        }
        if rest == stem {
            return stem;
        }
        stem = rest;
    }
}

/// The part of a library's file name that names the plugin: `tpu` of `libtpu.so`, `cpu` of
/// `pjrt_c_api_cpu_plugin.so` and of `pjrt_c_api_cpu_v0.83.1_plugin.so`.
pub(super) fn stem_of_library(file_name: &str) -> Option<&str> {
    let stem = library_stem(file_name)?;
    let stem = stem_of_folder(stem.strip_prefix("lib").unwrap_or(stem));
    let version = stem.find("_v").filter(|at| {
        stem.get(at + 2..)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    Some(version.and_then(|at| stem.get(..at)).unwrap_or(stem))
}

/// The file name less the ending of a shared library; `None` for other files.
pub(super) fn library_stem(file_name: &str) -> Option<&str> {
    [".so", ".dylib", ".dll"]
        .iter()
        .find_map(|ending| file_name.strip_suffix(ending))
}

/// Whether a library that a person names without saying for which plugin may serve `name`: not
/// where its own name says that it is for another one.
pub(super) fn library_may_serve(name: &str, file_name: &str) -> Result<(), String> {
    const KNOWN: [&str; 6] = ["cpu", "gpu", "cuda", "rocm", "tpu", "metal"];
    let Some(stem) = stem_of_library(file_name) else {
        return Ok(());
    };
    let digits = |c: char| c.is_ascii_digit();
    let family = stem.trim_end_matches(digits);
    let wanted = name.split('-').next().unwrap_or(name);
    let wanted_family = wanted.trim_end_matches(digits);
    let gpu = |family: &str| matches!(family, "gpu" | "cuda" | "rocm");
    if !KNOWN.contains(&family)
        || fit(name, stem).is_some()
        || stem == wanted
        || (stem == family && stem == wanted_family)
        || (gpu(family) && gpu(wanted_family) && (family == "gpu" || wanted_family == "gpu"))
    {
        return Ok(());
    }
    Err(stem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_of_folders_and_libraries() {
        for (folder, stem) in [
            ("xla_cuda13", "cuda13"),
            ("xla_cpu_pjrt", "cpu"),
            ("metal_plugin", "metal"),
            ("xpu", "xpu"),
        ] {
            assert_eq!(stem_of_folder(folder), stem);
        }
        for (library, stem) in [
            ("libtpu.so", "tpu"),
            ("xla_cuda_plugin.so", "cuda"),
            ("pjrt_c_api_cpu_plugin.so", "cpu"),
            ("pjrt_c_api_cpu_v0.83.1_plugin.so", "cpu"),
            ("pjrt_plugin_tt.dylib", "tt"),
        ] {
            assert_eq!(stem_of_library(library), Some(stem));
        }
        assert_eq!(stem_of_library("README.md"), None);
    }

    #[test]
    fn a_name_without_number_fits_every_number() {
        assert_eq!(fit("cuda13", "cuda13"), Some(u64::MAX));
        assert!(fit("cuda", "cuda13") > fit("cuda", "cuda12"));
        assert_eq!(fit("cuda12", "cuda13"), None);
        assert_eq!(fit("cpu", "tpu"), None);
    }

    #[test]
    fn a_library_that_names_another_plugin_does_not_serve() {
        assert_eq!(library_may_serve("cpu", "libtpu.so"), Err("tpu".to_owned()));
        assert_eq!(
            library_may_serve("cuda12", "xla_cuda13.so"),
            Err("cuda13".to_owned())
        );
        for (name, library) in [
            ("tpu", "libtpu.so"),
            ("cuda13", "xla_cuda_plugin.so"),
            ("cuda12-0.9.0", "xla_cuda_plugin.so"),
            ("cuda", "pjrt_c_api_gpu_plugin.so"),
            ("cpu", "libsomething.so"),
            ("cpu", "odd-name"),
        ] {
            assert_eq!(library_may_serve(name, library), Ok(()), "{name} {library}");
        }
    }

    #[test]
    fn plain_names_and_paths() {
        assert!(is_plain_name("cuda12-0.4.30"));
        for name in ["", ".", "..", "a/b", "a\\b", ".hidden", "a b"] {
            assert!(!is_plain_name(name), "{name}");
        }
        assert!(is_plain_relative("a/b.so"));
        for path in [
            "", "/a", "a/../b", "../a", "a//b", "./a", "a/", "c:/a", "a\\..\\b", "a\nb",
        ] {
            assert!(!is_plain_relative(path), "{path}");
        }
    }
}
