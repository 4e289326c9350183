//! `cargo xtask history ..`: folds all versions of the headers into one file, and shows it.

use std::path::PathBuf;

use crate::outcome::Outcome;
#[cfg(feature = "clang")]
mod build;
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
        /// File to write [default: schema/history.json]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
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
            out,
        } => build::run(git, rev, name.as_deref(), out.as_deref()),
        #[cfg(not(feature = "clang"))]
        Command::Build { .. } => crate::clang_door::again(),
    }
}
