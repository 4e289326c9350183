//! What the macros of vendors make compiles, for callers and for plugins: of every extension of
//! upstream's, taken as a vendor's, with every size and offset asserted by the compiler.

use pjrt_codegen::model::{Model, from_json};
use pjrt_codegen::vendor::{items, server};
use std::path::Path;
use std::process::Command;

#[test]
fn every_extension_of_upstreams_compiles_as_a_vendors() {
    let root = xtask::paths::root();
    let text = std::fs::read_to_string(root.join("pjrt/model.json")).unwrap();
    let upstream = from_json(&text).unwrap();
    let mut lib = String::from("#![allow(warnings)]\n");
    let mut count = 0;
    let extensions = upstream.facts.headers.iter();
    for header in extensions.filter(|h| h.extension.is_some()) {
        // Its overlay names a function written by hand, which takes the table of `pjrt`.
        if header.module == "tpu_topology" {
            continue;
        }
        let name = header.extension.as_ref().map_or("", |e| e.name.as_str());
        if !upstream.overlay.extensions.contains_key(name) {
            continue;
        }
        let model = Model::new(
            upstream.facts.clone(),
            upstream.overlay.clone(),
            upstream.judgements.clone(),
            upstream.versions.clone(),
        )
        .for_vendor(&header.module);
        let tokens = items::items(&model, &["upstream".to_owned()]).unwrap();
        lib.push_str(&format!("pub mod {} {{\n{tokens}\n}}\n", header.module));
        // The plugin's side of it.
        let tokens = server::items(&model, &["upstream".to_owned()]).unwrap();
        lib.push_str(&format!(
            "pub mod {}_server {{\n{tokens}\n}}\n",
            header.module
        ));
        count += 1;
    }
    assert!(count > 10, "only {count} extensions");
    check(&root, &lib);
}

/// Compiles a library over `pjrt`, as far as there are errors to find.
fn check(root: &Path, lib: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vendor_items");
    std::fs::create_dir_all(folder.join("src")).unwrap();
    let pjrt = root.join("pjrt");
    let manifest = format!(
        "[package]\nname = \"vendor_items\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\npjrt = {{ package = \"xla-pjrt\", path = {pjrt:?}, features = [\"extension-kit\"] }}\n\n[workspace]\n"
    );
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(folder.join("src/lib.rs"), lib).unwrap();
    // The versions are those that everything else is built with.
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "what is made for vendors does not compile; the package is {}:\n{}",
        folder.display(),
        String::from_utf8_lossy(&output.stderr)
    );
}
