//! `cargo xtask doctor`: what of this machine is ready, and what mends each lack.

use std::io::Write as _;
use std::path::PathBuf;

use pjrt_codegen::diag::Diagnostic;

use crate::doctor::{self, machine::Machine};
use crate::outcome::Outcome;

/// Arguments of `doctor`.
#[derive(clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Leave the plugins out: to look at them, `pjrt` is built first
    #[arg(long)]
    without_plugins: bool,
    /// Print what is known of the plugins, and nothing else: one row of JSON on each line
    #[arg(long, hide = true)]
    plugin_rows: bool,
    /// Load this plugin and print its version, in a process that may not survive it
    #[arg(long, hide = true, value_name = "PATH")]
    load: Option<PathBuf>,
}

/// Runs the command; `Ok(false)` if something is not ready that the README's two commands need.
pub fn run(args: &Args) -> Outcome {
    let machine = Machine::of_process();
    if let Some(library) = &args.load {
        return doctor::plugins::load(library);
    }
    let mut text = String::new();
    let ready = if args.plugin_rows {
        for row in doctor::plugins::rows(&machine) {
            text.push_str(&format!("{}\n", row.to_json()));
        }
        true
    } else {
        let rows = doctor::rows(&machine, !args.without_plugins);
        text = match args.json {
            true => doctor::shown::json(&rows),
            false => doctor::shown::text(&rows),
        };
        doctor::is_ready(&rows)
    };
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(|error| {
            Diagnostic::new(
                "X004",
                "standard output",
                format!("cannot be written to: {error}"),
            )
        })?;
    Ok(ready)
}
