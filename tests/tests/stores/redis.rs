//! A store on a real Redis server, and what can become of the server.

use crate::contract;
use crate::server::Server;
use pjrt::{CallbackError, ErrorCode, KeyValueStore, RedisStore};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// An end that no test waits for.
const LONG: Duration = Duration::from_secs(100);
const SHORT: Duration = Duration::from_millis(200);

fn code<T>(answer: Result<T, CallbackError>) -> ErrorCode {
    answer.err().expect("it fails").code()
}

#[test]
fn a_store_on_a_server_keeps_the_contract() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    contract::kept(&[Arc::new(server.store()), Arc::new(server.store())]);
}

#[test]
fn a_store_on_a_port_keeps_the_contract() {
    let Some(server) = Server::start_with_port() else {
        return;
    };
    let store = Arc::new(server.store());
    contract::kept(&[store.clone(), store]);
}

#[test]
fn jobs_on_one_server_do_not_see_each_other() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = |job: &str| RedisStore::connect(&server.address(), job).unwrap();
    store("a").put(b"b:c", b"1").unwrap();
    assert_eq!(store("a:b").try_get(b"c"), Ok(None));
    assert_eq!(store("").try_get(b"b:c"), Ok(None));
    assert_eq!(store("a").try_get(b"b:c"), Ok(Some(b"1".to_vec())));
}

#[test]
fn a_server_that_dies_is_told_of_and_one_that_comes_back_is_used() {
    let Some(mut server) = Server::start(&[]) else {
        return;
    };
    let hasty = server.store().patience(SHORT);
    let patient = Arc::new(server.store().patience(LONG));
    hasty.put(b"k", b"v").unwrap();
    let waiting = {
        let store = patient.clone();
        thread::spawn(move || store.get(b"late", Duration::MAX))
    };
    server.kill();
    assert_eq!(
        code(hasty.get(b"late", Duration::MAX)),
        ErrorCode::UNAVAILABLE
    );
    assert_eq!(code(hasty.get(b"late", SHORT)), ErrorCode::UNAVAILABLE);
    assert_eq!(code(hasty.try_get(b"k")), ErrorCode::UNAVAILABLE);
    let error = hasty.put(b"k", b"v").unwrap_err();
    assert_eq!(error.code(), ErrorCode::UNAVAILABLE);
    assert!(error.message().contains("socket"), "{error}");
    server.again();
    // What was in the server's memory is lost; who waited all the time goes on.
    assert_eq!(hasty.try_get(b"k"), Ok(None));
    patient.put(b"late", b"2").unwrap();
    assert_eq!(waiting.join().unwrap(), Ok(Some(b"2".to_vec())));
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for_and_its_late_answers_are_not_taken() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store();
    store.put(b"one", b"1").unwrap();
    store.put(b"two", b"2").unwrap();
    server.frozen(true);
    let error = store.get(b"one", SHORT).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UNAVAILABLE, "{error}");
    let hasty = RedisStore::patience(store, SHORT);
    assert_eq!(code(hasty.put(b"three", b"3")), ErrorCode::UNAVAILABLE);
    server.frozen(false);
    assert_eq!(hasty.get(b"two", LONG), Ok(Some(b"2".to_vec())));
    assert_eq!(hasty.get(b"one", LONG), Ok(Some(b"1".to_vec())));
    // It may have been done, or not: it can be done again.
    hasty.put(b"three", b"3").unwrap();
    assert_eq!(hasty.get(b"three", LONG), Ok(Some(b"3".to_vec())));
}

#[test]
fn a_server_that_refuses_says_why() {
    let Some(server) = Server::start(&["--requirepass", "right", "--maxmemory", "1"]) else {
        return;
    };
    let address = server.address();
    let connect = |query: &str| RedisStore::connect(&format!("{address}{query}"), "job");
    for query in ["", "?pass=wrong-word"] {
        let error = connect(query).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UNAUTHENTICATED, "{error}");
        assert!(!error.message().contains("wrong-word"), "{error}");
    }
    let store = connect("?pass=right").unwrap();
    assert!(!format!("{store:?}").contains("right"), "{store:?}");
    assert_eq!(code(store.put(b"k", b"v")), ErrorCode::RESOURCE_EXHAUSTED);
    assert_eq!(store.try_get(b"k"), Ok(None));
}

#[test]
fn an_address_at_which_nobody_is_and_one_that_is_none_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("redis+unix://{}/none", folder.path().display());
    assert_eq!(
        code(RedisStore::connect(&address, "job")),
        ErrorCode::UNAVAILABLE
    );
    for address in ["", "head-node", "http://head-node", "rediss://head-node"] {
        let error = RedisStore::connect(address, "job").unwrap_err();
        assert_eq!(
            error.code(),
            ErrorCode::INVALID_ARGUMENT,
            "{address}: {error}"
        );
    }
}

#[test]
fn a_value_with_a_lifetime_ends() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().lifetime(Duration::from_millis(1));
    store.put(b"k", b"1").unwrap();
    while store.try_get(b"k").unwrap().is_some() {
        thread::yield_now();
    }
    let store = store.lifetime(Duration::MAX);
    store.put(b"k", b"2").unwrap();
    assert_eq!(store.try_get(b"k"), Ok(Some(b"2".to_vec())));
}

#[test]
fn many_threads_use_one_store() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = Arc::new(server.store());
    let (done, all) = channel();
    for number in 0..20u8 {
        let (store, done) = (store.clone(), done.clone());
        thread::spawn(move || {
            store.put(&[number], &[number; 10]).unwrap();
            let next = store.get(&[(number + 1) % 20], LONG).unwrap();
            done.send(next == Some(vec![(number + 1) % 20; 10]))
                .unwrap();
        });
    }
    drop(done);
    assert_eq!(all.iter().collect::<Vec<_>>(), [true; 20]);
}
