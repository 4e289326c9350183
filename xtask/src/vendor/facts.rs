//! From a vendor's header to facts that stand beside upstream's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::model::Model;
use pjrt_codegen::schema::{self, Header, Schema, Source, sha256};
use pjrt_codegen::vendor;

use crate::clang::vendor::{Wanted, extract};
use crate::headers::set::MAIN;
use crate::headers::{HeaderFile, HeaderSet, from_package};
use crate::{libclang, paths};

/// The pinned package whose headers are used where none are given.
const PACKAGE: &str = "pypjrt";

/// Facts that were read.
#[derive(Clone, Debug)]
pub struct Facts {
    /// As the macro reads them.
    pub schema: Schema,
    /// The same as text.
    pub text: String,
    /// What the header says above the declaration of a name.
    pub comments: BTreeMap<String, String>,
}

impl Facts {
    /// The vendor's header.
    pub fn header(&self) -> Option<&Header> {
        self.schema.headers.first()
    }
}

/// Reads a header and holds it against upstream's.
///
/// # Errors
///
/// What is no extension, or collides with upstream.
pub fn read(upstream: &Model, wanted: &Wanted<'_>) -> Result<Facts, Diagnostics> {
    let shown = wanted.header.display().to_string();
    if !wanted.header.is_file() {
        return Err(Diagnostic::new("H003", shown, "no such file")
            .help("give the vendor's header with --header FILE")
            .into());
    }
    let set = headers(wanted.include)?;
    libclang::ensure(&paths::target())?;
    let mut found = extract(&set, wanted)?;
    if let Some(header) = found.schema.headers.first_mut() {
        give_back(upstream, header);
        header.digest = schema::digest(header);
    }
    let faults = vendor::collisions(&upstream.facts, &found.schema, &shown);
    faults.into_result(())?;
    let text = schema::to_text(&found.schema);
    // What is written must be what is read.
    vendor::facts(&(shown, text.clone()))?;
    Ok(Facts {
        schema: found.schema,
        text,
        comments: found.comments,
    })
}

/// An object type of upstream's that the vendor's header only names is upstream's.
fn give_back(upstream: &Model, header: &mut Header) {
    let mut theirs = Vec::new();
    header.opaques.retain(|opaque| {
        let of = upstream.module_of(&opaque.name);
        theirs.extend(of.map(str::to_owned));
        of.is_none()
    });
    header.uses.extend(theirs);
    header.uses.sort();
    header.uses.dedup();
}

/// Upstream's headers: in one of the folders, or obtained.
fn headers(include: &[PathBuf]) -> Result<HeaderSet, Diagnostics> {
    if let Some(folder) = include.iter().find(|f| f.join(MAIN).is_file()) {
        return HeaderSet::open(folder);
    }
    let main = Path::new(MAIN).file_name().unwrap_or_default();
    if let Some(folder) = include.iter().find(|f| f.join(main).is_file()) {
        return flat(folder, &main.to_string_lossy());
    }
    if let Some(missing) = include.iter().find(|f| !f.is_dir()) {
        return Err(
            Diagnostic::new("H003", missing.display().to_string(), "no such folder")
                .help("correct --include DIR")
                .into(),
        );
    }
    HeaderSet::open(&from_package(PACKAGE, None, &paths::target())?.root)
}

/// A folder that has the main header and not the folders of upstream's tree.
fn flat(folder: &Path, main: &str) -> Result<HeaderSet, Diagnostics> {
    let path = folder.join(main);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let message = format!("cannot read the header: {error}");
        Diagnostic::new("H003", path.display().to_string(), message)
    })?;
    Ok(HeaderSet {
        root: folder.to_path_buf(),
        source: Source {
            kind: "directory".to_owned(),
            ..Source::default()
        },
        files: vec![HeaderFile {
            path: main.to_owned(),
            module: "core".to_owned(),
            sha256: sha256(text.as_bytes()),
            text,
        }],
        left_out: Vec::new(),
    })
}
