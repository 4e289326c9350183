//! `cargo xtask audit PLUGIN`: what is right and wrong with a plugin's file.

use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `audit`.
#[derive(clap::Args)]
#[command(
    after_help = "Exit status: 0 nothing or only notes, 1 something is wrong, 3 nothing can use the \
                  plugin, 2 wrong usage, or a file that the audit needs cannot be read"
)]
pub struct Args {
    /// The plugin's library, or the name of an installed plugin (cpu, tpu, cuda)
    #[arg(required_unless_present = "child")]
    plugin: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// How long the plugin may take to load, initialise and answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    timeout: f64,
    /// A file of facts that names a vendor's extensions; may be given again
    #[arg(long, value_name = "FILE")]
    schema: Vec<PathBuf>,
    /// What the process is given that loads the plugin
    #[arg(long, hide = true, conflicts_with = "plugin")]
    child: Option<String>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    // A day is more than anybody waits.
    match number > 0.0 && number <= 86_400.0 {
        true => Ok(number),
        false => Err("expected more than 0 and at most 86400 seconds".to_owned()),
    }
}

/// Runs the command.
#[cfg(all(unix, feature = "plugins"))]
pub fn run(args: &Args) -> ExitCode {
    use std::io::Write as _;

    if let Some(order) = &args.child {
        return crate::audit::child(order);
    }
    let request = crate::audit::Request {
        plugin: args.plugin.clone().unwrap_or_default(),
        limit: std::time::Duration::from_secs_f64(args.timeout),
        schemas: args.schema.clone(),
        program: std::env::current_exe().unwrap_or_default(),
    };
    let report = match crate::audit::audit(&request) {
        Ok(report) => report,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::from(2);
        }
    };
    let text = match args.json {
        true => format!("{:#}\n", report.json()),
        false => crate::audit::text(&report),
    };
    // A reader that has seen enough is no fault.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(report.status())
}

/// Runs the command in a binary that can load plugins.
#[cfg(not(feature = "plugins"))]
pub fn run(_: &Args) -> ExitCode {
    crate::clang_door::status_with("plugins", 2)
}

/// Says that it cannot.
#[cfg(all(not(unix), feature = "plugins"))]
pub fn run(_: &Args) -> ExitCode {
    eprintln!("error: audits need Linux or macOS: they end the processes that a plugin starts");
    ExitCode::from(2)
}
