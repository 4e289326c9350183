//! For each idiom of the C headers a folder with a small header and its overlay: what is generated
//! of them is what the snapshots say, and compiles.
//!
//! The header goes through all of it: the extractor, the overlay's loader, the model and its JSON,
//! lowering and emission. `tests/fixtures/README.md` tells how to add one.

#[path = "fixtures/folder.rs"]
mod folder;
#[path = "fixtures/package.rs"]
mod package;

use pjrt_codegen::derived::{self, Sources};
use pjrt_codegen::model;
use std::collections::BTreeSet;

#[test]
fn every_fixture_generates_what_its_snapshots_say_and_that_compiles() {
    xtask::libclang::ensure(&xtask::paths::target()).unwrap();
    let mut package = package::Package::new();
    let mut faults = Vec::new();
    for fixture in folder::all(&folder::root()) {
        let facts = fixture.facts();
        let sources = fixture.sources(&facts, false);
        let files = match derived::files(&sources) {
            Ok(files) => files,
            Err(errors) => {
                faults.push(format!("{}: {errors}", fixture.name));
                continue;
            }
        };
        assert!(
            survives_storing(&sources),
            "{}: the model changes when it is stored",
            fixture.name
        );
        let mut compared = BTreeSet::new();
        for (path, text) in &files {
            let Some(file) = path.strip_prefix(&format!("{}/", derived::MIRRORS)) else {
                continue;
            };
            if !folder::same(&fixture.snapshots, file, text) {
                faults.push(format!("{}: {file} differs", fixture.name));
            }
            compared.insert(format!("{file}.snap"));
        }
        for path in fixture.stale(&compared) {
            faults.push(format!(
                "{}: nothing generates it; remove it",
                path.display()
            ));
        }
        package.add(&fixture, &facts, &files);
    }
    package.check();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether the macro, which reads the model from JSON, expands to the same.
fn survives_storing(sources: &Sources) -> bool {
    let built = sources.model().unwrap();
    let stored = model::from_json(&model::to_json(&built)).unwrap();
    sources.rust.iter().all(|(path, text)| {
        let invocations = derived::invocations(path, text).unwrap();
        invocations
            .iter()
            .all(|i| derived::mirror(i, &stored) == derived::mirror(i, &built))
    })
}
