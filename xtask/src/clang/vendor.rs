//! The header of a vendor: an extension that is declared outside of upstream's tree.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use clang_sys::*;
use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::infer;
use pjrt_codegen::schema::{
    Enum, Extension, Header, Schema, Source, Struct, StructKind, digest, sha256,
};

use super::header::{self, Job};
use super::index::{Cursor, Unit};
use super::macros::extension_version;
use super::source::Sources;
use super::{Session, comments, extension_types};
use crate::headers::HeaderSet;

/// What is to be read.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    /// The vendor's header.
    pub header: &'w Path,
    /// Folders that it includes from, beside upstream's and its own.
    pub include: &'w [PathBuf],
    /// Number of the extension, where the header does not say it.
    pub number: Option<u32>,
    /// Name of the extension, in place of the one that the table gives.
    pub name: Option<&'w str>,
    /// Name of the module, likewise.
    pub module: Option<&'w str>,
    /// The struct that is the extension's table, where several could be.
    pub table: Option<&'w str>,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Found {
    /// The vendor's own declarations, with the version of upstream's header.
    pub schema: Schema,
    /// What the header says above the declaration of a name.
    pub comments: BTreeMap<String, String>,
    /// Upstream's extension types.
    pub types: Enum,
}

/// Reads a vendor's header against a set of upstream's. libclang must be loaded.
///
/// # Errors
///
/// What the compiler does not understand, and what makes a header no extension of its own.
pub fn extract(set: &HeaderSet, wanted: &Wanted<'_>) -> Result<Found, Diagnostics> {
    let full = wanted.header.to_string_lossy().into_owned();
    let session = Session::new(&full)?;
    let mut args = session.args(set);
    // A constant of upstream's enumeration with a number of the vendor's.
    args.push("-Wno-enum-constexpr-conversion".to_string());
    let own = wanted.header.parent().filter(|p| !p.as_os_str().is_empty());
    let beside = set.root.join("xla/pjrt/c");
    let folders = wanted.include.iter().map(PathBuf::as_path);
    for folder in folders.chain(own).chain([beside.as_path()]) {
        args.extend(["-I".to_string(), folder.to_string_lossy().into_owned()]);
    }
    let unit = Unit::parse(&session.index, wanted.header, &args)
        .map_err(|error| Diagnostic::new("H001", &full, error))?;
    missing(&unit, &full)?;

    let standins = session.standins.path().to_string_lossy().into_owned();
    let upstream = set.root.join("xla").to_string_lossy().into_owned();
    let theirs: HashSet<String> = set
        .files
        .iter()
        .map(|f| super::source::full_path(&set.root, &f.path))
        .collect();
    let own: HashSet<String> = files(unit.root())
        .into_iter()
        .filter(|f| {
            let theirs = theirs.contains(f) || f.starts_with(&upstream) || f.starts_with(&standins);
            *f == full || !(f.is_empty() || theirs)
        })
        .collect();
    let texts = texts(&full, &own)?;
    let mut sources = Sources::new(set);
    for (file, text) in &texts {
        sources.add(file, "", text);
    }
    let together: String = texts.iter().map(|(_, text)| text.as_str()).collect();
    let path = wanted.header.file_name().unwrap_or_default();
    let source = Source {
        kind: "directory".to_string(),
        ..Source::default()
    };
    let job = Job {
        full: full.clone(),
        path: &full,
        module: "",
        sha256: &sha256(together.as_bytes()),
        source: &source,
        own,
    };
    let mut header = header::read_unit(&job, &unit, &sources)?;
    let core = super::extract(set, &["core".to_string()])?;
    let types = core.headers.first().and_then(extension_types).cloned();
    let types = types.ok_or_else(|| {
        let message = "the main header of PJRT beside it has no enumeration of extension types";
        Diagnostic::new("H020", &full, message)
            .help("give a folder with PJRT's headers with --include, or leave it out: then they are fetched")
    })?;
    identify(&mut header, wanted, &types, &full)?;
    header.path = path.to_string_lossy().into_owned();
    header.digest = digest(&header);
    let mut comments = BTreeMap::new();
    comments_of(unit.root(), &job.own, &sources, &mut comments);
    Ok(Found {
        schema: Schema {
            major: core.major,
            minor: core.minor,
            headers: vec![header],
        },
        comments,
        types,
    })
}

/// Files that the compiler did not find; all else follows from them.
fn missing(unit: &Unit<'_>, full: &str) -> Result<(), Diagnostics> {
    let mut problems = Diagnostics::new();
    for error in unit.errors() {
        if error.text.ends_with("file not found") {
            let at = if error.file.is_empty() {
                full
            } else {
                &error.file
            };
            problems.push(
                Diagnostic::new("H001", at, error.text)
                    .at(error.line, error.column)
                    .help("name the folder that the path begins in with --include DIR"),
            );
        }
    }
    problems.into_result(())
}

/// Texts by the names of their files, the main one first.
fn texts(full: &str, own: &HashSet<String>) -> Result<Vec<(String, String)>, Diagnostic> {
    let mut names: Vec<&String> = own.iter().collect();
    names.sort_by_key(|name| (name.as_str() != full, name.as_str()));
    let read = |name: &String| {
        let text = std::fs::read_to_string(name);
        let text = text.map_err(|error| {
            Diagnostic::new("H003", name, format!("cannot read the header: {error}"))
                .help("a header is UTF-8 text")
        });
        Ok((name.clone(), text?))
    };
    names.into_iter().map(read).collect()
}

fn is_linkage(cursor: Cursor<'_>) -> bool {
    matches!(cursor.kind(), CXCursor_LinkageSpec | CXCursor_UnexposedDecl)
}

/// The files that declare something.
fn files(root: Cursor<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for cursor in root.children() {
        if is_linkage(cursor) {
            found.extend(files(cursor));
        } else {
            found.insert(cursor.spot().file);
        }
    }
    found
}

fn comments_of(
    root: Cursor<'_>,
    own: &HashSet<String>,
    sources: &Sources<'_>,
    found: &mut BTreeMap<String, String>,
) {
    for cursor in root.children() {
        if is_linkage(cursor) {
            comments_of(cursor, own, sources, found);
            continue;
        }
        let start = cursor.start();
        let name = cursor.name();
        let kind = cursor.kind();
        let declares = matches!(
            kind,
            CXCursor_TypedefDecl | CXCursor_TypeAliasDecl | CXCursor_StructDecl | CXCursor_EnumDecl
        );
        if !declares || !own.contains(&start.file) || name.is_empty() {
            continue;
        }
        if let Some(text) = comments::above(sources, &start) {
            found.entry(name.clone()).or_insert(text);
        }
        for field in cursor.children() {
            let spot = field.start();
            if kind == CXCursor_StructDecl
                && field.kind() == CXCursor_FieldDecl
                && let Some(text) = comments::above(sources, &spot)
            {
                found
                    .entry(format!("{name}.{}", field.name()))
                    .or_insert(text);
            }
        }
    }
}

/// Names the module and says which extension its table is.
fn identify(
    header: &mut Header,
    wanted: &Wanted<'_>,
    types: &Enum,
    full: &str,
) -> Result<(), Diagnostics> {
    let fault = |code, message: String| Diagnostic::new(code, full, message);
    let table = table(header, wanted.table, full)?.name.clone();
    let derived = infer::module_of(&table);
    let module = wanted
        .module
        .map(str::to_owned)
        .or(derived)
        .ok_or_else(|| {
            fault(
                "H022",
                format!("the table `{table}` gives the module no name"),
            )
            .help("name it with --module NAME, in snake case")
        })?;
    if !infer::is_module(&module) {
        return Err(
            fault("H022", format!("`{module}` is no name for a Rust module"))
                .help("name it with --module NAME, in snake case, such as `acme`")
                .into(),
        );
    }
    let name = wanted.name.map(str::to_owned);
    let name = name.unwrap_or_else(|| infer::extension_name(&module));
    if !infer::is_type(&name) {
        return Err(
            fault("H022", format!("`{name}` is no name for a Rust type"))
                .help("name the extension with --name NAME, such as `Acme`")
                .into(),
        );
    }
    let number = match wanted.number {
        Some(number) => number,
        None => number(header, &[&name, &module], full)?,
    };
    if let Some(taken) = types.values.iter().find(|v| v.value == i64::from(number)) {
        let message = format!("the extension's number {number} is PJRT's `{}`", taken.name);
        return Err(fault("H023", message)
            .help("a vendor's extensions have numbers that PJRT will not give away, such as 1000 and above; if the header says it elsewhere, give --number N")
            .into());
    }
    header.module = module;
    header.extension = Some(Extension {
        number,
        name,
        table,
        version: extension_version(&header.macros),
    });
    Ok(())
}

fn table<'h>(
    header: &'h Header,
    wanted: Option<&str>,
    full: &str,
) -> Result<&'h Struct, Diagnostics> {
    let tables = header.structs.iter();
    let tables: Vec<&Struct> = tables
        .filter(|s| s.kind == StructKind::ExtensionTable)
        .collect();
    let names: Vec<String> = tables.iter().map(|s| format!("`{}`", s.name)).collect();
    let names = names.join(", ");
    let (message, help) = match (tables.as_slice(), wanted) {
        ([], _) => (
            "expected the table of an extension, found none".to_string(),
            "a table is a struct that begins with `PJRT_Extension_Base base;`".to_string(),
        ),
        (some, Some(wanted)) => match some.iter().find(|s| s.name == wanted) {
            Some(table) => return Ok(table),
            None => (
                format!("`{wanted}` is no table of an extension"),
                format!("the header has {names}: give one of them with --table"),
            ),
        },
        ([only], None) => return Ok(only),
        (_, None) => (
            format!("expected one table of an extension, found {names}"),
            "say which with --table NAME; each makes a crate of its own".to_string(),
        ),
    };
    Err(Diagnostic::new("H021", full, message).help(help).into())
}

/// The number that the header gives the extension, in a macro, an enumerator or a constant.
fn number(header: &Header, names: &[&str], full: &str) -> Result<u32, Diagnostics> {
    let fold = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let rest = |name: &str| {
        let folded = fold(name);
        let found = folded.contains("extensiontype") || folded.contains("structuretype");
        let rest = folded
            .replace("extensiontype", "")
            .replace("structuretype", "");
        let rest = rest.replace("pjrt", "");
        found.then_some(rest)
    };
    let macros = header.macros.iter();
    let macros = macros.filter_map(|m| Some((m.name.as_str(), integer(&m.value)?)));
    let values = header.enums.iter().flat_map(|e| &e.values);
    let values = values.map(|v| (v.name.as_str(), v.value));
    let all: Vec<(&str, i64, String)> = macros
        .chain(values)
        .filter_map(|(name, value)| Some((name, value, rest(name)?)))
        .collect();
    let mine = |rest: &str| {
        let bare = rest.strip_prefix('k').unwrap_or(rest);
        names
            .iter()
            .any(|n| [rest, bare].contains(&fold(n).as_str()))
    };
    let best: Vec<_> = all.iter().filter(|(_, _, rest)| mine(rest)).collect();
    let help = "give it with --number N";
    let found = match (best.as_slice(), all.as_slice()) {
        ([only], _) => only,
        ([], [only]) => only,
        ([], []) => {
            let message = format!(
                "expected the extension's number, such as `#define PJRT_Extension_Type_{} 1000`, found none",
                names.first().unwrap_or(&"Name")
            );
            return Err(Diagnostic::new("H024", full, message).help(help).into());
        }
        _ => {
            let names: Vec<String> = all.iter().map(|(name, ..)| format!("`{name}`")).collect();
            let message = format!(
                "expected one number of the extension, found {}",
                names.join(", ")
            );
            return Err(Diagnostic::new("H024", full, message).help(help).into());
        }
    };
    u32::try_from(found.1).map_err(|_| {
        let message = format!("the extension's number `{}` is {}", found.0, found.1);
        Diagnostic::new("H024", full, message)
            .help("numbers of extensions go from 0 to 4294967295: correct it, or give --number N")
            .into()
    })
}

fn integer(text: &str) -> Option<i64> {
    let bare = text.trim_matches(['(', ')', ' ']);
    let bare = bare.trim_end_matches(['u', 'U', 'l', 'L']);
    match bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => bare.parse().ok(),
    }
}
