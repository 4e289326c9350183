//! The safety exam without its guards.

pub mod page;
pub mod programs;
pub mod rows;
pub mod switches;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use pjrt_codegen::diag::Diagnostic;
use serde_json::Value;

use crate::paths;

/// An error of this command.
pub fn failed(message: impl Into<String>) -> Diagnostic {
    Diagnostic::new("X040", "exam", message)
}

/// Cargo, in the workspace.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(paths::root());
    command
}

/// A command that stands before the compiler's and adds flags, for the crates of this workspace: what
/// they depend on is not built again. Cargo keeps what it makes by the path of the command, which
/// tells the flags apart.
fn with_flags(name: &str, flags: &[String]) -> Result<PathBuf, Diagnostic> {
    let folder = paths::target().join("exam");
    let path = folder.join(format!("rustc-{name}.sh"));
    let write = || {
        std::fs::create_dir_all(&folder)?;
        let flags: Vec<String> = flags.iter().map(|flag| format!("'{flag}'")).collect();
        std::fs::write(
            &path,
            format!("#!/bin/sh\nexec \"$@\" {}\n", flags.join(" ")),
        )?;
        executable(&path)
    };
    write().map_err(|error| failed(format!("cannot write {}: {error}", path.display())))?;
    let whole = path.canonicalize();
    whole.map_err(|error| failed(format!("cannot find {}: {error}", path.display())))
}

#[cfg(unix)]
fn executable(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_: &std::path::Path) -> std::io::Result<()> {
    Err(std::io::Error::other(
        "the guards are turned off by a shell script",
    ))
}

/// Builds something and gives the files of the target of that name. Cargo says the rest on standard
/// error.
fn built(
    what: &[&str],
    target: &str,
    compiler: Option<PathBuf>,
) -> Result<Vec<PathBuf>, Diagnostic> {
    let mut command = cargo();
    command
        .args(what)
        .arg("--message-format=json-render-diagnostics");
    if let Some(compiler) = compiler {
        command.env("RUSTC_WORKSPACE_WRAPPER", OsString::from(compiler));
    }
    let ran = command.stderr(Stdio::inherit()).output();
    let ran = ran.map_err(|error| failed(format!("cannot run cargo: {error}")))?;
    if !ran.status.success() {
        return Err(failed(format!("{command:?} failed")));
    }
    let text = String::from_utf8_lossy(&ran.stdout);
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    Ok(files_of(messages, target))
}

/// The files that cargo made of a target.
fn files_of(messages: impl Iterator<Item = Value>, target: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for message in messages {
        if message["reason"] != "compiler-artifact" || message["target"]["name"] != target {
            continue;
        }
        let made = message["filenames"].as_array().into_iter().flatten();
        let made = made.chain(Some(&message["executable"]));
        found.extend(made.filter_map(Value::as_str).map(PathBuf::from));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_files_of_a_target_are_found_among_what_cargo_says() {
        let messages = [
            json!({"reason": "build-finished", "success": true}),
            json!({
                "reason": "compiler-artifact",
                "target": {"name": "other"},
                "filenames": ["/t/libother.rlib"],
                "executable": null,
            }),
            json!({
                "reason": "compiler-artifact",
                "target": {"name": "pjrt"},
                "filenames": ["/t/libpjrt.rmeta"],
                "executable": null,
            }),
        ];
        let found = files_of(messages.into_iter(), "pjrt");
        assert_eq!(found, [PathBuf::from("/t/libpjrt.rmeta")]);
    }
}
