//! Obtaining the C headers: the repository holds none of them.

use std::path::{Path, PathBuf};

use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::schema::Source;

pub mod git;
pub mod lock;
pub mod marks;
pub mod pip;
pub mod record;
pub mod set;
pub mod store;

pub use set::{HeaderFile, HeaderSet};

/// A set that was obtained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obtained {
    /// Its folder.
    pub root: PathBuf,
    /// Where it came from.
    pub source: Source,
    /// It was there already, complete and unchanged.
    pub kept: bool,
}

/// Obtains the headers in a pinned package.
pub fn from_package(
    name: &str,
    out: Option<&Path>,
    target: &Path,
) -> Result<Obtained, Diagnostics> {
    let packages = lock::headers()?;
    let Some(package) = packages.iter().find(|p| p.package == name) else {
        let known: Vec<_> = packages.iter().map(|p| p.package.as_str()).collect();
        let message = format!(
            "no pinned package of this name; there are {}",
            known.join(", ")
        );
        return Err(Diagnostic::new("H010", name, message).into());
    };
    let source = Source {
        kind: "package".to_string(),
        name: package.package.clone(),
        revision: package.version.clone(),
    };
    let set = format!("{}-{}", package.package, package.version);
    obtain(&set, source, out, target, || {
        let folder = temporary(name)?;
        let archive = pip::download(package, folder.path())?;
        pip::unpack(package, &archive, set::is_candidate)
    })
}

/// Obtains the headers of a revision of a git repository, local or not.
pub fn from_git(
    place: &str,
    revision: &str,
    name: Option<&str>,
    out: Option<&Path>,
    target: &Path,
) -> Result<Obtained, Diagnostics> {
    let repository = git::Repository::open(place, target)?;
    let commit = repository.resolve(revision)?;
    let name = name
        .map(str::to_string)
        .or_else(|| repository.origin())
        .or_else(|| git::owner_name(place))
        .unwrap_or_else(|| place.to_string());
    let short = commit.get(..12).unwrap_or(&commit);
    let set = format!("{}-{short}", name.replace('/', "-"));
    let source = Source {
        kind: "git".to_string(),
        name,
        revision: commit.clone(),
    };
    obtain(&set, source, out, target, || repository.members(&commit))
}

/// Obtains the headers of a folder, such as an XLA checkout with changes.
pub fn from_folder(
    folder: &Path,
    out: Option<&Path>,
    target: &Path,
) -> Result<Obtained, Diagnostics> {
    let found = HeaderSet::open(folder)?;
    let members: Vec<pip::Member> = found
        .files
        .into_iter()
        .map(|file| (file.path, file.text.into_bytes()))
        .collect();
    let name = folder
        .canonicalize()
        .ok()
        .and_then(|full| Some(full.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "folder".to_string());
    let root = place(&format!("from-{name}"), out, target);
    store::write(&root, &found.source, &members)?;
    Ok(Obtained {
        root,
        source: found.source,
        kept: false,
    })
}

fn place(set: &str, out: Option<&Path>, target: &Path) -> PathBuf {
    match out {
        Some(out) => out.to_path_buf(),
        None => store::folder(target).join(set),
    }
}

fn obtain(
    set: &str,
    source: Source,
    out: Option<&Path>,
    target: &Path,
    fetch: impl FnOnce() -> Result<Vec<pip::Member>, Diagnostic>,
) -> Result<Obtained, Diagnostics> {
    let root = place(set, out, target);
    let kept = store::is_complete(&root, &source);
    if !kept {
        if root.exists() && !root.join(record::FILE).is_file() {
            let message = "the folder is there and is no header set";
            return Err(Diagnostic::new("H014", root.display().to_string(), message)
                .help("choose another folder, or remove this one")
                .into());
        }
        store::write(&root, &source, &fetch()?)?;
    }
    Ok(Obtained { root, source, kept })
}

/// A folder that is removed at the end, for what is downloaded.
pub(crate) fn temporary(what: &str) -> Result<tempfile::TempDir, Diagnostic> {
    tempfile::tempdir().map_err(|error| {
        Diagnostic::new(
            "H014",
            what,
            format!("cannot make a temporary folder: {error}"),
        )
    })
}
