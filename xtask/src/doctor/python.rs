//! Python and the modules of it that are used.

use super::machine::{Answer, Machine};
use super::tools::told;
use super::{Row, State};

/// The versions that the pinned packages of JAX are for.
const JAX: [&str; 4] = ["3.11", "3.12", "3.13", "3.14"];

/// Python, pip, and what some tests want besides.
pub fn rows(machine: &Machine) -> Vec<Row> {
    let install = "apt-get install python3 python3-pip python3-venv";
    let candidates = match machine.var("PJRT_PYTHON") {
        Some(given) => vec![given.to_owned()],
        None => vec!["python3".into(), "python".into()],
    };
    let there = candidates
        .iter()
        .find(|name| machine.program(name).is_some());
    let Some(python) = there else {
        let tried: Vec<_> = candidates
            .iter()
            .map(|name| name.to_string_lossy())
            .collect();
        let what = format!("{} not found in PATH", tried.join(" and "));
        let lacking = |name, what: &str| Row::lacking(name, State::Missing, what, install);
        return vec![
            lacking("python", &what).needed(),
            lacking("pip", "there is no Python").needed(),
            lacking("venv", "there is no Python"),
            lacking("numpy", "there is no Python"),
        ];
    };
    let mut pip = told(
        "pip",
        machine.ask(python, &["-m", "pip", "--version"]),
        "apt-get install python3-pip",
    );
    if let Some((version, _)) = pip.found.split_once(" from ") {
        pip.found = version.to_owned();
    }
    let module = |code: &str| machine.ask(python, &["-c", code]);
    let numpy = match module("import numpy; print('numpy', numpy.__version__)") {
        Answer::Bad(_) => Row::lacking(
            "numpy",
            State::Missing,
            "not installed",
            "python3 -m pip install numpy",
        ),
        answer => told("numpy", answer, "python3 -m pip install numpy"),
    };
    vec![
        told("python", machine.ask(python, &["--version"]), install).needed(),
        pip.needed(),
        venv(machine),
        numpy,
    ]
}

/// A Python that can make the virtual environment of the JAX tests.
fn venv(machine: &Machine) -> Row {
    let code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])";
    let names = ["python3".to_owned()].into_iter();
    let names = names.chain(JAX.iter().map(|version| format!("python{version}")));
    for name in names {
        if let Answer::Good(version) = machine.ask(&name, &["-c", code])
            && JAX.contains(&version.trim())
        {
            return Row::ready("venv", format!("{name} is {} and has it", version.trim()));
        }
    }
    let what = format!(
        "no Python {} with the modules venv and ensurepip",
        JAX.join(", ")
    );
    Row::lacking("venv", State::Missing, what, "apt-get install python3-venv")
}
