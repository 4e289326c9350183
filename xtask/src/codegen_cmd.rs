//! `cargo xtask codegen`: writes every derived file, or says how the checked-in ones differ.

use crate::outcome::Outcome;

/// Arguments of `codegen`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write nothing; exit with 1 if a file differs, is missing or is extra
    #[arg(long)]
    check: bool,
}

/// Runs the command.
///
/// # Errors
///
/// Faults of schema, overlay or libclang.
#[cfg(feature = "clang")]
pub fn run(args: &Args) -> Outcome {
    use crate::derive;
    use pjrt_codegen::diag::{Diagnostic, Diagnostics};

    let root = crate::paths::root();
    let fault = |message: String| Diagnostics::from(Diagnostic::new("X010", "codegen", message));
    let files = derive::files(&root)?;
    let differences = if args.check {
        derive::compare(&root, &files)
    } else {
        derive::write(&root, &files)
    };
    let differences = differences.map_err(fault)?;
    for difference in &differences {
        println!("{difference}");
    }
    match (args.check, differences.len()) {
        (_, 0) => println!("{} derived files are as they must be", files.len()),
        (true, n) => println!(
            "{n} of {} derived files are not as they must be: run `cargo xtask codegen`",
            files.len()
        ),
        (false, n) => println!("{n} of {} derived files written", files.len()),
    }
    Ok(!args.check || differences.is_empty())
}

/// Runs the command in a binary that has libclang.
///
/// # Errors
///
/// As that binary.
#[cfg(not(feature = "clang"))]
pub fn run(_: &Args) -> Outcome {
    crate::clang_door::again()
}
