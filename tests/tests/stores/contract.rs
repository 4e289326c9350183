//! What every store does.

use pjrt::{ErrorCode, InMemoryStore, KeyValueStore};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Two views of one store, as two processes have them.
pub type Views = [Arc<dyn KeyValueStore>; 2];

#[test]
fn a_store_in_memory_keeps_the_contract() {
    let store = Arc::new(InMemoryStore::new());
    kept(&[store.clone(), store]);
}

/// Tries all of it.
pub fn kept(views: &Views) {
    any_bytes_come_back(views);
    what_is_not_there_is_not_waited_for_longer_than_asked(views);
    a_value_that_comes_later_is_waited_for(views);
    one_of_many_first_values_wins(views);
}

fn any_bytes_come_back([one, other]: &Views) {
    let bytes: Vec<u8> = (0..=255).collect();
    let long = bytes.repeat(20);
    let keys = [
        &b""[..],
        b"k",
        b"K",
        b"../up",
        b"a/b:c",
        &bytes,
        &long,
        &long[1..],
    ];
    for (number, key) in (0u8..).zip(keys) {
        assert_eq!(other.try_get(key), Ok(None));
        let value = [&[number], &long[..]].concat();
        one.put(key, &value).unwrap();
    }
    for (number, key) in (0u8..).zip(keys) {
        let value = [&[number], &long[..]].concat();
        assert_eq!(other.try_get(key), Ok(Some(value.clone())));
        assert_eq!(other.get(key, Duration::ZERO), Ok(Some(value)));
    }
    let large = bytes.repeat(1 << 13);
    for (key, value) in [(b"none", &[][..]), (b"much", &large)] {
        one.put(key, value).unwrap();
        assert!(other.try_get(key).unwrap().as_deref() == Some(value));
    }
}

fn what_is_not_there_is_not_waited_for_longer_than_asked([one, other]: &Views) {
    assert_eq!(one.try_get(b"absent"), Ok(None));
    for milliseconds in [0, 1, 20] {
        let timeout = Duration::from_millis(milliseconds);
        assert_eq!(other.get(b"absent", timeout), Ok(None));
    }
}

fn a_value_that_comes_later_is_waited_for([one, other]: &Views) {
    let waiting = [Duration::MAX, Duration::from_secs(600)].map(|timeout| {
        let store = other.clone();
        thread::spawn(move || store.get(b"late", timeout))
    });
    // Whether they wait already is all the same.
    one.put(b"early", b"1").unwrap();
    one.put(b"late", b"2").unwrap();
    for waiting in waiting {
        assert_eq!(waiting.join().unwrap(), Ok(Some(b"2".to_vec())));
    }
}

fn one_of_many_first_values_wins(views: &Views) {
    let putting: Vec<_> = (0..8u8)
        .map(|number| {
            let store = views[usize::from(number % 2)].clone();
            thread::spawn(move || store.put(b"contested", &[number; 100]))
        })
        .collect();
    let done: Vec<_> = putting.into_iter().map(|put| put.join().unwrap()).collect();
    let winners: Vec<usize> = (0..done.len()).filter(|i| done[*i].is_ok()).collect();
    let [winner] = winners[..] else {
        panic!("one wins: {done:?}")
    };
    for error in done.iter().filter_map(|done| done.as_ref().err()) {
        assert_eq!(error.code(), ErrorCode::ALREADY_EXISTS);
        assert!(error.message().contains("`contested`"), "{error}");
    }
    let value = vec![winner as u8; 100];
    for store in views {
        assert_eq!(store.try_get(b"contested"), Ok(Some(value.clone())));
        store.put(b"contested", &value).unwrap();
    }
}
