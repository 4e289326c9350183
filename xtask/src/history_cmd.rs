//! `cargo xtask history ..`: folds all versions of the headers into one file, and shows it.

use std::path::{Path, PathBuf};

use pjrt_codegen::diag::Diagnostic;
use pjrt_codegen::history::load_file;

use crate::outcome::Outcome;
use crate::paths;

#[cfg(feature = "clang")]
pub(crate) mod build;
#[cfg(feature = "clang")]
mod cache;
#[cfg(feature = "clang")]
mod commits;
#[cfg(feature = "clang")]
mod parse;
#[cfg(feature = "clang")]
mod progress;

/// Arguments of `history`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Read the headers of every commit and write what became of each item
    Build {
        /// Git repository of XLA: an address or a local clone
        #[arg(long, value_name = "URL_OR_DIR")]
        git: String,
        /// Newest commit to take
        #[arg(long, default_value = "HEAD")]
        rev: String,
        /// Name of the repository for the record, `owner/name` [default: from its address]
        #[arg(long)]
        name: Option<String>,
        /// Renames that people confirmed [default: schema/overlay/renames.toml]
        #[arg(long, value_name = "FILE")]
        renames: Option<PathBuf>,
        /// File to write [default: schema/history.json]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show what became of a function, struct, enumeration or extension (no libclang needed)
    Show {
        /// Its name; `PJRT_` may be left out
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// File to read [default: schema/history.json]
        #[arg(long, value_name = "FILE")]
        history: Option<PathBuf>,
    },
}

/// Runs the command.
pub fn run(args: &Args) -> Outcome {
    match &args.command {
        #[cfg(feature = "clang")]
        Command::Build {
            git,
            rev,
            name,
            renames,
            out,
        } => build::run(&build::Wanted {
            git,
            rev,
            name: name.as_deref(),
            renames: renames.as_deref(),
            out: out.as_deref(),
        }),
        #[cfg(not(feature = "clang"))]
        Command::Build { .. } => crate::clang_door::again(),
        Command::Show {
            name,
            json,
            history,
        } => show(name, *json, history.as_deref()),
    }
}

fn show(name: &str, json: bool, file: Option<&Path>) -> Outcome {
    let file = file.map_or_else(paths::history, Path::to_path_buf);
    let history = load_file(&file)?;
    let Some(shown) = history.show(name) else {
        let similar = history.similar(name);
        let help = match similar.is_empty() {
            true => {
                "give the C name of a function, struct or enumeration, or an extension's".into()
            }
            false => format!("there are {}", similar.join(", ")),
        };
        let message = format!("nothing of the name `{name}` was ever in the headers");
        return Err(Diagnostic::new("V007", file.display().to_string(), message)
            .help(help)
            .into());
    };
    match json {
        true => println!("{:#}", shown.to_json()),
        false => print!("{}", shown.to_text()),
    }
    Ok(true)
}
