//! Commands that need more than the plain binary has: libclang (feature `clang`), so that the
//! first steps of a newcomer build neither bindgen nor clang-sys, or the library `pjrt` (feature
//! `plugins`), so that the generator also runs while that does not compile. The same command is
//! run again in a binary that has the feature.

use std::path::Path;
use std::process::{Command, ExitCode};

use pjrt_codegen::diag::Diagnostic;

use crate::outcome::Outcome;

const GUARD: &str = "XTASK_WITH_FEATURE";

/// Runs this very command again with the feature `clang`, in the same cargo profile.
pub fn again() -> Outcome {
    again_with("clang")
}

/// Runs this very command again with a feature, in the same cargo profile.
pub fn again_with(feature: &str) -> Outcome {
    // Where it is not 0, it has printed why.
    Ok(rerun(feature)? == 0)
}

/// As [`again_with`], for commands whose exit status says more: it is theirs, or `failed` where they
/// cannot be run.
pub fn status_with(feature: &str, failed: u8) -> ExitCode {
    match rerun(feature) {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(failed)),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(failed)
        }
    }
}

fn rerun(feature: &str) -> Result<i32, Diagnostic> {
    let failed = |message: String| Diagnostic::new("X002", "xtask", message);
    if std::env::var_os(GUARD).is_some_and(|asked| asked == feature) {
        return Err(failed(format!(
            "built with the feature `{feature}`, yet it is missing"
        ))
        .help(format!(
            "run `cargo run --package xtask --features {feature} -- ...` by hand"
        )));
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "run",
        "--quiet",
        "--package",
        "xtask",
        "--features",
        feature,
    ]);
    let exe = std::env::current_exe().unwrap_or_default();
    if let Some(profile) = profile(&exe) {
        command.args(["--profile", &profile]);
    }
    let manifest = crate::paths::root().join("Cargo.toml");
    command.arg("--manifest-path").arg(manifest);
    let status = command
        .arg("--")
        .args(std::env::args_os().skip(1))
        .env(GUARD, feature)
        .status()
        .map_err(|error| failed(format!("cannot run cargo: {error}")))?;
    status
        .code()
        .ok_or_else(|| failed("the command was killed".to_string()))
}

/// The profile that a binary was built in, if it is not the one that cargo takes by itself: the name
/// of its folder within a target folder. An installed binary lies elsewhere.
fn profile(exe: &Path) -> Option<String> {
    let folder = exe.parent()?;
    let in_target = folder.parent()?.join("CACHEDIR.TAG").is_file();
    let name = folder.file_name()?.to_str()?;
    // The folder `debug` belongs to the profile `dev`.
    (in_target && name != "debug").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_in_a_target_folder_has_a_profile_and_an_installed_one_none() {
        let folder = tempfile::tempdir().unwrap();
        let exe = |within: &str| folder.path().join(within).join("xtask");
        assert_eq!(profile(&exe("bin")), None);
        std::fs::write(folder.path().join("CACHEDIR.TAG"), "").unwrap();
        assert_eq!(profile(&exe("debug")), None);
        assert_eq!(profile(&exe("release")), Some("release".to_owned()));
    }
}
