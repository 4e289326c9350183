//! What the macro expands to, to be read; the bindings apart, which are those of callers.

use pjrt_codegen::emit::server;
use pjrt_codegen::vendor::invocation::{Files, load};
use pjrt_codegen::{derived, model};
use std::path::Path;

#[test]
fn the_plugins_side_is_what_its_snapshot_says() {
    let upstream = model::from_json(include_str!("../../../pjrt/model.json"));
    let upstream = upstream.unwrap_or_else(|faults| panic!("{faults}"));
    let files = Files {
        schema: "bell.json".to_owned(),
        overlay: vec!["bell.toml".to_owned()],
        history: Some("bell.history.json".to_owned()),
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/extension_server");
    let loaded = load(&upstream, &folder, &files).unwrap_or_else(|faults| panic!("{faults}"));
    let header = loaded.model.vendor().expect("the bell's header");
    let items = server::server(&loaded.model, header).unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("bell_server.rs", derived::text(items).unwrap()));
}
