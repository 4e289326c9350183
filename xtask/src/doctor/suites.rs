//! Which tests run here, and which are skipped.

use super::machine::Machine;
use super::{Row, State, good};

/// A group of tests, and the things without which it is skipped.
const SUITES: [(&str, &str, &[&str]); 10] = [
    ("CPU plugin", "--test 'cpu*' and most others", &["cpu"]),
    (
        "TPU plugin",
        "--test tpu_programs --test ext_tpu ..",
        &["tpu"],
    ),
    ("CUDA plugin", "--test cuda", &["cuda13"]),
    (
        "generator",
        "--test fixtures --test overlay_errors",
        &["libclang"],
    ),
    ("JAX oracle", "--test jax_oracle", &["cpu", "pip", "venv"]),
    ("Redis store", "--test stores", &["redis-server"]),
    (
        "real headers",
        "--test witness_compilers",
        &["C++ compiler", "C headers"],
    ),
    (
        "header stubs",
        "--test header_stubs",
        &["C++ compiler", "git", "git of XLA"],
    ),
    ("NumPy files", "--test run_cmd", &["cpu", "numpy"]),
    ("valgrind", ".ci/valgrind", &["valgrind"]),
];

/// One row for each group. What is looked at already says how its lack is mended.
pub fn rows(machine: &Machine, looked: &[Row]) -> Vec<Row> {
    let mut rows = vec![
        Row::ready(
            "mock plugin",
            "--test mock_core and others: no plugin is needed",
        )
        .of("tests"),
    ];
    let with_plugins = looked.iter().any(|row| row.part == "plugins");
    let known = |name: &str| looked.iter().any(|row| row.name == name);
    for (name, what, needs) in SUITES {
        let unknown = needs.iter().any(|need| !known(need));
        if unknown && !with_plugins {
            continue;
        }
        let lacks: Vec<&str> = needs
            .iter()
            .copied()
            .filter(|need| !good(looked, need))
            .collect();
        let left_out = needs.iter().find(|need| is_left_out(machine, need));
        let row = match (left_out, lacks.is_empty()) {
            (Some(plugin), _) => Row::lacking(
                name,
                State::Skipped,
                format!("{what}: PJRT_TEST_PLUGINS leaves out {plugin}"),
                "unset PJRT_TEST_PLUGINS",
            ),
            (None, false) => {
                let found = format!("{what}: no {}", lacks.join(", no "));
                Row {
                    next: None,
                    ..Row::lacking(name, State::Skipped, found, "")
                }
            }
            (None, true) => Row::ready(name, what),
        };
        rows.push(row.of("tests"));
    }
    let nightly = match good(looked, "nightly") {
        true => Row::ready("sanitizer", ".ci/sanitize"),
        false => Row {
            next: None,
            ..Row::lacking("sanitizer", State::Skipped, ".ci/sanitize: no nightly", "")
        },
    };
    rows.push(nightly.of("tests"));
    rows
}

/// Whether a variable keeps the tests from a plugin.
fn is_left_out(machine: &Machine, plugin: &str) -> bool {
    let is_plugin = ["cpu", "tpu", "cuda13"].contains(&plugin);
    let list = machine
        .var("PJRT_TEST_PLUGINS")
        .map(|list| list.to_string_lossy().into_owned());
    is_plugin && list.is_some_and(|list| !list.split(',').any(|entry| entry == plugin))
}
