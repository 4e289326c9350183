//! Why a plugin was not found.

use std::fmt;
use std::path::PathBuf;

/// A place where plugins are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The path given by the caller.
    Given,
    /// An environment variable.
    Variable(&'static str),
    /// The cache directory that the feature `install` fills.
    Cache,
    /// A directory of installed Python packages: which one.
    SitePackages(&'static str),
}

/// Why a place did not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Miss {
    /// It is not set, or empty.
    Unset,
    /// There is no such file.
    NoSuchFile,
    /// It is a directory where a library was expected.
    Directory,
    /// It is for another plugin: the name or names that it is for.
    NotForThisName(String),
    /// It cannot be read as it should: the part that cannot.
    Malformed(String),
    /// It holds no plugin of that name.
    NoPlugin,
    /// The plugin is there, but not whole.
    Damaged,
    /// There is no home directory to look under.
    NoHome,
}

/// A place that was looked at, and why it did not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Looked {
    /// The place.
    pub place: Place,
    /// The file or directory there, where there is one to name.
    pub path: Option<PathBuf>,
    /// Why it did not serve.
    pub miss: Miss,
}

/// No plugin of that name was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FindError {
    /// The name that was asked for.
    pub name: String,
    /// Every place that was looked at, in order.
    pub looked: Vec<Looked>,
    /// The last place was set by a person to something that is not there, and the search ended
    /// with it.
    pub ended_early: bool,
}

impl FindError {
    pub(super) fn new(name: &str, looked: Vec<Looked>, ended_early: bool) -> Self {
        Self {
            name: name.to_owned(),
            looked,
            ended_early,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("the path given by the caller"),
            Self::Variable(name) => f.write_str(name),
            Self::Cache => f.write_str("installed plugins"),
            Self::SitePackages(of) => write!(f, "Python packages ({of})"),
        }
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => f.write_str("not set"),
            Self::NoSuchFile => f.write_str("no such file"),
            Self::Directory => f.write_str("a directory, a library was expected"),
            Self::NotForThisName(names) => write!(f, "not for this name, but for {names}"),
            Self::Malformed(part) => write!(f, "cannot read {part:?}"),
            Self::NoPlugin => f.write_str("no plugin of that name"),
            Self::Damaged => f.write_str("installed, but files are missing or have another size"),
            Self::NoHome => f.write_str("no home directory to look under"),
        }
    }
}

impl fmt::Display for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if let Some(path) = &self.path {
            write!(f, "{}: ", path.display())?;
        }
        write!(f, "{}", self.miss)
    }
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        writeln!(f, "no library of the plugin `{name}` was found; looked at")?;
        for looked in &self.looked {
            writeln!(f, "  {looked}")?;
        }
        match self.looked.last() {
            Some(last) if self.ended_early => write!(
                f,
                "next: correct {} or leave it unset; while it is set, no other place is tried",
                last.place
            ),
            _ => write!(
                f,
                "next: install it with `pjrt::install::Installer::new().install({name:?})` (feature \
                 `install`; in this workspace `cargo xtask plugin install {name}`), or set \
                 PJRT_PLUGIN_LIBRARY_PATH to the library"
            ),
        }
    }
}

impl std::error::Error for FindError {}
