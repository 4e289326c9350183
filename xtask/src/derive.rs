//! Derived files: what they must be, how the checked-in ones differ, and writing them.

#[cfg(feature = "clang")]
use pjrt_codegen::derived::Expansions;
use pjrt_codegen::derived::{self, File, Sources};
use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::history;
#[cfg(feature = "clang")]
use pjrt_codegen::model::Model;
use pjrt_codegen::model::{Versions, join};
use pjrt_codegen::overlay;
use pjrt_codegen::protos::{self, Choice, Protos};
use pjrt_codegen::schema::{self, Schema};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Folders in which every file is derived, but for these files.
const OWNED: &[(&str, &[&str])] = &[
    (derived::MIRRORS, &[]),
    (protos::FOLDER, &[]),
    ("pjrt-sys/src", &["pjrt-sys/src/lib.rs"]),
];

/// Judgements that are not about the C headers: about their history, and about messages.
const ELSEWHERE: &[&str] = &["schema/overlay/renames.toml", PROTO_CHOICE];

/// The folder of the facts about messages.
pub const PROTOS: &str = "schema/protos";
/// The judgements about messages.
pub const PROTO_CHOICE: &str = "schema/overlay/protos.toml";

/// A checked-in file that is not what it must be.
#[derive(Debug, PartialEq, Eq)]
pub enum Difference {
    /// It is not there.
    Missing(String),
    /// Its text differs, first at this line.
    Differs(String, usize),
    /// Nothing derives it.
    Extra(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Missing(path) => write!(f, "missing  {path}"),
            Difference::Differs(path, line) => write!(f, "differs  {path}:{line}"),
            Difference::Extra(path) => write!(f, "extra    {path}"),
        }
    }
}

/// Reads what files are derived from.
///
/// # Errors
///
/// A file that cannot be read.
pub fn sources(root: &Path) -> Result<Sources, String> {
    read(root).map(|(sources, _, _)| sources)
}

/// What files are derived from, with the facts of the schema and of the extra headers.
fn read(root: &Path) -> Result<(Sources, Schema, Vec<Schema>), String> {
    let read = |path: PathBuf| -> Result<File, String> {
        let text = std::fs::read_to_string(&path)
            .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        Ok((relative(root, &path), text))
    };
    let all = |folder: &str, ending: &str| -> Result<Vec<File>, String> {
        let mut paths = Vec::new();
        walk(&root.join(folder), &mut paths)?;
        paths.retain(|p| p.extension().is_some_and(|e| e == ending));
        paths.into_iter().map(read).collect()
    };
    let folder = root.join("schema");
    let newest = crate::paths::schema_in(&folder)
        .ok_or("schema/pjrt-*.json is missing: extract it with `cargo xtask schema extract`")?;
    let schema = read(folder.join(newest))?;
    let mut overlay = all("schema/overlay", "toml")?;
    overlay.retain(|(path, _)| !ELSEWHERE.contains(&path.as_str()));
    let extra = all("schema/extra", "json")?;
    let rust = all("pjrt/src", "rs")?;
    let (main, others, versions) = facts(root, &schema, &extra, &overlay)?;
    let sources = Sources {
        overlay,
        versions,
        rust,
        schema,
        extra,
    };
    Ok((sources, main, others))
}

/// The facts, and what the history says of them.
fn facts(
    root: &Path,
    schema: &File,
    extra: &[File],
    overlay: &[File],
) -> Result<(Schema, Vec<Schema>, Versions), String> {
    let path = root.join("schema/history.json");
    let load = |(name, text): &File| schema::load(name, text).map_err(|faults| faults.to_string());
    std::thread::scope(|scope| {
        let history =
            scope.spawn(|| history::load_file(&path).map_err(|faults| faults.to_string()));
        let oldest = scope.spawn(|| overlay::oldest(overlay).map_err(|faults| faults.to_string()));
        let main = load(schema)?;
        let extra = extra.iter().map(load).collect::<Result<Vec<_>, _>>()?;
        let history = history
            .join()
            .map_err(|_| "reading the history panicked")??;
        let oldest = oldest
            .join()
            .map_err(|_| "reading the overlay panicked")??;
        let versions = history.versions(&join(main.clone(), extra.clone()), &oldest);
        let versions = versions.map_err(|faults| faults.to_string())?;
        Ok((main, extra, versions))
    })
}

/// Every derived file of the repository: model, mirrors, raw bindings and pages of the book.
///
/// # Errors
///
/// Faults of schema, overlay or libclang.
#[cfg(feature = "clang")]
pub fn files(root: &Path) -> Result<BTreeMap<String, String>, Diagnostics> {
    let (sources, main, extra) = read(root).map_err(|message| fault("X011", message))?;
    let model = Model::merge(
        main.clone(),
        extra.clone(),
        &sources.overlay,
        sources.versions.clone(),
    )?;
    made(root, &sources, &model, (&main, &extra))
}

fn fault(code: &'static str, message: String) -> Diagnostics {
    Diagnostic::new(code, "codegen", message).into()
}

/// As [`files`], of sources that need not be checked in yet.
///
/// # Errors
///
/// As [`files`].
#[cfg(feature = "clang")]
pub fn files_of(
    root: &Path,
    sources: &Sources,
    model: &Model,
) -> Result<BTreeMap<String, String>, Diagnostics> {
    let main = schema::load(&sources.schema.0, &sources.schema.1)?;
    let extra = sources
        .extra
        .iter()
        .map(|(name, text)| schema::load(name, text))
        .collect::<Result<Vec<_>, _>>()?;
    made(root, sources, model, (&main, &extra))
}

/// The raw bindings, and beside them all that is made of the model.
#[cfg(feature = "clang")]
fn made(
    root: &Path,
    sources: &Sources,
    model: &Model,
    (main, extra): (&Schema, &[Schema]),
) -> Result<BTreeMap<String, String>, Diagnostics> {
    crate::libclang::ensure(&crate::paths::target())?;
    let (mut files, bindings) = std::thread::scope(|scope| {
        let bindings = scope.spawn(|| {
            crate::bindings::generate(main, extra).map_err(|e| fault("X012", e.to_string()))
        });
        let mut expansions = Expansions::default();
        let mut files = derived::files_with(model, sources, &mut expansions)?;
        let coverage = crate::coverage_cmd::derived(root, sources, model, &mut expansions)?;
        files.extend([coverage]);
        files.extend(crate::book::pages(root, &sources.overlay)?);
        files.extend(protos::files(
            &protos(root)?,
            &proto_choice(root)?,
            PROTO_CHOICE,
        )?);
        let bindings = bindings
            .join()
            .map_err(|_| fault("X012", "making the raw bindings panicked".to_owned()))??;
        Ok::<_, Diagnostics>((files, bindings))
    })?;
    files.extend(
        bindings
            .into_iter()
            .map(|(path, text)| (path.to_string_lossy().replace('\\', "/"), text)),
    );
    Ok(files)
}

/// The files of facts about messages, text by path.
///
/// # Errors
///
/// A file that cannot be read.
pub fn proto_files(root: &Path) -> Result<Vec<File>, Diagnostics> {
    let mut paths = Vec::new();
    walk(&root.join(PROTOS), &mut paths).map_err(|message| fault("X013", message))?;
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path)
            .map_err(|e| fault("X013", format!("cannot read {}: {e}", path.display())))?;
        Ok((relative(root, &path), text))
    };
    paths.into_iter().map(read).collect()
}

/// The facts about messages.
///
/// # Errors
///
/// A file that cannot be read, or was edited.
pub fn protos(root: &Path) -> Result<Protos, Diagnostics> {
    let mut protos = Protos::default();
    for (name, text) in proto_files(root)? {
        protos.files.push(protos::load(&name, &text)?);
    }
    Ok(protos)
}

/// The judgements about messages.
///
/// # Errors
///
/// A file that cannot be read, or is at fault.
pub fn proto_choice(root: &Path) -> Result<Choice, Diagnostics> {
    let text = std::fs::read_to_string(root.join(PROTO_CHOICE))
        .map_err(|e| fault("X013", format!("cannot read {PROTO_CHOICE}: {e}")))?;
    Choice::parse(PROTO_CHOICE, &text)
}

/// How the checked-in files differ from `files`.
///
/// # Errors
///
/// A folder that cannot be read.
pub fn compare(root: &Path, files: &BTreeMap<String, String>) -> Result<Vec<Difference>, String> {
    let mut found = Vec::new();
    for (path, expected) in files {
        match std::fs::read_to_string(root.join(path)) {
            Ok(text) if text == *expected => {}
            Ok(text) => {
                let same = text
                    .lines()
                    .zip(expected.lines())
                    .take_while(|(a, b)| a == b)
                    .count();
                found.push(Difference::Differs(path.clone(), same + 1));
            }
            Err(_) => found.push(Difference::Missing(path.clone())),
        }
    }
    for (folder, written_by_hand) in OWNED {
        let mut paths = Vec::new();
        walk(&root.join(folder), &mut paths)?;
        let extra = paths.iter().map(|p| relative(root, p));
        let extra =
            extra.filter(|p| !files.contains_key(p) && !written_by_hand.contains(&p.as_str()));
        found.extend(extra.map(Difference::Extra));
    }
    Ok(found)
}

/// Writes the files that differ and removes those that nothing derives.
///
/// # Errors
///
/// A file that cannot be written; then all are as before.
pub fn write(root: &Path, files: &BTreeMap<String, String>) -> Result<Vec<Difference>, String> {
    let differences = compare(root, files)?;
    crate::outcome::write_all(root, &pending(&differences, files)).map_err(|e| e.to_string())?;
    Ok(differences)
}

/// The files that differences are to be mended with: text by path, none for what must go.
pub fn pending(
    differences: &[Difference],
    files: &BTreeMap<String, String>,
) -> BTreeMap<String, Option<String>> {
    let one = |difference: &Difference| match difference {
        Difference::Extra(path) => (path.clone(), None),
        Difference::Missing(path) | Difference::Differs(path, _) => (
            path.clone(),
            Some(files.get(path).cloned().unwrap_or_default()),
        ),
    };
    differences.iter().map(one).collect()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(format!("cannot read {}: {e}", folder.display())),
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    found.sort();
    for path in found {
        if path.is_dir() {
            walk(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}
