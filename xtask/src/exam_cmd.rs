//! `cargo xtask exam`: the safety exam, and whether its tests notice that a guard is gone.

use std::process::Command;
use std::time::Duration;

use pjrt_codegen::diag::Diagnostic;

use crate::exam::rows::{Kind, ROWS, Row};
use crate::exam::{failed, programs, switches};
use crate::outcome::Outcome;

/// How long a test may take whose guard is off: then it hangs, and is noticed.
const LIMIT: Duration = Duration::from_secs(30);

/// Arguments of `exam`.
#[derive(clap::Args)]
pub struct Args {
    /// Turn off the guard of each row, one by one, and see that its test fails
    #[arg(long)]
    mutants: bool,
    /// Only this row
    #[arg(long, value_name = "NAME", requires = "mutants")]
    row: Option<String>,
}

/// Runs the command; `Ok(false)` if a test fails, or does not fail without its guard.
pub fn run(args: &Args) -> Outcome {
    if !args.mutants {
        let mut command = crate::exam::cargo();
        command.args(["test", "--package", "pjrt-tests", "--test", "safety_exam"]);
        return Ok(status(command)?);
    }
    let wanted = |row: &&Row| args.row.as_ref().is_none_or(|name| name == row.name);
    let rows: Vec<&Row> = ROWS.iter().filter(wanted).collect();
    if rows.is_empty() {
        let names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        let message = format!("no row has that name; there are {}", names.join(", "));
        return Err(failed(message).into());
    }
    let exam = switches::build()?;
    switches::lists_every_row(&exam)?;
    switches::passes(&exam, &rows)?;
    let types = rows.iter().any(|row| matches!(row.kind, Kind::Types));
    let compiler = types.then(programs::Compilers::build).transpose()?;
    let mut survivors = 0;
    for (number, row) in (1..).zip(&rows) {
        let verdict = match (row.kind, &compiler) {
            (Kind::Types, Some(compilers)) => compilers.caught(row)?,
            _ => switches::caught(&exam, row, LIMIT)?,
        };
        let (word, how) = match verdict {
            Ok(how) => ("caught", how),
            Err(why) => {
                survivors += 1;
                ("SURVIVED", why)
            }
        };
        println!("{number:>2} {:<27} {word:<8} {how}", row.name);
        println!(
            "   {}: {}; off: {}",
            row.places.join(", "),
            row.guard,
            row.without
        );
    }
    let caught = rows.len() - survivors;
    println!("{} guards, {caught} caught", rows.len());
    Ok(survivors == 0)
}

/// Whether a command succeeds.
fn status(mut command: Command) -> Result<bool, Diagnostic> {
    let status = command.status();
    let status = status.map_err(|error| failed(format!("cannot run {command:?}: {error}")))?;
    Ok(status.success())
}
