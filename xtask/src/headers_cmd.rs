//! `cargo xtask headers`: obtains a set of headers.

use std::path::PathBuf;

use crate::headers::{self, HeaderSet};
use crate::outcome::Outcome;
use crate::paths;

/// Arguments of `headers`.
#[derive(clap::Args)]
pub struct Args {
    /// Package to take them from: pypjrt, xla-cpu-pjrt or tensorflow-cpu [default: pypjrt]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["from", "git"])]
    package: Option<String>,
    /// Folder with XLA's layout to take them from
    #[arg(long, value_name = "DIR", conflicts_with = "git")]
    from: Option<PathBuf>,
    /// Git repository to take them from: an address or a local clone
    #[arg(long, value_name = "URL_OR_DIR", requires = "rev")]
    git: Option<String>,
    /// Revision of the git repository
    #[arg(long, requires = "git")]
    rev: Option<String>,
    /// Name of the git repository for the record, `owner/name` [default: from its address]
    #[arg(long, requires = "git")]
    name: Option<String>,
    /// Folder to write; by default one for the set under `target/headers`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the command; prints the folder.
pub fn run(args: &Args) -> Outcome {
    let target = paths::target();
    let out = args.out.as_deref();
    let obtained = match (&args.from, &args.git, &args.rev) {
        (Some(folder), ..) => headers::from_folder(folder, out, &target)?,
        (_, Some(git), Some(rev)) => {
            headers::from_git(git, rev, args.name.as_deref(), out, &target)?
        }
        _ => {
            let package = args.package.as_deref().unwrap_or("pypjrt");
            headers::from_package(package, out, &target)?
        }
    };
    let set = HeaderSet::open(&obtained.root)?;
    let source = &obtained.source;
    eprintln!(
        "{} headers from {}{}",
        set.files.len(),
        [source.kind.as_str(), &source.name, &source.revision]
            .join(" ")
            .trim_end(),
        if obtained.kept { ", already there" } else { "" }
    );
    if !set.left_out.is_empty() {
        eprintln!("left out, for they hold C++: {}", set.left_out.join(", "));
    }
    println!("{}", obtained.root.display());
    Ok(true)
}
