//! Every extension of the mock plugin under the safe layer: each of their functions is called and
//! answers, nothing is left behind and no rule is broken.

#[path = "mock_extensions/called.rs"]
mod called;
#[path = "mock_extensions/core.rs"]
mod core_objects;
#[path = "mock_extensions/memory.rs"]
mod memory;
#[path = "mock_extensions/slices.rs"]
mod slices;
#[path = "mock_extensions/told.rs"]
mod told;
#[path = "mock_extensions/transfers.rs"]
mod transfers;

use pjrt::{Buffer, Client, ClientOptions, CompileOptions, Executable, Program};
use pjrt_tests::{Mocked, mock};

const NEWEST: u32 = 114;

/// A plugin with what most extensions ask for.
struct Scene {
    client: Client,
    plugin: Mocked,
}

impl Scene {
    fn new(minor: u32) -> Scene {
        let plugin = mock(minor);
        Scene {
            client: plugin.create_client(&ClientOptions::new()).unwrap(),
            plugin,
        }
    }

    fn floats(&self) -> Buffer {
        let values = [1.0f32, 2.0, 3.0, 4.0];
        self.client.buffer_from_slice(&values, &[4]).unwrap()
    }

    fn executable(&self) -> Executable {
        let text = Program::mlir("mock one\nparam f32[4]\nout 0\n");
        let loaded = self.client.compile(&text, &CompileOptions::new()).unwrap();
        loaded.executable().unwrap()
    }
}

#[test]
fn every_function_of_every_extension_is_called() {
    let scene = Scene::new(NEWEST);
    core_objects::all(&scene);
    memory::all(&scene);
    slices::all(&scene);
    told::all(&scene);
    transfers::all(&scene);
    let implemented = pjrt_mock::implemented();
    let silent: Vec<_> = implemented
        .iter()
        .filter(|name| !pjrt_mock::is_core(name) && !name.starts_with("XLA_FFI"))
        .filter(|name| !name.starts_with("PJRT_HostAllocator"))
        .filter(|name| scene.plugin.mock.calls(name) == 0)
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
    // A number has no table, and one extension is gone.
    assert_eq!(scene.plugin.extensions().len(), 24);
}

#[test]
fn custom_calls_are_made_by_programs() {
    called::all(&Scene::new(NEWEST));
}

#[test]
fn every_function_has_a_behaviour() {
    assert_eq!(pjrt_mock::without_behaviour(), [""; 0]);
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
    for (minor, consumes) in [(54, false), (112, false), (NEWEST, true)] {
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
        let scene = Scene::new(minor);
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
    let scene = Scene::new(81);
    memory::old_host(&scene);
    for name in ["Allocate", "Free", "GetPreferredAlignment"] {
        let calls = scene
            .plugin
            .mock
            .calls(&format!("PJRT_HostAllocator_{name}"));
        assert_eq!(calls, 1, "{name}");
    }
}
