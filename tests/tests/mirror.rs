//! The mirror of the macro's output is what the invocations in `pjrt/src` expand to, and compiles
//! outside that crate, as a vendor's expansion must.

use pjrt::__rt;
use pjrt_codegen::derived;
use pjrt_codegen::expand;
use pjrt_codegen::model;
use std::collections::BTreeSet;
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
    let compiled = std::fs::read_to_string(root().join(derived::MIRROR_MODULES)).unwrap();
    let mut mirrors = folder(&root().join(derived::MIRRORS));
    for path in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        for invocation in derived::invocations(&path.display().to_string(), &text).unwrap() {
            let name = invocation.mirror();
            let file = root().join(derived::MIRRORS).join(&name);
            let expected = std::fs::read_to_string(&file)
                .unwrap_or_else(|e| panic!("{} has no mirror: {e}", path.display()));
            assert_eq!(
                derived::mirror(&invocation, &model).unwrap(),
                expected,
                "{}",
                file.display()
            );
            assert!(
                compiled.contains(&format!("include!(\"expanded/{name}\")")),
                "nothing compiles {name}"
            );
            assert!(mirrors.remove(&name), "{name} is generated twice");
        }
    }
    assert!(mirrors.is_empty(), "nothing generates {mirrors:?}");
}

#[test]
fn every_module_with_functions_and_every_judged_type_is_generated() {
    let text = std::fs::read_to_string(root().join(derived::MODEL)).unwrap();
    let model = pjrt_codegen::model::from_json(&text).unwrap();
    let mirrors = folder(&root().join(derived::MIRRORS));
    for header in &model.facts.headers {
        let tabled = |f: &pjrt_codegen::schema::Function| {
            let extension = header.extension.as_ref().map(|e| &e.table);
            f.table == model::API_TABLE || extension == Some(&f.table)
        };
        if header.functions.iter().any(tabled) {
            let name = format!("calls_{}.rs", header.module);
            assert!(mirrors.contains(&name), "{name}");
        }
    }
    let overlay = &model.overlay;
    let names = |kind: &str, name: &str| mirrors.contains(&format!("{kind}_{name}.rs"));
    for name in overlay.handles.keys() {
        assert!(names("handle", name), "{name}");
    }
    for name in overlay.enums.keys() {
        assert!(names("enum", name), "{name}");
    }
    for name in overlay.values.keys() {
        assert!(names("value", name), "{name}");
    }
}

fn folder(path: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(path).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().into_string().unwrap()
    };
    entries.map(name).collect()
}

#[test]
fn the_door_adds_nothing_to_what_is_generated() {
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
    assert_eq!(door, items);
    let dependency = expand::dependency().to_string();
    assert!(
        dependency.starts_with("const _ : & [u8] = :: core :: include_bytes !"),
        "{dependency}"
    );
    let error = expand::tokens_or_error(input.parse().unwrap(), Err("no model")).to_string();
    assert_eq!(error, ":: core :: compile_error ! (\"no model\") ;");
}
