//! Fetching a pinned package with pip, and reading files out of its archive.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pjrt_codegen::diag::Diagnostic;
use pjrt_codegen::schema::sha256;

use super::lock::Package;

/// Path and content of a file.
pub type Member = (String, Vec<u8>);

/// Downloads the archive of a package into a folder and checks its hash.
pub fn download(package: &Package, folder: &Path) -> Result<PathBuf, Diagnostic> {
    let name = format!("{} {}", package.package, package.version);
    let failed = |message: String| Diagnostic::new("H011", &name, message);
    let output = run_python(&arguments(package, folder)).map_err(|tries| {
        failed(format!("cannot run Python: {tries}"))
            .help("install python3 with pip, or name one in PJRT_PYTHON")
    })?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<_> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let last = lines
            .get(lines.len().saturating_sub(6)..)
            .unwrap_or_default();
        return Err(failed(format!("pip failed:\n    {}", last.join("\n    ")))
            .help("check the network and that this Python has pip (`python3 -m ensurepip`)"));
    }
    let path = folder.join(&package.file);
    let bytes = std::fs::read(&path).map_err(|error| {
        failed(format!(
            "pip succeeded, but `{}` is not there: {error}",
            package.file
        ))
    })?;
    let found = sha256(&bytes);
    if found != package.sha256 {
        return Err(failed(format!(
            "the SHA-256 of `{}` differs: expected {}, got {found}",
            package.file, package.sha256
        ))
        .help("the archive is not the one that was reviewed: look at it before changing xtask/packages.lock.json"));
    }
    Ok(path)
}

fn arguments(package: &Package, folder: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = [
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
    ]
    .map(OsString::from)
    .to_vec();
    arguments.push(folder.into());
    if package.file.ends_with(".whl") {
        arguments.push("--only-binary=:all:".into());
    } else {
        arguments.push(format!("--no-binary={}", package.package).into());
    }
    if let Some(python) = &package.python {
        arguments.push(format!("--python-version={python}").into());
    }
    if let Some(platform) = &package.platform {
        arguments.push(format!("--platform={platform}").into());
    }
    arguments.push(format!("{}=={}", package.package, package.version).into());
    arguments
}

/// Output of the first Python that starts, or what each answered.
fn run_python(arguments: &[OsString]) -> Result<Output, String> {
    let candidates: Vec<OsString> = match std::env::var_os("PJRT_PYTHON") {
        Some(given) => vec![given],
        None => vec!["python3".into(), "python".into()],
    };
    let mut tries = Vec::new();
    for candidate in candidates {
        match Command::new(&candidate).args(arguments).output() {
            Ok(output) => return Ok(output),
            Err(error) => tries.push(format!("{}: {error}", candidate.to_string_lossy())),
        }
    }
    Err(tries.join("; "))
}

/// The files of an archive below the package's folders, with their new paths, as far as `keep`
/// wants them.
pub fn unpack(
    package: &Package,
    archive: &Path,
    keep: impl Fn(&str) -> bool,
) -> Result<Vec<Member>, Diagnostic> {
    let shown = archive.display().to_string();
    let failed = |error: String| {
        Diagnostic::new("H012", &shown, format!("cannot read the archive: {error}"))
    };
    let place = |path: &str| {
        let moved = package.members.iter().find_map(|(from, to)| {
            let at = path.find(from.as_str())?;
            // A wheel may put the folder below its own data folder.
            let rest = path.get(at + from.len()..)?;
            Some(format!("{to}{rest}"))
        })?;
        let plain = !moved.split('/').any(|part| part == "..") && !moved.starts_with('/');
        (plain && keep(&moved)).then_some(moved)
    };
    let file = std::fs::File::open(archive).map_err(|e| failed(e.to_string()))?;
    let mut members = Vec::new();
    if package.file.ends_with(".tar.gz") {
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(file));
        for entry in tar.entries().map_err(|e| failed(e.to_string()))? {
            let mut entry = entry.map_err(|e| failed(e.to_string()))?;
            let path = entry.path().map_err(|e| failed(e.to_string()))?;
            let path = path.to_string_lossy().into_owned();
            if let Some(path) = place(&path) {
                members.push((path, content(&mut entry).map_err(failed)?));
            }
        }
    } else {
        let mut zip = zip::ZipArchive::new(file).map_err(|e| failed(e.to_string()))?;
        for index in 0..zip.len() {
            let mut entry = zip.by_index(index).map_err(|e| failed(e.to_string()))?;
            let path = entry
                .name()
                .map_err(|e| failed(e.to_string()))?
                .into_owned();
            if let Some(path) = place(&path) {
                members.push((path, content(&mut entry).map_err(failed)?));
            }
        }
    }
    members.sort();
    Ok(members)
}

fn content(reader: &mut impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    Ok(bytes)
}
