//! What people are told about faults in an overlay: every diagnostic, with its place.

#[path = "fixtures/folder.rs"]
#[allow(dead_code, reason = "the other test uses the rest of it")]
mod folder;

use pjrt_codegen::derived;

#[test]
fn every_faulty_overlay_is_refused_with_what_its_snapshot_says() {
    xtask::libclang::ensure(&xtask::paths::target()).unwrap();
    let mut faults = Vec::new();
    for fixture in folder::all(&folder::root().join("errors")) {
        let facts = fixture.facts();
        let text = match derived::files(&fixture.sources(&facts, true)) {
            Err(errors) => errors.to_string(),
            Ok(_) => {
                faults.push(format!("{}: it is accepted", fixture.name));
                continue;
            }
        };
        if !folder::same(&fixture.folder, "expected", &text) {
            faults.push(format!("{}: the diagnostics differ", fixture.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
