//! `cargo xtask schema ..`: counts, extraction, comparison.

use std::path::PathBuf;

use pjrt_codegen::schema::{Schema, Stats, load_file};

use crate::outcome::Outcome;
use crate::paths;

#[cfg(feature = "clang")]
mod compare;
#[cfg(feature = "clang")]
mod read;

/// Arguments of `schema`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Count what the checked-in schema says (no libclang needed)
    Stats {
        /// Print JSON: the counts of the main header
        #[arg(long)]
        json: bool,
        /// Schema file
        #[arg(long, value_name = "FILE")]
        schema: Option<PathBuf>,
    },
    /// Read a folder of headers and write its facts
    Extract {
        /// A set that `headers` obtained, or an XLA checkout
        #[arg(long, value_name = "DIR")]
        headers: PathBuf,
        /// File to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Only the headers of these modules
        #[arg(long, value_name = "MODULE")]
        only: Vec<String>,
    },
    /// Compare a folder of headers with the checked-in schema, header by header
    Check {
        /// A set that `headers` obtained, or an XLA checkout
        #[arg(long, value_name = "DIR")]
        headers: PathBuf,
        /// Schema file
        #[arg(long, value_name = "FILE")]
        schema: Option<PathBuf>,
    },
}

/// Runs the command.
pub fn run(args: Args) -> Outcome {
    match args.command {
        Command::Stats { json, schema } => {
            stats(&load_file(&schema.unwrap_or_else(paths::schema))?, json);
            Ok(true)
        }
        #[cfg(feature = "clang")]
        Command::Extract { headers, out, only } => read::extract(&headers, &out, &only),
        #[cfg(feature = "clang")]
        Command::Check { headers, schema } => {
            read::check(&headers, &schema.unwrap_or_else(paths::schema))
        }
        #[cfg(not(feature = "clang"))]
        Command::Extract { .. } | Command::Check { .. } => crate::clang_door::again(),
    }
}

fn stats(schema: &Schema, json: bool) {
    if json {
        let core = schema.headers.first().map(Stats::of).unwrap_or_default();
        let rows = core.rows();
        let lines: Vec<_> = rows
            .iter()
            .map(|(name, count)| format!("  \"{name}\": {count}"))
            .collect();
        println!("{{\n{}\n}}", lines.join(",\n"));
        return;
    }
    println!("PJRT {}.{}", schema.major, schema.minor);
    for header in &schema.headers {
        let shown: Vec<_> = Stats::of(header)
            .rows()
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{count} {}", name.replace('_', " ")))
            .collect();
        println!("{:22} {}", header.module, shown.join(", "));
    }
}
