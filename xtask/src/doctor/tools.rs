//! Rust's tools, compilers and the programs that some tests start.

use super::machine::{Answer, Machine};
use super::{Row, State};

const RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Rust's tools.
pub fn rust(machine: &Machine) -> Vec<Row> {
    let cargo = machine.var("CARGO").unwrap_or("cargo".as_ref()).to_owned();
    let install = "install Rust as https://rustup.rs says";
    vec![
        rustc(machine).needed(),
        told("cargo", machine.ask(&cargo, &["--version"]), install).needed(),
        told(
            "rustfmt",
            machine.ask("rustfmt", &["--version"]),
            "rustup component add rustfmt",
        ),
        told(
            "clippy",
            machine.ask("cargo-clippy", &["clippy", "--version"]),
            "rustup component add clippy",
        ),
        nightly(machine),
    ]
}

/// The compiler, which must be new enough.
fn rustc(machine: &Machine) -> Row {
    let name = machine.var("RUSTC").unwrap_or("rustc".as_ref()).to_owned();
    let row = told(
        "rustc",
        machine.ask(&name, &["--version"]),
        "install Rust as https://rustup.rs says",
    );
    if row.state != State::Ready {
        return row;
    }
    let parts = |text: &str| -> Vec<u32> {
        let digits = text.split(|c: char| !c.is_ascii_digit());
        digits
            .filter_map(|part| part.parse().ok())
            .take(2)
            .collect()
    };
    let found = row.found.clone();
    let version = found.trim_start_matches("rustc ");
    match parts(version) < parts(RUST) {
        true => Row::lacking(
            "rustc",
            State::Broken,
            format!("{found}; {RUST} or later is needed"),
            "rustup update stable",
        ),
        false => row,
    }
}

fn nightly(machine: &Machine) -> Row {
    let next = "rustup toolchain install nightly --profile minimal";
    match machine.ask("rustup", &["toolchain", "list"]) {
        Answer::Good(list) => match list.lines().find(|line| line.starts_with("nightly")) {
            Some(line) => Row::ready("nightly", line),
            None => Row::lacking("nightly", State::Missing, "no nightly toolchain", next),
        },
        Answer::NotThere => Row::lacking("nightly", State::Missing, "no rustup", next),
        Answer::Bad(how) => Row::lacking("nightly", State::Broken, format!("rustup: {how}"), next),
    }
}

/// Compilers of C and C++, and what some tests start or read.
pub fn others(machine: &Machine) -> Vec<Row> {
    let first = |variable: &str, names: &[&str]| {
        let chosen = machine.var(variable).map(|name| name.to_owned());
        let all = chosen
            .into_iter()
            .chain(names.iter().map(|name| (*name).into()));
        let mut answers = all.map(|name| machine.ask(&name, &["--version"]));
        let good = answers.find(|answer| matches!(answer, Answer::Good(_)));
        good.unwrap_or(Answer::NotThere)
    };
    let c = first("CC", &["cc", "gcc", "clang"]);
    let mut linker = told("C compiler", c, "apt-get install gcc");
    // Rust links with it.
    linker.needed = cfg!(unix);
    let cxx = first("CXX", &["c++", "g++", "clang++"]);
    let simple = |name: &str, next: &str| told(name, machine.ask(name, &["--version"]), next);
    vec![
        linker,
        told("C++ compiler", cxx, "apt-get install g++"),
        simple("git", "apt-get install git"),
        simple("valgrind", "apt-get install valgrind"),
        simple("redis-server", "apt-get install redis-server"),
        headers(machine),
        xla_git(machine),
    ]
}

fn headers(machine: &Machine) -> Row {
    let folder = machine.target.join("headers");
    let mut sets = Machine::names(&folder);
    sets.retain(|set| folder.join(set).join("xla/pjrt/c/pjrt_c_api.h").is_file());
    let named = machine
        .var("PJRT_HEADERS")
        .map(|path| path.to_string_lossy().into_owned());
    sets.extend(named);
    match sets.is_empty() {
        true => Row::lacking(
            "C headers",
            State::Missing,
            "none fetched",
            "cargo xtask headers --package pypjrt",
        ),
        false => Row::ready("C headers", sets.join(", ")),
    }
}

/// A repository of XLA, as the tests look for it.
fn xla_git(machine: &Machine) -> Row {
    let name = "git of XLA";
    let next = "set PJRT_XLA_GIT to a clone of https://github.com/openxla/xla";
    let cloned = || {
        let folder = machine.target.join("git");
        let first = Machine::names(&folder).into_iter().next()?;
        Some(folder.join(first))
    };
    let given = machine.var("PJRT_XLA_GIT").map(std::path::PathBuf::from);
    let Some(path) = given.or_else(cloned) else {
        return Row::lacking(name, State::Missing, "PJRT_XLA_GIT is not set", next);
    };
    let shown = path.display().to_string();
    match machine.ask("git", &["-C", &shown, "rev-parse", "--git-dir"]) {
        Answer::Good(_) => Row::ready(name, shown),
        Answer::NotThere => Row::lacking(name, State::Broken, "there is no git to read it", next),
        Answer::Bad(how) => Row::lacking(name, State::Broken, format!("{shown}: {how}"), next),
    }
}

/// A program that tells its version in the first line.
pub fn told(name: &str, answer: Answer, next: &str) -> Row {
    match answer {
        Answer::Good(text) => Row::ready(name, text.lines().next().unwrap_or_default().trim()),
        Answer::NotThere => Row::lacking(name, State::Missing, "not found in PATH", next),
        Answer::Bad(how) => Row::lacking(name, State::Broken, how, next),
    }
}
