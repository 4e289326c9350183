//! From headers to facts. Only this folder knows libclang.

#![allow(non_upper_case_globals)]

mod comments;
mod enums;
mod extension;
mod functions;
mod header;
mod index;
mod kinds;
mod macros;
mod source;
mod standins;
mod structs;
mod types;
pub mod vendor;

use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::schema::{Enum, Header, Schema, digest};

use crate::headers::HeaderSet;
use index::Index;
use source::Sources;

/// Reads all headers of a set, or only those of the modules named. libclang must be loaded.
pub fn extract(set: &HeaderSet, only: &[String]) -> Result<Schema, Diagnostics> {
    let shown = set.root.display().to_string();
    let session = Session::new(&shown)?;
    let args = session.args(set);

    let sources = Sources::new(set);
    let mut problems = Diagnostics::new();
    let mut headers: Vec<Header> = Vec::new();
    for file in &set.files {
        // The main header is always read: it has the version and the extension types.
        let wanted = only.is_empty() || only.contains(&file.module);
        if !wanted && file.module != "core" {
            continue;
        }
        match header::read(set, file, &sources, &session.index, &args) {
            Ok(header) => headers.push(header),
            Err(error) => problems.extend(error),
        }
    }
    let types = headers
        .first()
        .and_then(|core| extension_types(core))
        .cloned();
    for header in &mut headers {
        match extension::find(header, types.as_ref()) {
            Ok(extension) => header.extension = extension,
            Err(message) => problems.push(Diagnostic::new("H004", &header.path, message)),
        }
        header.digest = digest(header);
    }
    let version = |name: &str| {
        let core = headers.first().filter(|header| header.module == "core")?;
        let found = core.macros.iter().find(|m| m.name == name)?;
        found.value.parse().ok()
    };
    let (Some(major), Some(minor)) = (version("PJRT_API_MAJOR"), version("PJRT_API_MINOR")) else {
        problems.push(
            Diagnostic::new("H007", shown, "the main header states no version")
                .help("is it the header of PJRT? PJRT_API_MAJOR and PJRT_API_MINOR are expected"),
        );
        return problems.into_result(Schema::default());
    };
    for name in only {
        if !headers.iter().any(|header| header.module == *name) {
            problems.push(Diagnostic::new(
                "H005",
                &shown,
                format!("the set has no header of the module `{name}`"),
            ));
        }
    }
    headers.retain(|header| declares(header) && (only.is_empty() || only.contains(&header.module)));
    problems.into_result(Schema {
        major,
        minor,
        headers,
    })
}

/// What one header of several gave: its path, and its facts or what is wrong with it.
pub type Each = (String, Result<Header, Diagnostics>);

/// Reads each of these files of a set by itself, whatever becomes of the others, with the extension
/// types of a main header that was read before. A header that declares nothing is left out.
/// libclang must be loaded.
pub fn extract_each(
    set: &HeaderSet,
    paths: &[String],
    types: Option<&Enum>,
) -> Result<Vec<Each>, Diagnostics> {
    let session = Session::new(&set.root.display().to_string())?;
    let args = session.args(set);
    let sources = Sources::new(set);
    let mut found = Vec::new();
    for file in set.files.iter().filter(|f| paths.contains(&f.path)) {
        let read = header::read(set, file, &sources, &session.index, &args);
        let header = read.and_then(|mut header| {
            header.extension = extension::find(&header, types)
                .map_err(|message| Diagnostic::new("H004", &header.path, message))?;
            header.digest = digest(&header);
            Ok(header)
        });
        if header.as_ref().is_ok_and(|header| !declares(header)) {
            continue;
        }
        found.push((file.path.clone(), header));
    }
    Ok(found)
}

/// libclang and the stand-ins, ready to parse.
struct Session {
    index: Index,
    standins: tempfile::TempDir,
}

impl Session {
    fn new(shown: &str) -> Result<Self, Diagnostics> {
        let Some(index) = Index::new() else {
            return Err(Diagnostic::new("H006", shown, "libclang is not loaded").into());
        };
        let failed = |error: std::io::Error| {
            let message = format!("cannot write the stand-ins: {error}");
            Diagnostic::new("H003", shown, message)
        };
        let standins = tempfile::tempdir().map_err(failed)?;
        standins::write(standins.path()).map_err(failed)?;
        Ok(Self { index, standins })
    }

    fn args(&self, set: &HeaderSet) -> Vec<String> {
        [
            "-x",
            "c++",
            "-std=c++17",
            "-nostdinc",
            "-nostdinc++",
            "--target=x86_64-unknown-linux-gnu",
            "-w",
            "-I",
            &self.standins.path().to_string_lossy(),
            "-I",
            &set.root.to_string_lossy(),
        ]
        .map(str::to_string)
        .to_vec()
    }
}

/// Whether a header declares part of the interface at all; some hold only C++ helpers.
fn declares(header: &Header) -> bool {
    let h = header;
    !(h.structs.is_empty() && h.enums.is_empty() && h.opaques.is_empty() && h.functions.is_empty())
}

/// The enumeration of extension types of a main header.
pub fn extension_types(core: &Header) -> Option<&Enum> {
    ["PJRT_Extension_Type", "PJRT_Structure_Type"]
        .iter()
        .find_map(|name| core.enums.iter().find(|e| e.name == *name))
}
