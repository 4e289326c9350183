//! Processes that meet: the mock plugin makes a client of each, which see each other's devices.

use crate::server::Server;
use pjrt::{
    Client, ClientOptions, DirectoryStore, Error, ErrorCode, InMemoryStore, KeyValueStore,
    RedisStore, Result,
};
use pjrt_mock::Mock;
use pjrt_tests::{Mocked, child, mocked};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const NODES: u32 = 2;
/// Which of the processes this is, and where it finds the store.
const NODE: &str = "PJRT_TEST_STORE_NODE";
const STORE: &str = "PJRT_TEST_STORE";
const LIMIT: Duration = Duration::from_secs(100);

/// The plugin in one of the processes.
fn plugin(node: u32) -> Mocked {
    mocked(Mock::builder().node(node, NODES))
}

fn client(plugin: &Mocked, store: Arc<dyn KeyValueStore>) -> Result<Client> {
    plugin.create_client(&ClientOptions::new().key_value_store(store))
}

/// What a process sees of both.
fn see(node: u32, store: Arc<dyn KeyValueStore>) {
    let plugin = plugin(node);
    let client = client(&plugin, store).unwrap();
    assert_eq!(client.process_index().unwrap(), node as i32);
    let processes: Vec<i32> = client
        .devices()
        .unwrap()
        .iter()
        .map(|device| device.description().unwrap().process_index().unwrap())
        .collect();
    assert_eq!(processes, [0, 0, 1, 1]);
    let mine = client.addressable_devices().unwrap();
    assert_eq!(mine.len(), 2);
    for device in &mine {
        assert!(device.is_addressable().unwrap());
        let process = device.description().unwrap().process_index().unwrap();
        assert_eq!(process, node as i32);
        let buffer = client
            .buffer_from_slice_on(&[1.0f32], &[1], device)
            .unwrap();
        assert_eq!(buffer.to_vec::<f32>().unwrap(), [1.0]);
    }
}

/// Runs both processes, each this test again.
fn meet(test: &'static str, store: String) {
    let running = (0..NODES).map(|node| {
        let store = store.clone();
        thread::spawn(move || {
            let mut command = child::again(test);
            command.env(NODE, node.to_string()).env(STORE, store);
            child::ended(&mut command, LIMIT)
        })
    });
    let running: Vec<_> = running.collect();
    for (node, running) in running.into_iter().enumerate() {
        let (status, said) = running.join().unwrap();
        assert!(
            status.is_some_and(|status| status.success()),
            "process {node} ended with {status:?}: {said}"
        );
    }
}

/// The number of this process and its store, if it is one of both.
fn role() -> Option<(u32, String)> {
    let node = std::env::var(NODE).ok()?.parse().unwrap();
    Some((node, std::env::var(STORE).unwrap()))
}

#[test]
fn two_threads_meet_in_memory() {
    let store = Arc::new(InMemoryStore::new());
    let both = [0, 1].map(|node| {
        let store = store.clone();
        thread::spawn(move || see(node, store))
    });
    for one in both {
        one.join().unwrap();
    }
}

#[test]
fn the_options_of_a_client_say_how_many_meet() {
    let store = Arc::new(InMemoryStore::new());
    let both = [0i64, 1].map(|node| {
        let options = ClientOptions::new()
            .set("num_nodes", i64::from(NODES))
            .set("node_id", node)
            .key_value_store(store.clone());
        thread::spawn(move || {
            let plugin = mocked(Mock::builder());
            let client = plugin.create_client(&options).unwrap();
            (
                client.process_index().unwrap(),
                client.devices().unwrap().len(),
            )
        })
    });
    assert_eq!(both.map(|one| one.join().unwrap()), [(0, 4), (1, 4)]);
    let plugin = mocked(Mock::builder());
    let alone = ClientOptions::new().set("num_nodes", i64::from(NODES));
    let Err(Error::Plugin(error)) = plugin.create_client(&alone) else {
        panic!("nobody meets without a store")
    };
    assert!(error.message.contains("key-value store"), "{error}");
}

#[test]
fn two_processes_meet_in_a_folder() {
    if let Some((node, folder)) = role() {
        return see(
            node,
            Arc::new(DirectoryStore::new(PathBuf::from(folder)).unwrap()),
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job").display().to_string();
    meet("meeting::two_processes_meet_in_a_folder", path);
}

#[test]
fn two_processes_meet_on_a_server() {
    if let Some((node, address)) = role() {
        return see(
            node,
            Arc::new(RedisStore::connect(&address, "job").unwrap()),
        );
    }
    let Some(server) = Server::start_with_port() else {
        return;
    };
    meet("meeting::two_processes_meet_on_a_server", server.address());
}

#[test]
fn a_process_whose_partner_never_comes_is_told_whom_it_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let patience = Duration::from_millis(20);
    let plugin = mocked(Mock::builder().node(1, NODES).patience(patience));
    let store = Arc::new(DirectoryStore::new(folder.path()).unwrap());
    let Err(Error::Plugin(error)) = client(&plugin, store) else {
        panic!("nobody else is there")
    };
    assert_eq!(error.code, ErrorCode::DEADLINE_EXCEEDED);
    assert!(error.message.contains("mock/node/0"), "{error}");
}

#[test]
fn a_store_that_goes_while_a_client_is_made_is_an_error_of_the_client() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(DirectoryStore::new(folder.path().join("job")).unwrap());
    let making = {
        let store = store.clone();
        thread::spawn(move || client(&plugin(0), store).map(drop))
    };
    let put = store.get(b"mock/node/0", LIMIT);
    assert_eq!(put, Ok(Some(b"2".to_vec())));
    std::fs::remove_dir_all(store.folder()).unwrap();
    let Err(Error::Plugin(error)) = making.join().unwrap() else {
        panic!("the folder is gone")
    };
    assert_eq!(error.code, ErrorCode::UNAVAILABLE, "{error}");
}
