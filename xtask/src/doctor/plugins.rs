//! The plugins. Finding them takes the library `pjrt`, so the plain binary lets one look that has it;
//! and each is loaded in a process of its own, for it may crash or hang.

use std::path::Path;
use std::time::Duration;

use pjrt_codegen::diag::Diagnostic;

use super::machine::{Answer, Machine};
use super::{Row, State};
use crate::outcome::Outcome;

/// How long it may take to build `pjrt`.
const BUILD: Duration = Duration::from_secs(600);
/// How long a plugin may take to be loaded.
#[cfg(feature = "plugins")]
const LOAD: Duration = Duration::from_secs(30);

/// What a binary with the feature `plugins` says: this one, or one that is built now.
pub fn from_outside(machine: &Machine) -> Vec<Row> {
    if cfg!(feature = "plugins") {
        return rows(machine);
    }
    let cargo = machine.var("CARGO").unwrap_or("cargo".as_ref()).to_owned();
    let manifest = machine.root.join("Cargo.toml").display().to_string();
    eprintln!("building pjrt, to look at the plugins ..");
    let arguments = [
        "run",
        "--quiet",
        "--package",
        "xtask",
        "--features",
        "plugins",
        "--manifest-path",
        &manifest,
        "--",
        "doctor",
        "--plugin-rows",
    ];
    let lacking = |state, found: String| {
        let next = "cargo build --package xla-pjrt";
        vec![
            Row::lacking("pjrt", state, found, next)
                .needed()
                .of("plugins"),
        ]
    };
    match machine.ask_for(BUILD, &cargo, &arguments) {
        Answer::Good(text) => {
            let values = text
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            let mut rows = vec![Row::ready("pjrt", "it builds").needed().of("plugins")];
            rows.extend(values.filter_map(|value| Row::from_json(&value)));
            rows
        }
        Answer::NotThere => lacking(State::Missing, "there is no cargo to build it".to_owned()),
        Answer::Bad(how) => lacking(State::Broken, format!("it does not build: {how}")),
    }
}

/// One row for each plugin that can be installed or is.
#[cfg(feature = "plugins")]
pub fn rows(machine: &Machine) -> Vec<Row> {
    use pjrt::find::Search;
    use pjrt::install::{Installer, platform};
    let installer = Installer::new();
    let mut rows = Vec::new();
    for plugin in installer.known() {
        let name = plugin.name.as_str();
        // The tests install these.
        let needed = ["cpu", "tpu"].contains(&name);
        let next = format!("cargo xtask plugin install {name}");
        let row = match Search::new().locate(name) {
            Ok(found) => loaded(machine, name, &found.path, &found.place.to_string()),
            Err(error) if error.ended_early => {
                let why = error
                    .looked
                    .last()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                Row::lacking(
                    name,
                    State::Broken,
                    why,
                    "correct the variable, or leave it unset",
                )
            }
            Err(_) if plugin.wheels_for(platform()).is_none() => {
                let what = format!("there is no package for {}", platform());
                Row::lacking(
                    name,
                    State::Missing,
                    what,
                    "set PJRT_PLUGIN_LIBRARY_PATH to a library",
                )
            }
            Err(_) if needed => Row {
                next: None,
                ..Row::lacking(name, State::Fetched, "not installed; pip fetches it", "")
            },
            Err(_) => Row::lacking(name, State::Missing, "not installed", &next),
        };
        let row = row.of("plugins");
        rows.push(if needed { row.needed() } else { row });
    }
    rows
}

/// Without the feature nothing is known.
#[cfg(not(feature = "plugins"))]
pub fn rows(_: &Machine) -> Vec<Row> {
    Vec::new()
}

/// Loads a plugin in another process.
#[cfg(feature = "plugins")]
fn loaded(machine: &Machine, name: &str, library: &Path, place: &str) -> Row {
    let shown = library.display().to_string();
    let program = std::env::current_exe().unwrap_or_default();
    let next = format!(
        "cargo xtask plugin install {name}, and if that is the one, report it to who made it"
    );
    // As `.cargo/config.toml` has it; this process may have been started without cargo.
    let mut machine = machine.clone();
    for (variable, value) in [
        ("TPU_SKIP_MDS_QUERY", "1"),
        ("ALLOW_MULTIPLE_LIBTPU_LOAD", "1"),
        ("TPU_LOG_DIR", "disabled"),
    ] {
        let vars = &mut machine.vars;
        vars.entry(variable.into()).or_insert_with(|| value.into());
    }
    match machine.ask_for(LOAD, &program, &["doctor", "--load", &shown]) {
        Answer::Good(version) => Row::ready(name, format!("{}, {place}: {shown}", version.trim())),
        Answer::NotThere => Row::lacking(name, State::Broken, "cannot start a process", &next),
        Answer::Bad(how) => {
            let what = format!("{place}: {shown} cannot be loaded: {how}");
            Row::lacking(name, State::Broken, what, &next)
        }
    }
}

/// Loads a plugin in this process and prints its version.
///
/// # Errors
///
/// If it cannot be loaded, or this binary lacks the feature.
pub fn load(library: &Path) -> Outcome {
    let failed = |why: String| Diagnostic::new("X005", library.display().to_string(), why);
    #[cfg(feature = "plugins")]
    {
        use std::io::Write as _;
        let plugin = pjrt::Plugin::load(library).map_err(|error| failed(error.to_string()))?;
        let version = plugin.api_version();
        let written = writeln!(std::io::stdout(), "PJRT {version}");
        written.map_err(|error| failed(error.to_string()))?;
        Ok(true)
    }
    #[cfg(not(feature = "plugins"))]
    Err(failed("this binary was built without the feature `plugins`".to_owned()).into())
}
