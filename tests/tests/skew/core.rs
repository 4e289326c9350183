//! Plugins, clients, devices, memories, topologies, events.

use crate::scenario::{client, floats, memory, scenarios};
use pjrt::{
    ClientOptions, CompileOptions, ElementType, Error, ErrorCode, Events, InMemoryStore,
    KeyValueStore, NamedValue, OwnEvent, ProcessInfo, ProcessState, Program, Value,
};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// How long a callback may take.
const SOON: Duration = Duration::from_secs(10);

scenarios! {
    fn plugin_attributes(plugin) {
        let all = plugin.attributes()?;
        for value in all.iter() {
            assert!(!value?.name.is_empty());
        }
    }

    fn plugin_reads_stablehlo(plugin) {
        let range = plugin.stablehlo_versions()?.expect("the mock tells");
        assert_eq!(plugin.stablehlo_target()?, Some(range.current));
    }

    fn client_names(plugin) {
        let client = client(plugin)?;
        assert_eq!(client.platform_name()?, "mock");
        assert!(!client.platform_version()?.is_empty());
        assert_eq!(client.process_index()?, 0);
    }

    fn client_options(plugin) {
        let client = plugin.create_client(&ClientOptions::cpu().device_count(3))?;
        assert_eq!(client.devices()?.len(), 3);
    }

    fn client_with_a_store(plugin) {
        let store = Arc::new(InMemoryStore::new());
        let options = ClientOptions::new().key_value_store(store.clone());
        drop(plugin.create_client(&options)?);
        let kept = store.get(b"mock/devices", Duration::ZERO);
        assert_eq!(kept.unwrap(), Some(b"2".to_vec()));
    }

    fn device_lists(plugin) {
        let client = client(plugin)?;
        assert_eq!((client.devices()?.len(), client.addressable_devices()?.len()), (2, 2));
        assert!(client.lookup_addressable_device(1)?.is_addressable()?);
        assert_eq!(client.lookup_device(1)?.local_hardware_id()?, 1);
        let Err(_) = client.lookup_device(77) else { panic!("there is no such device") };
    }

    fn device_descriptions(plugin) {
        let client = client(plugin)?;
        let description = client.devices()?[1].description()?;
        assert_eq!((description.id()?, description.process_index()?), (1, 0));
        assert!(!description.kind()?.is_empty());
        assert!(!description.debug_string()?.is_empty());
        assert!(!description.display_string()?.is_empty());
        assert!(description.attributes()?.iter().all(|value| value.is_ok()));
    }

    fn device_statistics(plugin) {
        let client = client(plugin)?;
        let kept = floats(&client)?;
        assert_eq!(client.devices()?[0].memory_stats()?.bytes_in_use, 16);
        drop(kept);
    }

    fn device_statistics_again(plugin) {
        client(plugin)?.devices()?[0].clear_memory_stats()?;
    }

    fn device_attributes_now(plugin) {
        let client = client(plugin)?;
        let attributes = client.devices()?[1].current_attributes()?;
        assert_eq!(attributes.values().get("core").and_then(|core| core.as_i64()), Some(1));
    }

    fn device_poison(plugin) {
        let devices = client(plugin)?.devices()?;
        let value = NamedValue { name: "cause", value: Value::String(b"skew") };
        assert!(devices[0].poison_execution(7, ErrorCode::ABORTED, "poison", &[value])?);
    }

    fn device_tracking(plugin) {
        drop(client(plugin)?.devices()?[0].create_async_tracking_event("work")?);
    }

    fn memory_lists(plugin) {
        let client = client(plugin)?;
        assert!(!client.addressable_memories()?.is_empty());
        let memories = client.devices()?[0].addressable_memories()?;
        assert_eq!(memories[0].kind()?, "device");
    }

    fn memory_names(plugin) {
        let client = client(plugin)?;
        let memory = memory(&client)?;
        assert_eq!(memory.kind()?, "device");
        assert!(memory.id()? >= 0);
        assert!(!memory.debug_string()?.is_empty() && !memory.display_string()?.is_empty());
        assert!(!memory.addressable_by()?.is_empty());
    }

    fn memory_kind_number(plugin) {
        memory(&client(plugin)?)?.kind_id()?;
    }

    fn device_assignments(plugin) {
        let assigned = client(plugin)?.default_device_assignment(2, 1)?;
        assert_eq!(assigned.devices().len(), 2);
    }

    fn process_infos(plugin) {
        let client = client(plugin)?;
        let lost = ProcessInfo::new(1, 2, ProcessState::ERROR).error(ErrorCode::ABORTED, "gone");
        client.update_process_infos(&[ProcessInfo::new(0, 1, ProcessState::CONNECTED), lost])?;
    }

    fn dma(plugin) {
        let client = client(plugin)?;
        // SAFETY: the guard owns the memory, which nothing else uses.
        let page = unsafe { client.dma_map(vec![7u8; 64]) }?;
        assert_eq!(page.unmap()?, [7; 64]);
    }

    fn topology_names(plugin) {
        let topology = plugin.create_topology("mock:3", &[])?;
        assert_eq!(topology.platform_name()?, "mock");
        assert!(!topology.platform_version()?.is_empty());
        assert_eq!(topology.device_descriptions()?.len(), 3);
        assert!(topology.attributes()?.iter().all(|value| value.is_ok()));
    }

    fn topology_of_a_client(plugin) {
        let topology = client(plugin)?.topology_description()?;
        assert_eq!(topology.device_descriptions()?.len(), 2);
    }

    fn topology_bytes(plugin) {
        assert!(!plugin.create_topology("mock:3", &[])?.serialize()?.is_empty());
    }

    fn topology_from_bytes(plugin) {
        let topology = plugin.create_topology("mock:3", &[])?;
        let again = plugin.deserialize_topology(&topology.serialize()?)?;
        assert_eq!(again.device_descriptions()?.len(), 3);
    }

    fn topology_fingerprint(plugin) {
        let topology = plugin.create_topology("mock:3", &[])?;
        assert_eq!(topology.fingerprint()?, topology.fingerprint()?);
    }

    fn topology_memory_kinds(plugin) {
        let topology = plugin.create_topology("mock:3", &[])?;
        assert!(!topology.memory_space_kind_ids()?.is_empty());
    }

    fn topology_shape(plugin) {
        let topology = plugin.create_topology("mock:3", &[])?;
        let kind = memory(&client(plugin)?)?.kind_id()?;
        drop(topology.canonical_shape(kind, &[2, 2], ElementType::F32, None)?);
    }

    fn topology_compile(plugin) {
        let topology = plugin.create_topology("mock:3", &[])?;
        let text = Program::mlir("mock one\nparam s32[2]\nout 0");
        let compiled = topology.compile(&text, &CompileOptions::new(), None)?;
        assert_eq!(compiled.name()?, "one");
    }

    fn events(plugin) {
        let client = client(plugin)?;
        let buffer = floats(&client)?;
        let event = buffer.ready_event()?;
        let (sender, receiver) = channel();
        event.on_ready(move |outcome| {
            let _ = sender.send(outcome.is_ok());
        })?;
        event.wait()?;
        assert!(event.is_ready()?);
        event.error()?;
        assert!(receiver.recv_timeout(SOON).unwrap());
    }

    fn events_with_a_limit(plugin) {
        let client = client(plugin)?;
        let buffer = floats(&client)?;
        let event = buffer.ready_event()?;
        assert!(event.wait_timeout(SOON)?);
        let joined = Events::from_iter([event, buffer.ready_event()?]);
        assert!(joined.wait_timeout(SOON)?);
        assert!(joined.is_ready()?);
        joined.wait()?;
    }

    fn events_awaited(plugin) {
        let client = client(plugin)?;
        let buffer = floats(&client)?;
        pollster::block_on(async {
            let event = buffer.ready_event()?;
            (&event).await?;
            Events::from_iter([event, buffer.ready_event()?]).await?;
            assert_eq!(buffer.copy_raw_to_host(0, 16)?.await?.len(), 16);
            Ok::<(), Error>(())
        })?;
    }

    fn own_events(plugin) {
        let own = OwnEvent::create(plugin)?;
        let event = own.event();
        own.set(Err((ErrorCode::DATA_LOSS, "gone")))?;
        match event.wait() {
            Err(Error::Plugin(error)) => assert_eq!(error.code, ErrorCode::DATA_LOSS),
            other => other?,
        }
    }

    fn own_events_forgotten(plugin) {
        let own = OwnEvent::create(plugin)?;
        let event = own.event();
        drop(own);
        match event.wait() {
            Err(Error::Plugin(error)) => assert_eq!(error.code, ErrorCode::CANCELLED),
            other => other?,
        }
    }
}
