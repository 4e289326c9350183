//! The mirror of the macro's output is what the invocations in `pjrt/src` expand to, and compiles
//! outside that crate, as a vendor's expansion must.

use pjrt::__rt;
use pjrt_codegen::derived;
use pjrt_codegen::expand;
use std::path::{Path, PathBuf};

/// Stands for the type that methods of the plugin are expanded on.
#[allow(dead_code, reason = "it is compiled, not called")]
struct Plugin(pjrt::Plugin);

impl __rt::OnPlugin for Plugin {
    fn api(&self) -> &'static __rt::Api {
        __rt::OnPlugin::api(&self.0)
    }
}

#[path = "../snapshots/expanded.rs"]
mod expanded;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("pjrt/src"), &mut found);
    found
}

#[test]
fn every_invocation_expands_to_its_mirror() {
    let text = std::fs::read_to_string(root().join(derived::MODEL)).unwrap();
    let model = pjrt_codegen::model::from_json(&text).unwrap();
    let mut seen = 0;
    for path in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        for invocation in derived::invocations(&path.display().to_string(), &text).unwrap() {
            let file = root().join(derived::MIRRORS).join(invocation.mirror());
            let expected = std::fs::read_to_string(&file).unwrap();
            assert_eq!(
                derived::mirror(&invocation, &model).unwrap(),
                expected,
                "{}",
                file.display()
            );
            seen += 1;
        }
    }
    assert_eq!(
        seen,
        std::fs::read_dir(root().join(derived::MIRRORS))
            .unwrap()
            .count()
    );
}

#[test]
fn the_door_adds_nothing_but_the_dependency_on_the_model() {
    // The macro is one call of this function, with the model that the crate's folder holds.
    let text = std::fs::read_to_string(root().join(derived::MODEL)).unwrap();
    let model = pjrt_codegen::model::from_json(&text).unwrap();
    let input = "handle PJRT_Memory";
    let door = expand::tokens_or_error(input.parse().unwrap(), Ok(&model)).to_string();
    let items = expand::Invocation::parse(input.parse().unwrap())
        .unwrap()
        .expand(&model)
        .unwrap()
        .to_string();
    let (dependency, rest) = door.split_at(door.len() - items.len());
    assert_eq!(rest, items);
    assert!(
        dependency.starts_with("const _ : & [u8] = :: core :: include_bytes !"),
        "{dependency}"
    );
    let error = expand::tokens_or_error(input.parse().unwrap(), Err("no model")).to_string();
    assert_eq!(error, ":: core :: compile_error ! (\"no model\") ;");
}
