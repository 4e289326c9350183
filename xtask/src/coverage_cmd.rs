//! `cargo xtask coverage`: what became of every function, field, enum value and slot, and the
//! recording of which functions the tests call on real plugins.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use clap::Subcommand;
use pjrt_codegen::coverage::{self, CALLED, COVERAGE, Called, Ledger, SKIPPED};
use pjrt_codegen::derived::{Expansions, File, Sources};
use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::model::Model;

use crate::derive;
use crate::outcome::{Outcome, write_atomically};

/// The variable that makes the tests record into the folder that it names.
const RECORD: &str = "PJRT_RECORD_CALLS";

/// Arguments of `coverage`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Sub>,
    /// Print the ledger as JSON
    #[arg(long)]
    json: bool,
    /// Exit with 1 if anything is undecided, dangling or skipped in vain, and name it
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Run the tests and write down which functions they call on which plugin
    Record {
        /// Arguments for `cargo test`; `--workspace` by default
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        test: Vec<String>,
    },
}

/// Runs the command.
///
/// # Errors
///
/// Faults of schema, overlay, sources, or of the files that the ledger reads.
pub fn run(args: &Args) -> Outcome {
    let root = crate::paths::root();
    if let Some(Sub::Record { test }) = &args.command {
        return record(&root, test);
    }
    let sources = derive::sources(&root).map_err(|message| fault("X020", message))?;
    let ledger = ledger(&root, &sources, &sources.model()?)?;
    let problems = coverage::problems(&ledger);
    if args.json {
        print(&format!("{:#}\n", coverage::json(&ledger)));
        if args.check {
            problems.iter().for_each(|p| eprintln!("{p}"));
        }
    } else {
        print(&coverage::text(&ledger));
    }
    Ok(!args.check || problems.is_empty())
}

/// The report for readers, a derived file.
///
/// # Errors
///
/// As [`run`].
pub fn derived(
    root: &Path,
    sources: &Sources,
    model: &Model,
    expansions: &mut Expansions,
) -> Result<File, Diagnostics> {
    let ledger = ledger_of(root, sources, model, expansions)?;
    Ok((COVERAGE.to_owned(), coverage::markdown(model, &ledger)))
}

/// The ledger of sources and their model, over the files that it reads besides.
///
/// # Errors
///
/// As [`run`].
pub fn ledger(root: &Path, sources: &Sources, model: &Model) -> Result<Ledger, Diagnostics> {
    ledger_of(root, sources, model, &mut Expansions::default())
}

fn ledger_of(
    root: &Path,
    sources: &Sources,
    model: &Model,
    expansions: &mut Expansions,
) -> Result<Ledger, Diagnostics> {
    let (skipped, called) = (optional(root, SKIPPED)?, optional(root, CALLED)?);
    coverage::ledger_of(model, &sources.rust, &skipped, &called, expansions)
}

/// A file's text, empty if it is not there.
///
/// # Errors
///
/// A file that is there and cannot be read.
pub fn optional(root: &Path, path: &str) -> Result<String, Diagnostics> {
    match std::fs::read_to_string(root.join(path)) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(fault("X021", format!("cannot read {path}: {error}"))),
    }
}

/// Runs the tests with the recorder on, and takes the plugins over that they called.
fn record(root: &Path, test: &[String]) -> Outcome {
    let folder = tempfile::tempdir()
        .map_err(|error| fault("X022", format!("cannot make a folder: {error}")))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .arg("test")
        .current_dir(root)
        .env(RECORD, folder.path());
    if test.is_empty() {
        command.arg("--workspace");
    }
    let status = command
        .args(test)
        .status()
        .map_err(|error| fault("X023", format!("cannot run cargo: {error}")))?;
    if !status.success() {
        return Err(
            Diagnostic::new("X024", "coverage", "a test failed, so nothing was written")
                .help("make `cargo test` pass first")
                .into(),
        );
    }
    let mut lines = String::new();
    let entries = std::fs::read_dir(folder.path())
        .map_err(|error| fault("X025", format!("cannot read the recording: {error}")))?;
    for entry in entries.flatten() {
        let text = std::fs::read_to_string(entry.path())
            .map_err(|error| fault("X025", format!("cannot read the recording: {error}")))?;
        lines.push_str(&text);
    }
    let newer = Called::record(&lines).map_err(|problem| fault("X026", problem))?;
    if newer.0.is_empty() {
        return Err(
            Diagnostic::new("X027", "coverage", "no test called a plugin")
                .help("unset PJRT_TEST_PLUGINS, or name tests that use a plugin")
                .into(),
        );
    }
    let known = optional(root, CALLED)?;
    let mut called = if known.is_empty() {
        Called::default()
    } else {
        Called::load(&known)?
    };
    let names: Vec<String> = newer.0.keys().cloned().collect();
    called.merge(newer);
    write_atomically(&root.join(CALLED), &called.to_json())?;
    for (name, calls) in called.0.iter().filter(|(name, _)| names.contains(name)) {
        println!(
            "{name} ({}): {} functions ok, {} with an error",
            calls.api,
            calls.ok.len(),
            calls.error.len()
        );
    }
    println!("{CALLED} is written: run `cargo xtask codegen` for {COVERAGE}");
    Ok(true)
}

/// Prints; a reader that has seen enough is no fault.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn fault(code: &'static str, message: String) -> Diagnostics {
    Diagnostic::new(code, "coverage", message).into()
}
