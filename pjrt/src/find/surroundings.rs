//! The variables and directories that a search depends on.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::cache::{compare_versions, names_in};
use crate::rt::Sorted;

/// Every variable that is looked at.
const VARIABLES: [&str; 17] = [
    "APPDATA",
    "CONDA_PREFIX",
    "HOME",
    "LOCALAPPDATA",
    "PATH",
    "PJRT_CACHE_DIR",
    "PJRT_NAMES_AND_LIBRARY_PATHS",
    "PJRT_PLUGIN_LIBRARY_PATH",
    "PJRT_PYTHON",
    "PYENV_ROOT",
    "PYTHONPATH",
    "PYTHONUSERBASE",
    "TPU_LIBRARY_PATH",
    "USERPROFILE",
    "VIRTUAL_ENV",
    "XDG_CACHE_HOME",
    "PYTHONNOUSERSITE",
];

/// The variables and directories that a search depends on: those of the process, or others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    vars: Sorted<OsString, OsString>,
    prefixes: Vec<PathBuf>,
}

/// Where the site directories of one kind are; `None` where the variable that names them is unset.
pub(super) type SiteDirectories = (&'static str, Option<Vec<PathBuf>>);

impl Surroundings {
    /// No variable, no directory.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Those of this process, as they are now.
    #[must_use]
    pub fn of_process() -> Self {
        let mut vars = Sorted::new();
        for name in VARIABLES {
            if let Some(value) = std::env::var_os(name) {
                vars.insert(OsString::from(name), value);
            }
        }
        let mut surroundings = Self {
            vars,
            prefixes: Vec::new(),
        };
        surroundings.prefixes = surroundings.system_prefixes();
        surroundings
    }

    /// The same with this variable set.
    #[must_use]
    pub fn with_var(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.vars.insert(name.into(), value.into());
        self
    }

    /// The same with one more directory under which a Python of the system keeps its packages
    /// (`lib/python3.*/site-packages`).
    #[must_use]
    pub fn with_python_prefix(mut self, prefix: impl Into<PathBuf>) -> Self {
        self.prefixes.push(prefix.into());
        self
    }

    /// A variable's value; an empty one counts as unset.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        self.vars
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    /// The directory for installed plugins: `PJRT_CACHE_DIR`, else `pjrt` in the user's cache
    /// directory (`XDG_CACHE_HOME` or `~/.cache`, `~/Library/Caches` on macOS, `LOCALAPPDATA` on
    /// Windows). `None` where there is no home directory either.
    #[must_use]
    pub fn cache_dir(&self) -> Option<PathBuf> {
        if let Some(given) = self.var("PJRT_CACHE_DIR") {
            return Some(PathBuf::from(given));
        }
        // The XDG rules say that a relative path there is to be ignored.
        let xdg = self
            .var("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        let base = if cfg!(windows) {
            self.var("LOCALAPPDATA").map(PathBuf::from)
        } else if cfg!(target_os = "macos") {
            xdg.or_else(|| Some(self.home()?.join("Library").join("Caches")))
        } else {
            xdg.or_else(|| Some(self.home()?.join(".cache")))
        };
        Some(base?.join("pjrt"))
    }

    fn home(&self) -> Option<PathBuf> {
        let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        self.var(name).map(PathBuf::from)
    }

    /// The site directories, in the order in which they are looked at.
    pub(super) fn site_directories(&self) -> Vec<SiteDirectories> {
        let of_variable = |name: &str| {
            self.var(name)
                .map(|prefix| site_directories_of(Path::new(prefix)))
        };
        let python_path = self.var("PYTHONPATH").map(|value| {
            std::env::split_paths(value)
                .filter(|path| !path.as_os_str().is_empty())
                .collect()
        });
        let mut system: Vec<PathBuf> = Vec::new();
        let mut seen: Vec<PathBuf> = Vec::new();
        for directory in self
            .prefixes
            .iter()
            .flat_map(|prefix| site_directories_of(prefix))
        {
            // `/lib` is often a link to `/usr/lib`.
            let real = directory
                .canonicalize()
                .unwrap_or_else(|_| directory.clone());
            if !seen.contains(&real) {
                seen.push(real);
                system.push(directory);
            }
        }
        vec![
            ("VIRTUAL_ENV", of_variable("VIRTUAL_ENV")),
            ("CONDA_PREFIX", of_variable("CONDA_PREFIX")),
            ("PYTHONPATH", python_path),
            ("of the user", self.user_site()),
            ("of the system", Some(system)),
        ]
    }

    /// The user's own site directories; `None` where there is no home directory.
    fn user_site(&self) -> Option<Vec<PathBuf>> {
        if self.var("PYTHONNOUSERSITE").is_some() {
            return Some(Vec::new());
        }
        if let Some(base) = self.var("PYTHONUSERBASE") {
            return Some(site_directories_of(Path::new(base)));
        }
        if cfg!(windows) {
            let base = Path::new(self.var("APPDATA")?).join("Python");
            return Some(pythons_in(&base, "Python3", &["site-packages"]));
        }
        let home = self.home()?;
        let mut found = site_directories_of(&home.join(".local"));
        if cfg!(target_os = "macos") {
            let base = home.join("Library").join("Python");
            for version in pythons_in(&base, "3", &["lib"]) {
                found.extend(pythons_in(&version, "python", &["site-packages"]));
            }
        }
        Some(found)
    }

    /// Where Pythons of the system keep their packages: the usual places, and beside each `bin` in
    /// `PATH` that holds a Python.
    fn system_prefixes(&self) -> Vec<PathBuf> {
        let mut prefixes: Vec<PathBuf> = Vec::new();
        let mut add = |prefix: PathBuf| {
            if !prefixes.contains(&prefix) {
                prefixes.push(prefix);
            }
        };
        let path = self.var("PATH").unwrap_or_default();
        for bin in std::env::split_paths(path) {
            let python = bin.join(if cfg!(windows) {
                "python.exe"
            } else {
                "python3"
            });
            if !python.is_file() {
                continue;
            }
            if cfg!(windows) {
                add(bin);
            } else if let Some(prefix) = bin.parent() {
                add(prefix.to_path_buf());
            }
        }
        if let Some(pyenv) = self.var("PYENV_ROOT") {
            let versions = Path::new(pyenv).join("versions");
            let mut names = names_in(&versions);
            names.sort_by(|a, b| compare_versions(b, a));
            for name in names {
                add(versions.join(name));
            }
        }
        if !cfg!(windows) {
            for usual in ["/usr/local", "/usr", "/opt/homebrew"] {
                add(PathBuf::from(usual));
            }
        }
        prefixes
    }
}

/// The site directories under one prefix, the newest Python first.
fn site_directories_of(prefix: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    let windows = prefix.join("Lib").join("site-packages");
    let on_windows = (cfg!(windows) && windows.is_dir()).then_some(windows);
    let kinds = ["site-packages", "dist-packages"];
    let all = ["lib", "lib64"]
        .iter()
        .flat_map(|lib| pythons_in(&prefix.join(lib), "python3", &kinds));
    for directory in all.chain(on_windows) {
        // `lib64` is often a link to `lib`.
        let Ok(real) = directory.canonicalize() else {
            continue;
        };
        if !seen.contains(&real) {
            seen.push(real);
            found.push(directory);
        }
    }
    found
}

/// Existing folders `base/START*/KIND`, the highest version first.
fn pythons_in(base: &Path, start: &str, kinds: &[&str]) -> Vec<PathBuf> {
    let mut pythons = names_in(base);
    pythons.retain(|name| name.starts_with(start));
    let version = |name: &str| -> String {
        name.trim_start_matches(|c: char| !c.is_ascii_digit())
            .to_owned()
    };
    pythons.sort_by(|a, b| compare_versions(&version(b), &version(a)));
    pythons
        .iter()
        .flat_map(|python| kinds.iter().map(move |kind| base.join(python).join(kind)))
        .filter(|directory| directory.is_dir())
        .collect()
}
