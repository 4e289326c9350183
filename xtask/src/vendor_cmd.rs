//! `cargo xtask vendor ..`: the crate of an extension that a vendor declares outside of this repository.

use std::path::PathBuf;

use crate::outcome::Outcome;

/// Arguments of `vendor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a crate of a header: facts, first judgements, and what invokes the macro
    New {
        #[command(flatten)]
        reading: Reading,
        /// Folder of the new crate, which is empty or not there
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Take a new revision of the header into a crate that `vendor new` made
    Update {
        #[command(flatten)]
        reading: Reading,
        /// Folder of the crate
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Load a crate's facts and judgements, and say which functions have no verdict yet
    Check {
        /// Folder of the crate
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
    },
}

/// How a header is read.
#[derive(Debug, clap::Args)]
pub struct Reading {
    /// The vendor's header
    #[arg(long, value_name = "FILE")]
    pub header: PathBuf,
    /// A folder that the header includes from; may be repeated. Without PJRT's headers in one of
    /// them, those that `cargo xtask headers` obtains are used
    #[arg(long, value_name = "DIR")]
    pub include: Vec<PathBuf>,
    /// The extension's number, if the header does not say it
    #[arg(long, value_name = "N")]
    pub number: Option<u32>,
    /// The extension's name, such as `Acme` [default: that of the table]
    #[arg(long)]
    pub name: Option<String>,
    /// The module's name, such as `acme` [default: that of the table]
    #[arg(long)]
    pub module: Option<String>,
    /// The struct that is the extension's table, if several could be
    #[arg(long, value_name = "STRUCT")]
    pub table: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// A header, a folder or judgements at fault; then nothing is written.
pub fn run(args: &Args) -> Outcome {
    match &args.command {
        Command::Check { dir } => crate::vendor::check::check(dir),
        #[cfg(feature = "clang")]
        Command::New { reading, out } => crate::vendor::new::new(reading, out),
        #[cfg(feature = "clang")]
        Command::Update { reading, out } => crate::vendor::update::update(reading, out),
        #[cfg(not(feature = "clang"))]
        Command::New { .. } | Command::Update { .. } => crate::clang_door::again(),
    }
}
