//! A virtual environment with JAX, made once below cargo's target folder.

use sha2::{Digest, Sha256};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The versions of Python that the pinned packages are for.
const PYTHONS: &[&str] = &["3.11", "3.12", "3.13", "3.14"];

/// Why there is no JAX on this machine, although nothing is wrong with it.
pub struct Missing(pub String);

/// The Python of the environment, which is made if there is none yet.
///
/// It is made under another name and renamed when it is whole, so that what an interrupt leaves
/// behind is never used, and goes next time. The name says which packages are in it: changed pins
/// make a new one.
///
/// # Panics
///
/// If pip fails for another reason than the network.
pub fn python() -> Result<PathBuf, Missing> {
    let (system, version) = system()?;
    let parent = target().join("jax");
    let pins = Sha256::digest(REQUIREMENTS);
    let pins: String = pins
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let folder = parent.join(format!("{pins}-{version}"));
    std::fs::create_dir_all(&parent).unwrap();
    let lock = std::fs::File::create(parent.join(".lock")).unwrap();
    // One process makes it, the others wait. The lock ends with the process, however that ends.
    lock.lock().unwrap();
    // The Python that it was made of may have gone since.
    if answers(&folder) {
        return Ok(inside(&folder));
    }
    let (new, list) = (parent.join(".partial"), parent.join(".requirements.txt"));
    for old in [&new, &folder] {
        match std::fs::remove_dir_all(old) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                panic!("cannot remove {}: {error}", old.display())
            }
            _ => {}
        }
    }
    let made = run(Command::new(system).args(["-m", "venv"]).arg(&new));
    assert!(made.status.success(), "no environment: {}", shown(&made));
    std::fs::write(&list, REQUIREMENTS).unwrap();
    let options = [
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "install",
        "--no-compile",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        "--requirement",
    ];
    let pip = run(Command::new(inside(&new)).args(options).arg(&list));
    if !pip.status.success() {
        let text = shown(&pip);
        assert!(is_network(&text), "pip did not install JAX:\n{text}");
        return Err(Missing(format!("the packages cannot be fetched:\n{text}")));
    }
    assert!(answers(&new), "JAX was installed and cannot be imported");
    std::fs::rename(&new, &folder).unwrap();
    Ok(inside(&folder))
}

/// A Python that the packages are for and that can make environments, and its version.
fn system() -> Result<(String, &'static str), Missing> {
    let ask = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])";
    let mut candidates = vec!["python3".to_owned()];
    candidates.extend(PYTHONS.iter().map(|version| format!("python{version}")));
    for candidate in candidates {
        let Ok(output) = Command::new(&candidate).args(["-c", ask]).output() else {
            continue;
        };
        let version = String::from_utf8_lossy(&output.stdout);
        let known = PYTHONS.iter().find(|known| **known == version.trim());
        if let Some(known) = known.filter(|_| output.status.success()) {
            return Ok((candidate, known));
        }
    }
    Err(Missing(format!(
        "there is no Python {} with the modules venv and ensurepip",
        PYTHONS.join(", ")
    )))
}

/// Cargo's target folder: a test's program lies in `TARGET/PROFILE/deps`.
fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let folder = program.ancestors().nth(3);
    folder.expect("a test lies in a target folder").to_owned()
}

fn inside(folder: &Path) -> PathBuf {
    folder.join("bin").join("python")
}

/// Whether the environment's Python starts and finds JAX.
fn answers(folder: &Path) -> bool {
    let ask = "import importlib.util as u; assert u.find_spec('jaxlib') and u.find_spec('jax')";
    let output = Command::new(inside(folder))
        .args(["-I", "-c", ask])
        .output();
    output.is_ok_and(|output| output.status.success())
}

fn run(command: &mut Command) -> Output {
    let output = command.output();
    output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
}

fn shown(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// Whether pip failed because the index could not be reached.
fn is_network(text: &str) -> bool {
    let signs = [
        "NewConnectionError",
        "Timeout",
        "timed out",
        "Max retries exceeded",
        "Connection broken",
        "Connection refused",
        "ConnectionResetError",
        "ProxyError",
        "name resolution",
        "Network is unreachable",
        // An index that answers has some version.
        "(from versions: none)",
    ];
    signs.iter().any(|sign| text.contains(sign))
}
