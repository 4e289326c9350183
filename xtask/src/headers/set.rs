//! A folder of headers: which of its files declare the C interface, and where they came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::schema::{Source, sha256};

use super::record;

/// Path of the main header in every set.
pub const MAIN: &str = "xla/pjrt/c/pjrt_c_api.h";

/// Path of the header of the foreign function interface.
const FFI: &str = "xla/ffi/api/c_api.h";

/// Path of the header of the table behind the profiler extension.
const PROFILER: &str = "xla/backends/profiler/plugin/profiler_c_api.h";

/// A header that declares part of the interface.
#[derive(Clone, Debug)]
pub struct HeaderFile {
    /// Path in the set, with `/`.
    pub path: String,
    /// Module name.
    pub module: String,
    /// Text of the file.
    pub text: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A folder of headers.
#[derive(Clone, Debug)]
pub struct HeaderSet {
    /// The folder.
    pub root: PathBuf,
    /// Where the files came from.
    pub source: Source,
    /// The main header first, then by module name.
    pub files: Vec<HeaderFile>,
    /// Paths that look like headers of the interface and hold C++ helpers.
    pub left_out: Vec<String>,
}

/// Whether a path, by its name alone, may be a header of the C interface. What includes C++ is
/// sorted out later, by its text.
pub fn is_candidate(path: &str) -> bool {
    if [MAIN, FFI, PROFILER].contains(&path) {
        return true;
    }
    let Some((folder, file)) = path.rsplit_once('/') else {
        return false;
    };
    let declares = file.ends_with("_extension.h") || file == "pjrt_c_api_device_event.h";
    let place = folder == "xla/pjrt/c" || folder.starts_with("xla/pjrt/extensions/");
    place && declares
}

/// Whether everything that a header includes is the C library, a header of the interface, or one
/// of XLA's that has a stand-in. A C++ helper includes more.
fn declares_abi(text: &str, candidates: &BTreeMap<String, String>) -> bool {
    text.lines().filter_map(included).all(|name| {
        candidates.contains_key(name)
            || STANDINS.contains(&name)
            || !(name.contains('/') || name.ends_with(".hpp") || CPLUSPLUS.contains(&name))
    })
}

/// C++ headers of XLA that the parser is given a stand-in for.
const STANDINS: [&str; 2] = ["xla/pjrt/pjrt_client.h", "xla/pjrt/pjrt_common.h"];
/// Headers of the C++ library; a header of the interface includes those of C alone.
const CPLUSPLUS: [&str; 5] = ["memory", "string", "vector", "functional", "optional"];

fn included(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("#include")?.trim();
    let rest = rest.strip_prefix(['<', '"'])?;
    rest.split(['>', '"']).next()
}

/// `xla/pjrt/c/pjrt_c_api_layouts_extension.h` is `layouts`.
pub fn module_name(path: &str) -> String {
    match path {
        MAIN => return "core".to_string(),
        FFI => return "ffi_api".to_string(),
        PROFILER => return "profiler_api".to_string(),
        _ => {}
    }
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.strip_suffix(".h").unwrap_or(file);
    let stem = stem.strip_prefix("pjrt_c_api_").unwrap_or(stem);
    stem.strip_suffix("_extension").unwrap_or(stem).to_string()
}

impl HeaderSet {
    /// Opens a folder that was obtained before, or any folder with XLA's layout.
    pub fn open(root: &Path) -> Result<Self, Diagnostics> {
        let shown = root.display().to_string();
        if !root.join(MAIN).is_file() {
            let message = if root.is_dir() {
                format!("no header set: `{MAIN}` is not in it")
            } else {
                "no header set: the folder does not exist".to_string()
            };
            return Err(Diagnostic::new("H007", shown, message)
                .help("give a folder with XLA's layout, such as one that `cargo xtask headers` wrote, or an XLA checkout")
                .into());
        }
        let mut problems = Diagnostics::new();
        let mut texts = BTreeMap::new();
        for path in find(root, &mut problems) {
            match std::fs::read_to_string(root.join(&path)) {
                Ok(text) => {
                    texts.insert(path, text);
                }
                Err(error) => problems.push(Diagnostic::new(
                    "H003",
                    root.join(&path).display().to_string(),
                    format!("cannot read the header: {error}"),
                )),
            }
        }
        let mut files: Vec<HeaderFile> = texts
            .iter()
            .filter(|(_, text)| declares_abi(text, &texts))
            .map(|(path, text)| HeaderFile {
                path: path.clone(),
                module: module_name(path),
                text: text.clone(),
                sha256: sha256(text.as_bytes()),
            })
            .collect();
        let left_out = texts
            .iter()
            .filter(|(_, text)| !declares_abi(text, &texts))
            .map(|(path, _)| path.clone())
            .collect();
        files.sort_by_key(|file| (file.path != MAIN, file.module.clone()));
        let mut source = Source {
            kind: "directory".to_string(),
            ..Source::default()
        };
        match record::load(root) {
            Ok(Some(record)) => {
                for file in &files {
                    if record.sha256(&file.path) != Some(&file.sha256) {
                        let shown = root.join(&file.path).display().to_string();
                        problems.push(
                            Diagnostic::new("H009", shown, "not the file that was obtained")
                                .help("obtain the set again with `cargo xtask headers`"),
                        );
                    }
                }
                source = record.source;
            }
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
        problems.into_result(Self {
            root: root.to_path_buf(),
            source,
            files,
            left_out,
        })
    }
}

/// Candidates below the folders that can hold any, in order.
fn find(root: &Path, problems: &mut Diagnostics) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec!["xla/pjrt/c".to_string(), "xla/pjrt/extensions".to_string()];
    for path in [FFI, PROFILER] {
        if root.join(path).is_file() {
            found.push(path.to_string());
        }
    }
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(root.join(&folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                problems.push(Diagnostic::new(
                    "H003",
                    root.join(&folder).display().to_string(),
                    format!("cannot read the folder: {error}"),
                ));
                continue;
            }
        };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = format!("{folder}/{name}");
            if entry.path().is_dir() {
                folders.push(path);
            } else if is_candidate(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
