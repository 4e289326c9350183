//! Every extension of the mock plugin under the safe layer: each of their functions is called and
//! answers, nothing is left behind and no rule is broken.

#[path = "mock_extensions/scenes.rs"]
mod scenes;

use pjrt_mock::newest;
use pjrt_tests::mock;
use scenes::Scene;

#[test]
fn every_function_of_every_extension_is_called() {
    let plugin = mock(newest());
    let scene = Scene::new(&plugin.mock, *plugin);
    scenes::all().iter().for_each(|(_, step)| step(&scene));
    let implemented = pjrt_mock::implemented();
    let silent: Vec<_> = implemented
        .iter()
        .filter(|name| !pjrt_mock::is_core(name) && !name.starts_with("XLA_FFI"))
        .filter(|name| !name.starts_with("PJRT_HostAllocator"))
        .filter(|name| scene.mock.calls(name) == 0)
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
    // A number has no table, and one extension is gone.
    assert_eq!(scene.plugin.extensions().len(), 24);
}

#[test]
fn custom_calls_are_made_by_programs() {
    let plugin = mock(newest());
    let scene = Scene::new(&plugin.mock, *plugin);
    scenes::calls().iter().for_each(|(_, step)| step(&scene));
}

#[test]
fn every_function_that_the_safe_layer_calls_has_a_behaviour() {
    let model = pjrt_codegen::model::from_json(include_str!("../../pjrt/model.json"));
    let model = model.unwrap_or_else(|faults| panic!("{faults}"));
    // What nobody has judged yet answers that it is not implemented.
    let mut without = pjrt_mock::without_behaviour();
    without.retain(|name| model.entry(name).is_some());
    assert_eq!(without, [""; 0]);
    assert_eq!(pjrt_mock::misnamed(), [""; 0]);
}

#[test]
fn extensions_are_those_of_their_version() {
    for (minor, tables) in [(54, 6), (81, 16), (90, 18), (114, 23)] {
        let plugin = mock(minor);
        let mut nodes = plugin.extensions();
        nodes.retain(|node| node.kind != pjrt::ExtensionType::UNKNOWN);
        assert_eq!(nodes.len(), tables, "{minor}");
    }
}

#[test]
fn a_table_behind_a_pointer_is_as_long_as_that_version_has_it() {
    for (minor, consumes) in [(54, false), (112, false), (newest(), true)] {
        let plugin = mock(minor);
        let profiler: pjrt::profiler::Profiler = plugin.extension().unwrap();
        let mut session = profiler.create(&[]).unwrap();
        session.start().unwrap();
        session.stop().unwrap();
        assert!(!session.collect().unwrap().is_empty());
        assert_eq!(session.consume().is_ok(), consumes, "{minor}");
    }
}

#[test]
fn objects_of_older_versions_lack_what_came_later() {
    // Their tables begin with 0.113, and the rest is of 0.114.
    for minor in [74, 111, 113] {
        let plugin = mock(minor);
        let scene = Scene::new(&plugin.mock, *plugin);
        let raw = scene.plugin.extension::<pjrt::raw_buffer::RawBuffers>();
        let raw = raw.unwrap().alias_of(&scene.floats()).unwrap();
        assert_eq!(raw.copy_to_host(0, 4).unwrap().wait().unwrap().len(), 4);
        assert_eq!(raw.on_device_size().unwrap(), 16);
        assert!(raw.slice(0, 4).is_err(), "{minor}");
        let object = raw.to_raw();
        assert_eq!(object.is_ok(), minor == 113, "{object:?}");
        if let Ok(object) = object {
            // SAFETY: the reference that was counted.
            drop(unsafe { pjrt::raw_buffer::RawBuffer::from_raw(&scene.plugin, object) }.unwrap());
        }
    }
}

#[test]
fn memory_of_the_host_had_another_extension_once() {
    let plugin = mock(81);
    let scene = Scene::new(&plugin.mock, *plugin);
    scenes::OLD.iter().for_each(|(_, step)| step(&scene));
    for name in ["Allocate", "Free", "GetPreferredAlignment"] {
        let calls = scene.mock.calls(&format!("PJRT_HostAllocator_{name}"));
        assert_eq!(calls, 1, "{name}");
    }
}
