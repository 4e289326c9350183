//! Guards that are types: a program that must not compile does, once the guard is gone.

use std::path::{Path, PathBuf};
use std::process::Command;

use pjrt_codegen::diag::Diagnostic;

use super::rows::{Kind, ROWS, Row};
use super::switches::Verdict;
use super::{built, failed, with_flags};
use crate::paths;

/// The library as it is, and without the guards that are types. Each of these guards is in the way of
/// its own program only, so one build without all of them does for all.
pub struct Compilers {
    whole: PathBuf,
    open: PathBuf,
}

impl Compilers {
    /// Builds both.
    pub fn build() -> Result<Compilers, Diagnostic> {
        let types = ROWS.iter().filter(|row| matches!(row.kind, Kind::Types));
        let flags = types.flat_map(|row| {
            let cfg = format!("pjrt_mutant=\"{}\"", row.name);
            ["--cfg".to_owned(), cfg]
        });
        let flags: Vec<String> = flags.collect();
        Ok(Compilers {
            whole: library(None)?,
            open: library(Some(with_flags("types", &flags)?))?,
        })
    }

    /// Compiles the program of a row with its guard and without.
    pub fn caught(&self, row: &Row) -> Result<Verdict, Diagnostic> {
        let program = paths::root()
            .join("tests/ui/exam")
            .join(format!("{}.rs", row.name));
        if compile(&self.whole, &program)?.is_ok() {
            return Ok(Err("its program compiles with it".to_owned()));
        }
        Ok(match compile(&self.open, &program)? {
            Ok(()) => Ok("its program compiles without it".to_owned()),
            Err(said) => Err(format!("its program does not compile without it: {said}")),
        })
    }
}

/// Checks the library and gives what programs are compiled against.
fn library(compiler: Option<PathBuf>) -> Result<PathBuf, Diagnostic> {
    let files = built(
        &["check", "--package", "xla-pjrt", "--lib"],
        "pjrt",
        compiler,
    )?;
    let is_library = |file: &PathBuf| file.extension().is_some_and(|end| end == "rmeta");
    let found = files.into_iter().find(is_library);
    found.ok_or_else(|| failed("cargo does not say where the library is"))
}

/// Compiles a program, or gives what the compiler says.
fn compile(library: &Path, program: &Path) -> Result<Result<(), String>, Diagnostic> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let out = paths::target().join("exam").join("program.rmeta");
    let mut command = Command::new(rustc);
    command
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "bin",
            "--emit",
            "metadata",
        ])
        .args(["--cap-lints", "allow"])
        .arg("-o")
        .arg(out)
        .arg("--extern")
        .arg(format!("pjrt={}", library.display()))
        .arg("-L")
        .arg(format!(
            "dependency={}",
            library.parent().unwrap_or(library).display()
        ))
        .arg(program);
    let ran = command.output();
    let ran = ran.map_err(|error| failed(format!("cannot run {command:?}: {error}")))?;
    Ok(match ran.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&ran.stderr).into_owned()),
    })
}
