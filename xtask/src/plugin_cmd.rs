//! `plugin`: installs, lists and finds plugins. All of it is in the library `pjrt`.

use std::error::Error;
use std::io::{self, IsTerminal, Write};

use pjrt::find::Search;
use pjrt::install::{Installer, Progress, platform};

/// What to do with plugins.
#[derive(Debug, clap::Subcommand)]
pub enum PluginCommand {
    /// Put plugins from their Python packages under the cache directory.
    Install {
        /// Their names, as `plugin list` shows them.
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Show the plugins that can be installed and those that are.
    List,
    /// Print the path of a plugin's library, wherever it is found.
    Path {
        /// The plugin's name.
        name: String,
    },
}

/// Runs the command.
///
/// # Errors
///
/// What the library says, and errors of standard output.
pub fn run(command: PluginCommand) -> Result<(), Box<dyn Error>> {
    match command {
        PluginCommand::Install { names } => {
            for name in names {
                install(&name)?;
            }
        }
        PluginCommand::List => list(&mut io::stdout().lock())?,
        PluginCommand::Path { name } => {
            let library = Search::new().find(&name)?;
            writeln!(io::stdout(), "{}", library.display())?;
        }
    }
    Ok(())
}

/// Runs the command and prints its error; `false` where there is one.
pub fn report(command: PluginCommand) -> bool {
    let result = run(command);
    if let Err(error) = &result {
        eprintln!("error: {error}");
    }
    result.is_ok()
}

fn install(name: &str) -> Result<(), Box<dyn Error>> {
    writeln!(io::stdout(), "{}", installed(name)?.display())?;
    Ok(())
}

/// The library of a plugin, installed if it is missing, with a line that shows the progress.
///
/// # Errors
///
/// What the library says.
pub fn installed(name: &str) -> Result<std::path::PathBuf, pjrt::install::InstallError> {
    let mut line = StatusLine::new(name);
    let result = Installer::new()
        .on_progress(|progress| line.show(&progress))
        .install(name);
    line.end();
    Ok(result?.library)
}

fn list(out: &mut impl Write) -> io::Result<()> {
    let installer = Installer::new();
    let mut others = installer.installed();
    for plugin in installer.known() {
        let state = match installer.path_of(&plugin.name) {
            Some(library) => {
                others.retain(|other| other.library != library);
                library.display().to_string()
            }
            None if plugin.wheels_for(platform()).is_none() => {
                format!("no package for {}", platform())
            }
            None => "not installed".to_owned(),
        };
        writeln!(
            out,
            "{:<14} {:<9} {}",
            plugin.name, plugin.version, plugin.about
        )?;
        writeln!(out, "{:<24} {state}", "")?;
    }
    for other in others {
        writeln!(
            out,
            "{:<14} {:<9} another version",
            other.name, other.version
        )?;
        writeln!(out, "{:<24} {}", "", other.library.display())?;
    }
    Ok(())
}

/// One line on standard error that is written over; where that is no terminal, a line per step.
struct StatusLine {
    name: String,
    terminal: bool,
    last: String,
}

impl StatusLine {
    fn new(name: &str) -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            name: name.to_owned(),
            terminal,
            last: String::new(),
        }
    }

    fn show(&mut self, progress: &Progress<'_>) {
        let text = text_of(progress, self.terminal);
        if text.is_empty() || text == self.last {
            return;
        }
        let mut stderr = io::stderr().lock();
        // A status line that cannot be written is no reason to stop.
        let _ = if self.terminal {
            write!(stderr, "\r\x1b[K{}: {text}", self.name)
        } else {
            writeln!(stderr, "{}: {text}", self.name)
        };
        let _ = stderr.flush();
        self.last = text;
    }

    fn end(&self) {
        if self.terminal && !self.last.is_empty() {
            let _ = writeln!(io::stderr());
        }
    }
}

fn text_of(progress: &Progress<'_>, terminal: bool) -> String {
    match progress {
        Progress::Waiting => "waiting for another install of it".to_owned(),
        Progress::Resolving { version, .. } => format!("version {version}"),
        Progress::Downloading {
            package,
            version,
            bytes,
            number,
            of,
        } => {
            let size = bytes
                .map(|bytes| format!(", {}", megabytes(bytes)))
                .unwrap_or_default();
            let count = if *of > 1 {
                format!(" ({number} of {of})")
            } else {
                String::new()
            };
            format!("fetching {package} {version}{size}{count}")
        }
        Progress::Verifying { file } => format!("checking {file}"),
        Progress::Unpacking {
            package,
            done,
            total,
        } if terminal || done == total => {
            format!(
                "unpacking {package}, {} of {}",
                megabytes(*done),
                megabytes(*total)
            )
        }
        Progress::Done { .. } => "installed".to_owned(),
        _ => String::new(),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_one_line() {
        let download = Progress::Downloading {
            package: "nvidia-cublas",
            version: "13.1",
            bytes: Some(1_500_000),
            number: 2,
            of: 13,
        };
        assert_eq!(
            text_of(&download, true),
            "fetching nvidia-cublas 13.1, 2 MB (2 of 13)"
        );
        let half = Progress::Unpacking {
            package: "p",
            done: 1,
            total: 2_000_000,
        };
        assert_eq!(text_of(&half, true), "unpacking p, 1 MB of 2 MB");
        assert_eq!(text_of(&half, false), "");
    }

    #[test]
    fn the_list_names_every_known_plugin() {
        let mut out = Vec::new();
        list(&mut out).expect("a buffer can be written");
        let text = String::from_utf8_lossy(&out);
        for name in ["cpu", "tpu", "cuda13", "cuda12-0.4.30", "cuda12-0.9.0"] {
            assert!(text.contains(name), "{text}");
        }
    }
}
