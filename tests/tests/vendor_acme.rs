//! The example vendor: its crate against its plugin, and the way from a header alone to a call.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use xtask::vendor::new;
use xtask::vendor_cmd::Reading;

/// The example vendor's files.
fn acme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vendor-acme")
}

/// One at a time runs cargo, for they share a target folder.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs cargo in a folder and gives what it printed; what it says on standard error if it fails.
fn cargo(folder: &Path, args: &[&str]) -> String {
    let begun = Instant::now();
    let output = Command::new(env!("CARGO"))
        .args(args)
        .arg("--offline")
        .current_dir(folder)
        // As `vendor_new.rs` builds, so that what both need is built once.
        .env("CARGO_TARGET_DIR", xtask::paths::target().join("vendor"))
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .output()
        .unwrap();
    println!("cargo {args:?} took {:?}", begun.elapsed());
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "cargo {args:?} failed in {}:\n{}\n{printed}",
        folder.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    printed
}

#[test]
fn the_crate_works_with_its_plugin() {
    let _turn = turn();
    let printed = cargo(&acme(), &["test", "--locked"]);
    assert!(printed.contains("a_meters_reference_is_given_up ... ok"));
}

/// Names and versions of the packages in a lock file.
fn locked(path: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let packages = text.split("[[package]]").skip(1);
    let lines =
        packages.map(|package| package.trim().lines().take(2).collect::<Vec<_>>().join(" "));
    lines.collect()
}

#[test]
fn the_vendors_versions_are_those_of_the_workspace() {
    let theirs = locked(&acme().join("Cargo.lock"));
    let ours = locked(&xtask::paths::root().join("Cargo.lock"));
    let more: Vec<_> = theirs.difference(&ours).collect();
    let expected = [
        "name = \"acme-pjrt\" version = \"0.1.0\"",
        "name = \"acme-plugin\" version = \"0.1.0\"",
    ];
    assert_eq!(more, expected);
}

const MAIN: &str = r#"use acme::{Acme, Unit};

acme_plugin::board!(Board);

fn main() -> Result<(), pjrt::Error> {
    let mock = acme_plugin::plugin::<Board>(acme_plugin::Revision::Newest);
    // SAFETY: the table of the plugin lives as long as the process.
    let plugin = unsafe { pjrt::Plugin::from_api(mock.api()) }?;
    let client = plugin.create_client(&pjrt::ClientOptions::new())?;
    let device = client.devices()?.remove(1);
    let acme = plugin.extension::<Acme>()?;

    let probe = acme.probe_create(&device, "inlet", Unit::CELSIUS)?;
    println!("{:?}", probe.read()?);
    println!("{}", String::from_utf8_lossy(&probe.serialize()?));
    Ok(())
}
"#;

#[test]
fn a_header_alone_becomes_a_call() {
    let _turn = turn();
    let begun = Instant::now();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("walk");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();

    // The header, and nothing else.
    let header = folder.join("acme_pjrt_extension.h");
    std::fs::copy(acme().join("acme_pjrt_extension.h"), &header).unwrap();
    let reading = Reading {
        header,
        include: Vec::new(),
        number: None,
        name: None,
        module: None,
        table: None,
    };
    let made = folder.join("acme");
    new::new(&reading, &made).unwrap();
    println!("the crate was there after {:?}", begun.elapsed());
    // Nobody has filled a hole.
    assert_eq!(xtask::vendor::check::check(&made), Ok(false));

    // A program over it.
    let program = folder.join("program");
    std::fs::create_dir_all(program.join("src")).unwrap();
    let root = xtask::paths::root();
    let manifest = format!(
        "[package]\nname = \"walk\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\nacme-pjrt = {{ path = \"../acme\" }}\nacme-plugin = {{ path = {:?} }}\n\
         pjrt = {{ package = \"xla-pjrt\", path = {:?}, features = [\"extension-kit\"] }}\n\n[workspace]\n",
        acme().join("plugin"),
        root.join("pjrt"),
    );
    std::fs::write(program.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(program.join("src/main.rs"), MAIN).unwrap();
    // The versions are those that everything else is built with.
    std::fs::copy(acme().join("Cargo.lock"), program.join("Cargo.lock")).unwrap();
    let printed = cargo(&program, &["run", "--quiet"]);
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(
        lines,
        [
            "ProbeRead { value: 21.0, unit: CELSIUS, nanoseconds: 6000 }",
            "inlet@1"
        ]
    );
    println!("from the header to the call: {:?}", begun.elapsed());
}
