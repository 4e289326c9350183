//! What must not compile does not, and the compiler says why: programs in `tests/ui`, each with the
//! messages that it gives.
//!
//! The messages are those of one version of the compiler; under another the test is left out. To
//! write them anew, after a change or for a newer compiler (then change `COMPILER` too):
//! `TRYBUILD=overwrite cargo test -p xla-pjrt --test ui`, and read the difference.

use std::process::Command;

/// The compiler whose messages are expected.
const COMPILER: &str = "rustc 1.95.0 ";

#[test]
fn what_must_not_compile_does_not() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().unwrap();
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    if !version.starts_with(COMPILER) {
        eprintln!("skipped: the messages are those of {COMPILER}, this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("../tests/ui/*.rs");
}
