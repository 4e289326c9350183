//! `cargo xtask diff OLD NEW`: what is different between two sets of headers.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::diff::{self, Input, Methods, Wanted};
use pjrt_codegen::history::{History, Renames, read_file};
use pjrt_codegen::model;
use pjrt_codegen::schema::{Schema, load_file};

use crate::outcome::Outcome;
use crate::paths;

/// Arguments of `diff`.
#[derive(clap::Args)]
pub struct Args {
    /// The first: a minor of the history (`0.81`, `81`, `0.56@590b36f8`), a schema file, or a folder
    /// of headers
    old: String,
    /// The second
    new: String,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print Markdown
    #[arg(long)]
    markdown: bool,
}

/// Runs the command: 0 also where something differs, 2 where it cannot be told.
pub fn run(args: &Args) -> ExitCode {
    match compare(args) {
        Ok(true) => ExitCode::SUCCESS,
        // It has printed why.
        Ok(false) => ExitCode::from(2),
        Err(errors) => {
            eprintln!("{errors}");
            ExitCode::from(2)
        }
    }
}

/// One of the two, read.
enum Side {
    State(usize),
    Schema(Box<Schema>, String),
}

fn compare(args: &Args) -> Outcome {
    let wanted = [&args.old, &args.new].map(|text| Wanted::parse(text));
    #[cfg(not(feature = "clang"))]
    if wanted
        .iter()
        .any(|w| matches!(w, Wanted::Path(path) if path.is_dir()))
    {
        return crate::clang_door::again();
    }
    // Reading the two large files is what takes time.
    let (history, methods) = std::thread::scope(|scope| {
        let methods = scope.spawn(methods);
        (read_file(&paths::history()), methods.join())
    });
    let history = history?;
    let methods = methods.map_err(|_| fault("the model could not be read".to_string()))??;
    let mut notes = Vec::new();
    let mut sides = Vec::new();
    for (wanted, text) in wanted.iter().zip([&args.old, &args.new]) {
        sides.push(side(&history, wanted, text, &mut notes)?);
    }
    let renames = match sides.iter().any(|side| matches!(side, Side::Schema(..))) {
        true => renames()?,
        false => Renames::default(),
    };
    let [old, new] = sides.as_slice() else {
        return Err(fault("two sets of headers are compared".to_string()).into());
    };
    let mut found = diff::diff(&history, &renames, &methods, old.input(), new.input());
    notes.append(&mut found.notes);
    found.notes = notes;
    let text = match (args.json, args.markdown) {
        (true, _) => format!("{:#}\n", diff::json(&found)),
        (_, true) => diff::markdown(&found),
        _ => diff::text(&found),
    };
    // A reader that has seen enough is no fault.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(true)
}

impl Side {
    fn input(&self) -> Input<'_> {
        match self {
            Self::State(state) => Input::State(*state),
            Self::Schema(schema, place) => Input::Schema(schema, place),
        }
    }
}

fn side(
    history: &History,
    wanted: &Wanted,
    text: &str,
    notes: &mut Vec<String>,
) -> Result<Side, Diagnostics> {
    match wanted {
        Wanted::Minor { minor, commit } => {
            let found = diff::find(history, *minor, commit.as_deref())?;
            if let Some(note) = found.note.filter(|note| !notes.contains(note)) {
                notes.push(note);
            }
            Ok(Side::State(found.state))
        }
        Wanted::Path(path) if path.is_dir() => {
            let schema = extracted(path)?;
            Ok(Side::Schema(Box::new(schema), text.to_string()))
        }
        Wanted::Path(path) if path.exists() => {
            let schema = load_file(path).map_err(|errors| no_schema(text, errors))?;
            Ok(Side::Schema(Box::new(schema), text.to_string()))
        }
        Wanted::Path(_) => Err(fault(format!(
            "`{text}` is no minor version and no file or folder"
        ))
        .help("give a minor such as 0.81, a schema file, or a folder of headers")
        .into()),
    }
}

/// A file of another kind has as many errors as lines: the first says enough.
fn no_schema(text: &str, errors: Diagnostics) -> Diagnostics {
    let first = errors.iter().find(|e| ["S001", "S002"].contains(&e.code));
    match first {
        Some(first) => Diagnostic::new("C002", text, format!("no schema: {}", first.message))
            .at(first.line, first.column)
            .help("`cargo xtask schema extract` writes schemas")
            .into(),
        None => errors,
    }
}

#[cfg(feature = "clang")]
fn extracted(folder: &Path) -> Result<Schema, Diagnostics> {
    let set = crate::headers::HeaderSet::open(folder)?;
    crate::libclang::ensure(&paths::target())?;
    crate::clang::extract(&set, &[])
}

#[cfg(not(feature = "clang"))]
fn extracted(folder: &Path) -> Result<Schema, Diagnostics> {
    let message = format!("{} became a folder just now", folder.display());
    Err(fault(message).into())
}

fn methods() -> Result<Methods, Diagnostics> {
    let path = paths::root().join(pjrt_codegen::derived::MODEL);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| fault(format!("cannot read {}: {error}", path.display())))?;
    Ok(Methods::of(&model::from_json(&text)?))
}

fn renames() -> Result<Renames, Diagnostics> {
    let path = paths::root().join("schema/overlay/renames.toml");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| fault(format!("cannot read {}: {error}", path.display())))?;
    Renames::parse("schema/overlay/renames.toml", &text)
}

fn fault(message: String) -> Diagnostic {
    Diagnostic::new("C000", "diff", message)
}
