//! Crates of vendors' extensions.

pub mod check;
#[cfg(feature = "clang")]
pub mod facts;
#[cfg(feature = "clang")]
pub mod new;
pub mod report;
#[cfg(feature = "clang")]
pub mod skeleton;
#[cfg(feature = "clang")]
pub mod update;

use std::path::Path;

use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::model::{Model, from_json};

/// What `pjrt` itself knows: its model.
///
/// # Errors
///
/// It cannot be read.
pub fn upstream() -> Result<Model, Diagnostics> {
    let path = crate::paths::root().join("pjrt").join("model.json");
    from_json(&read(&path)?)
}

/// The text of a file.
///
/// # Errors
///
/// It cannot be read.
pub fn read(path: &Path) -> Result<String, Diagnostics> {
    std::fs::read_to_string(path).map_err(|error| {
        Diagnostic::new(
            "V002",
            path.display().to_string(),
            format!("cannot read the file: {error}"),
        )
        .help("give a folder that `cargo xtask vendor new` made")
        .into()
    })
}

/// Names of the files of a module's crate: facts, judgements, older revisions.
pub fn names(module: &str) -> [String; 3] {
    ["json", "toml", "history.json"].map(|ending| format!("{module}.{ending}"))
}

/// The module of the crate in a folder: that of its only file of facts.
///
/// # Errors
///
/// There is none, or there are several.
pub fn module_in(folder: &Path) -> Result<String, Diagnostics> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let module = |name: String| {
        let stem = name.strip_suffix(".json").filter(|s| !s.contains('.'));
        let stem = stem.map(str::to_owned);
        stem.filter(|stem| folder.join(format!("{stem}.toml")).is_file())
    };
    let mut found: Vec<String> = names.filter_map(module).collect();
    found.sort();
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(fault(
            folder,
            "expected facts `NAME.json` beside judgements `NAME.toml`, found none".to_owned(),
            "make them with `cargo xtask vendor new --header FILE --out DIR`",
        )),
        some => Err(fault(
            folder,
            format!(
                "expected the facts of one extension, found {}",
                some.join(", ")
            ),
            "each extension has a crate of its own",
        )),
    }
}

/// An error about a folder.
pub fn fault(folder: &Path, message: String, help: &str) -> Diagnostics {
    Diagnostic::new("V003", folder.display().to_string(), message)
        .help(help)
        .into()
}
