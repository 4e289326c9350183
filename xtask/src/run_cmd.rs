//! `cargo xtask run`: compiles and runs a program on any plugin.

use std::io::Write;
use std::path::PathBuf;

use crate::run::{Problem, dump::Dump, session};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The program: MLIR (StableHLO) as text or bytecode, or a serialised HloModuleProto
    pub file: PathBuf,
    /// The plugin: a name, which is installed if it is missing and known, or the path of a library
    #[arg(long, value_name = "NAME|PATH", default_value = "cpu")]
    pub plugin: String,
    /// An input as a .npy file, in the order of the parameters; `2=FILE` is for parameter 2. May be
    /// given many times; inputs that are not given are random
    #[arg(long, value_name = "[N=]FILE")]
    pub input: Vec<String>,
    /// Where the random inputs begin: the same number gives the same values
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Folder for the outputs: output0.npy, output1.npy ..; without it their values are printed
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Run so many times more after the first, and tell how long the runs took
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub repeat: u32,
    /// What else to tell of the compiled program; may be given many times
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub dump: Vec<Dump>,
}

/// Runs the command and prints its error; `false` where there is one.
pub fn report(args: &Args) -> bool {
    let result = run(args, &mut std::io::stdout().lock());
    if let Err(problem) = &result {
        eprintln!("error: {problem}");
    }
    result.is_ok()
}

/// Compiles and runs the program; tells of it on `out`.
///
/// # Errors
///
/// What is wrong with the files or the inputs, what the plugin reports, and errors of `out`.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Problem> {
    session::run(args, out)
}
