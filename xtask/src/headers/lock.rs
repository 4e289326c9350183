//! The packages that hold headers or libclang, pinned by the SHA-256 of their file.

use pjrt_codegen::diag::Diagnostic;
use serde_json::Value;

const FILE: &str = "xtask/packages.lock.json";
const TEXT: &str = include_str!("../../packages.lock.json");

/// A pinned package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Name for pip.
    pub package: String,
    /// Version.
    pub version: String,
    /// Name of the archive: `.tar.gz` or `.whl`.
    pub file: String,
    /// SHA-256 of the archive, in hex.
    pub sha256: String,
    /// Version of Python to ask for, so that the archive is the same on every machine.
    pub python: Option<String>,
    /// Platform to ask for.
    pub platform: Option<String>,
    /// Machine that the archive is for, where it matters: `linux-x86_64`.
    pub host: Option<String>,
    /// Folders within the archive, and what replaces them in the paths that are unpacked.
    pub members: Vec<(String, String)>,
}

/// The packages with headers.
pub fn headers() -> Result<Vec<Package>, Diagnostic> {
    read("headers")
}

/// The packages with libclang.
pub fn libclang() -> Result<Vec<Package>, Diagnostic> {
    read("libclang")
}

fn read(list: &str) -> Result<Vec<Package>, Diagnostic> {
    let wrong = |message: String| Diagnostic::new("H010", FILE, message);
    let value: Value =
        serde_json::from_str(TEXT).map_err(|error| wrong(format!("no valid JSON: {error}")))?;
    let items = value
        .get(list)
        .and_then(Value::as_array)
        .ok_or_else(|| wrong(format!("expected an array at `{list}`")))?;
    items
        .iter()
        .map(|item| package(item).ok_or_else(|| wrong(format!("`{list}`: not understood: {item}"))))
        .collect()
}

fn package(item: &Value) -> Option<Package> {
    let maybe = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_string);
    let members = item.get("members")?.as_array()?.iter();
    let members = members.map(|pair| match pair.as_array()?.as_slice() {
        [from, to] => Some((from.as_str()?.to_string(), to.as_str()?.to_string())),
        _ => None,
    });
    Some(Package {
        package: maybe("package")?,
        version: maybe("version")?,
        file: maybe("file")?,
        sha256: maybe("sha256")?,
        python: maybe("python"),
        platform: maybe("platform"),
        host: maybe("host"),
        members: members.collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_understood() {
        let names: Vec<_> = headers()
            .expect("headers")
            .into_iter()
            .map(|p| p.package)
            .collect();
        assert_eq!(names, ["pypjrt", "xla-cpu-pjrt", "tensorflow-cpu"]);
        assert!(
            libclang()
                .expect("libclang")
                .iter()
                .all(|p| p.host.is_some())
        );
    }
}
