//! Command-line door of the workspace: `cargo xtask ..`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::outcome::exit;
use xtask::{codegen_cmd, coverage_cmd, diff_cmd, headers_cmd, schema_cmd};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tools of the PJRT bindings")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install, list and find plugins
    #[cfg(feature = "plugins")]
    #[command(subcommand)]
    Plugin(xtask::plugin_cmd::PluginCommand),
    /// Install the CPU plugin if it is missing, compile a small program and run it
    #[cfg(feature = "plugins")]
    Quickstart,
    /// Compile and run a program on a plugin, on inputs from .npy files or random ones
    #[cfg(feature = "run")]
    Run(xtask::run_cmd::Args),
    /// Compile and run a program on a plugin, on inputs from .npy files or random ones
    #[cfg(not(feature = "run"))]
    #[command(disable_help_flag = true)]
    Run(Rest),
    /// Install, list and find plugins
    #[cfg(not(feature = "plugins"))]
    #[command(disable_help_flag = true)]
    Plugin(Rest),
    /// Install the CPU plugin if it is missing, compile a small program and run it
    #[cfg(not(feature = "plugins"))]
    #[command(disable_help_flag = true)]
    Quickstart(Rest),
    /// What is right and wrong with a plugin's file
    Audit(xtask::audit_cmd::Args),
    /// Write every derived file: bindings, model, mirrors
    Codegen(codegen_cmd::Args),
    /// Take a new set of headers: everything that follows without a person, and what needs one
    Bump(xtask::bump_cmd::Args),
    /// What became of every function, field, enum value and slot
    Coverage(coverage_cmd::Args),
    /// What is different between two sets of headers
    Diff(diff_cmd::Args),
    /// What of this machine is ready, and what mends each lack
    Doctor(xtask::doctor_cmd::Args),
    /// The safety exam, and whether its tests notice that a guard is gone
    Exam(xtask::exam_cmd::Args),
    /// Obtain a set of C headers
    Headers(headers_cmd::Args),
    /// All versions of the C headers, folded
    History(xtask::history_cmd::Args),
    /// The facts about protocol buffer messages
    Protos(xtask::protos_cmd::Args),
    /// The facts about the C headers
    Schema(schema_cmd::Args),
    /// A crate for an extension that a vendor's header declares
    Vendor(xtask::vendor_cmd::Args),
}

/// What a binary with more features will read.
#[cfg(not(all(feature = "plugins", feature = "run")))]
#[derive(clap::Args)]
struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<std::ffi::OsString>,
}

fn main() -> ExitCode {
    exit(match Cli::parse().command {
        #[cfg(feature = "plugins")]
        Command::Plugin(command) => Ok(xtask::plugin_cmd::report(command)),
        #[cfg(feature = "plugins")]
        Command::Quickstart => Ok(xtask::quickstart_cmd::report()),
        #[cfg(not(feature = "plugins"))]
        Command::Plugin(_) | Command::Quickstart(_) => xtask::clang_door::again_with("plugins"),
        #[cfg(feature = "run")]
        Command::Run(args) => Ok(xtask::run_cmd::report(&args)),
        #[cfg(not(feature = "run"))]
        Command::Run(_) => xtask::clang_door::again_with("run"),
        Command::Audit(args) => return xtask::audit_cmd::run(&args),
        Command::Codegen(args) => codegen_cmd::run(&args),
        Command::Bump(args) => xtask::bump_cmd::run(&args),
        Command::Coverage(args) => coverage_cmd::run(&args),
        Command::Diff(args) => return diff_cmd::run(&args),
        Command::Doctor(args) => xtask::doctor_cmd::run(&args),
        Command::Exam(args) => xtask::exam_cmd::run(&args),
        Command::Headers(args) => headers_cmd::run(&args),
        Command::History(args) => xtask::history_cmd::run(&args),
        Command::Protos(args) => xtask::protos_cmd::run(&args),
        Command::Schema(args) => schema_cmd::run(args),
        Command::Vendor(args) => xtask::vendor_cmd::run(&args),
    })
}
