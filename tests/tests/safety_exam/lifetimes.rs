//! Who keeps whom alive, and who belongs to whom.

use crate::support::{MATRIX, NEWEST, both, client, double, matrix, memory, until};
use pjrt::layouts::Layouts;
use pjrt::{ElementType, Error, ExecuteOptions, Plugin};
use pjrt_tests::mock;
use std::sync::Arc;

pub fn borrowed_freed() {
    let ask = |plugin: &Plugin| {
        let client = client(plugin);
        for _ in 0..2 {
            drop(client.topology_description().unwrap());
            drop(client.devices().unwrap());
            drop(memory(&client));
        }
        let executable = double(&client).executable().unwrap();
        let layouts: Layouts = plugin.extension().unwrap();
        for _ in 0..2 {
            let outputs = layouts.output_layouts(&executable).unwrap();
            assert_eq!(outputs[1].serialize().unwrap().to_vec(), b"{1,0}");
        }
        drop(executable);
        drop(client);
    };
    // The mock tells when it goes that what is not the caller's was destroyed; the real plugin
    // frees twice.
    both("borrowed_freed", |plugin| ask(plugin), ask);
}

pub fn description_outlives_owner() {
    let ask = |plugin: &Plugin| {
        let client = client(plugin);
        let device = client.devices().unwrap().remove(1);
        let description = device.description().unwrap();
        let topology = client.topology_description().unwrap();
        let described = topology.device_descriptions().unwrap().remove(0);
        drop((client, device, topology));
        assert_eq!(description.id().unwrap(), 1);
        assert!(!description.kind().unwrap().is_empty());
        assert!(!described.debug_string().unwrap().is_empty());
    };
    both(
        "description_outlives_owner",
        |plugin| {
            ask(plugin);
            let topology = plugin.create_topology("mock:3", &[]).unwrap();
            let described = topology.device_descriptions().unwrap().remove(2);
            drop(topology);
            assert_eq!(described.id().unwrap(), 2);
        },
        ask,
    );
}

pub fn executable_outlives_loaded() {
    let ask = |plugin: &Plugin| {
        let client = client(plugin);
        let loaded = double(&client);
        let executable = loaded.executable().unwrap();
        drop((loaded, client));
        assert_eq!(executable.num_outputs().unwrap(), 2);
        assert!(!executable.serialize().unwrap().is_empty());
        executable
    };
    both(
        "executable_outlives_loaded",
        |plugin| {
            let executable = ask(plugin);
            let unloaded = || plugin.mock.calls("PJRT_LoadedExecutable_Destroy");
            assert_eq!(unloaded(), 0, "the executable may lie within it");
            drop(executable);
            assert_eq!(unloaded(), 1);
        },
        |plugin| drop(ask(plugin)),
    );
}

pub fn context_freed_early() {
    // The run waits for a buffer that does not exist yet.
    let run = |plugin: &Plugin, freed: &dyn Fn(u64)| {
        let client = client(plugin);
        let program = double(&client);
        let alias = client.create_alias_buffer(&memory(&client), ElementType::F32, &[2, 2], None);
        let (alias, promise) = alias.unwrap();
        let context = Arc::new(plugin.create_execute_context().unwrap());
        let options = ExecuteOptions::new().context(context);
        let arguments = vec![vec![(&alias).into()]];
        let run = program.execute(arguments, &options).unwrap().remove(0);
        drop((options, program));
        freed(0);
        promise.fulfill(Ok(&matrix(&client))).unwrap();
        run.done.wait().unwrap();
        freed(1);
        let doubled = run.outputs[0].to_vec::<f32>().unwrap();
        assert_eq!(doubled, [2.0, 4.0, 6.0, 8.0]);
    };
    both(
        "context_freed_early",
        |plugin| {
            let freed = || plugin.mock.calls("PJRT_ExecuteContext_Destroy");
            run(plugin, &|expected| match expected {
                0 => assert_eq!(freed(), 0, "the run still uses it"),
                _ => until("nobody frees the context", || freed() == expected),
            });
        },
        |plugin| run(plugin, &|_| ()),
    );
}

pub fn foreign_handle() {
    let foreign = |result: pjrt::Result<()>| match result {
        Err(Error::ForeignHandle { must_share, .. }) => must_share,
        other => panic!("expected that the handle is foreign, got {other:?}"),
    };
    let mixed = |ours: &Plugin, theirs: &Plugin, share: &str| {
        let (mine, other) = (client(ours), client(theirs));
        let program = double(&mine);
        let (theirs, buffer) = (matrix(&other), matrix(&mine));
        let device = other.addressable_devices().unwrap().remove(0);
        assert_eq!(foreign(program.run(&[&theirs]).map(drop)), share);
        let uploaded = mine.buffer_from_slice_on(&MATRIX, &[2, 2], &device);
        assert_eq!(foreign(uploaded.map(drop)), share);
        let alias = mine.create_alias_buffer(&memory(&other), ElementType::F32, &[2, 2], None);
        assert_eq!(foreign(alias.map(drop)), share);
        let alias = mine.create_alias_buffer(&memory(&mine), ElementType::F32, &[2, 2], None);
        let (alias, promise) = alias.unwrap();
        assert_eq!(foreign(promise.fulfill(Ok(&theirs))), share);
        drop(alias);
        let started = program.execute_on(&device, vec![(&buffer).into()], &ExecuteOptions::new());
        assert_eq!(foreign(started.map(drop)), share);
    };
    both(
        "foreign_handle",
        |plugin| {
            mixed(plugin, plugin, "client");
            let other = mock(NEWEST);
            mixed(plugin, &other, "plugin");
            let context = Arc::new(other.create_execute_context().unwrap());
            let client = client(plugin);
            let buffer = matrix(&client);
            let options = ExecuteOptions::new().context(context);
            let arguments = vec![vec![(&buffer).into()]];
            let started = double(&client).execute(arguments, &options);
            assert_eq!(foreign(started.map(drop)), "plugin");
        },
        |plugin| {
            mixed(plugin, plugin, "client");
            mixed(plugin, &mock(NEWEST), "plugin");
        },
    );
}
