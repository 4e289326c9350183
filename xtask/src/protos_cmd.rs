//! `cargo xtask protos ..`: the facts about protocol buffer messages, and how a tree differs.

use std::path::PathBuf;

use crate::outcome::Outcome;

/// Arguments of `protos`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Read XLA's `.proto` files and write the facts that the chosen messages reach
    Extract(From),
    /// Compare a tree of `.proto` files with the checked-in facts; exit with 1 if they differ
    Check(From),
}

#[derive(clap::Args)]
struct From {
    /// Git repository to take them from: an address or a local clone
    #[arg(
        long,
        value_name = "URL_OR_DIR",
        requires = "rev",
        required_unless_present = "dir"
    )]
    git: Option<String>,
    /// Revision of the git repository
    #[arg(long, requires = "git")]
    rev: Option<String>,
    /// Name of the git repository for the record, `owner/name` [default: from its address]
    #[arg(long, requires = "git")]
    name: Option<String>,
    /// Folder with XLA's layout to take them from
    #[arg(long, conflicts_with = "git")]
    dir: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
///
/// Files that cannot be read, or are not understood.
#[cfg(feature = "protos")]
pub fn run(args: &Args) -> Outcome {
    use crate::protos::{Tree, check, extract};
    let (Command::Extract(from) | Command::Check(from)) = &args.command;
    let tree = match (&from.git, &from.rev, &from.dir) {
        (Some(git), Some(rev), _) => Tree::at(git, rev, from.name.as_deref())?,
        (_, _, Some(dir)) => Tree::Folder(dir.clone()),
        // Refused by the parser of arguments.
        _ => return Ok(false),
    };
    let root = crate::paths::root();
    match &args.command {
        Command::Extract(_) => extract(tree, &root),
        Command::Check(_) => check(tree, &root),
    }
}

/// Runs the command in a binary that has the parser.
///
/// # Errors
///
/// As that binary.
#[cfg(not(feature = "protos"))]
pub fn run(_: &Args) -> Outcome {
    crate::clang_door::again_with("protos")
}
