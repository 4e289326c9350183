//! A store in a folder, and what can become of the folder.

use crate::contract;
use pjrt::{DirectoryStore, ErrorCode, KeyValueStore};
use pjrt_tests::child;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

fn names(store: &DirectoryStore) -> Vec<String> {
    let entries = fs::read_dir(store.folder()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_store_in_a_folder_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let store = || DirectoryStore::new(folder.path().join("made/by/it")).unwrap();
    contract::kept(&[Arc::new(store()), Arc::new(store())]);
    let names = names(&store());
    assert!(
        names.iter().all(|name| !name.starts_with("new-")),
        "{names:?}"
    );
}

#[test]
fn a_folder_that_cannot_be_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = DirectoryStore::new(&path).unwrap_err();
        assert_eq!(error.code(), ErrorCode::FAILED_PRECONDITION, "{error}");
        assert!(error.message().contains("file"), "{error}");
    }
}

#[test]
fn who_waits_is_told_when_the_folder_goes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(DirectoryStore::new(folder.path().join("store")).unwrap());
    store.put(b"k", b"v").unwrap();
    let waiting = {
        let store = store.clone();
        thread::spawn(move || store.get(b"never", Duration::MAX))
    };
    fs::remove_dir_all(store.folder()).unwrap();
    let error = waiting.join().unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::UNAVAILABLE, "{error}");
    for error in [
        store.try_get(b"k").unwrap_err(),
        store.put(b"new", b"v").unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::UNAVAILABLE, "{error}");
        assert!(error.message().contains("store"), "{error}");
    }
}

#[test]
fn a_file_that_is_cut_or_of_another_key_is_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let store = DirectoryStore::new(folder.path()).unwrap();
    store.put(b"one", b"value of one").unwrap();
    let path = |key: &str| folder.path().join(format!("key-{key}"));
    let whole = fs::read(path("one")).unwrap();
    fs::write(path("two"), &whole).unwrap();
    fs::write(path("cut"), &whole[..whole.len() - 1]).unwrap();
    fs::write(path("empty"), b"").unwrap();
    for key in ["two", "cut", "empty"] {
        let said = [
            store.try_get(key.as_bytes()).unwrap_err(),
            store.get(key.as_bytes(), Duration::MAX).unwrap_err(),
            store.put(key.as_bytes(), b"v").unwrap_err(),
        ];
        for error in said {
            assert_eq!(error.code(), ErrorCode::DATA_LOSS, "{error}");
            assert!(error.message().contains(key), "{error}");
        }
    }
}

#[test]
fn nobody_reads_half_a_value() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(DirectoryStore::new(folder.path()).unwrap());
    let over = Arc::new(AtomicBool::new(false));
    let reading: Vec<_> = (0..2)
        .map(|_| {
            let (store, over) = (store.clone(), over.clone());
            thread::spawn(move || {
                let mut seen = 0;
                while !over.load(Ordering::SeqCst) {
                    for number in 0..10u8 {
                        if let Some(value) = store.try_get(&[number]).unwrap() {
                            assert!(value == vec![number; 300_000]);
                            seen += 1;
                        }
                    }
                }
                seen
            })
        })
        .collect();
    for number in 0..10u8 {
        store.put(&[number], &vec![number; 300_000]).unwrap();
        // Both have a look while values come.
        thread::yield_now();
    }
    let last = store.get(&[9], Duration::ZERO).unwrap();
    assert!(last.is_some());
    over.store(true, Ordering::SeqCst);
    for reading in reading {
        reading.join().unwrap();
    }
}

/// What a process dies of here comes in the middle of writing, as on a full disk.
#[test]
fn a_value_for_which_there_is_no_room_leaves_nothing() {
    const TEST: &str = "directory::a_value_for_which_there_is_no_room_leaves_nothing";
    if !child::is_child(TEST) {
        return child::alone(TEST);
    }
    let folder = tempfile::tempdir().unwrap();
    let store = DirectoryStore::new(folder.path()).unwrap();
    let limit = libc::rlimit {
        rlim_cur: 1 << 16,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: this process is here for the test alone; without the signal, writing more is an error.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
    }
    let error = store.put(b"large", &[1; 1 << 17]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RESOURCE_EXHAUSTED, "{error}");
    assert_eq!(store.try_get(b"large"), Ok(None));
    assert_eq!(names(&store), Vec::<String>::new());
    store.put(b"large", b"small").unwrap();
    assert_eq!(store.try_get(b"large"), Ok(Some(b"small".to_vec())));
}

const FOLDER: &str = "PJRT_TEST_STORE_FOLDER";

/// Puts until it is killed.
#[test]
fn a_process_that_dies_while_it_puts_leaves_whole_values_only() {
    const TEST: &str = "directory::a_process_that_dies_while_it_puts_leaves_whole_values_only";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let store = DirectoryStore::new(PathBuf::from(folder)).unwrap();
        for number in 0..u32::MAX {
            let key = number.to_le_bytes();
            store.put(&key, &key.repeat(50_000)).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let store = DirectoryStore::new(folder.path()).unwrap();
    let mut putting = child::again(TEST)
        .env(FOLDER, folder.path())
        .spawn()
        .unwrap();
    let third = store.get(&2u32.to_le_bytes(), Duration::from_secs(100));
    putting.kill().unwrap();
    putting.wait().unwrap();
    assert!(third.unwrap().is_some());
    let mut count = 0u32;
    while let Some(value) = store.try_get(&count.to_le_bytes()).unwrap() {
        assert!(value == count.to_le_bytes().repeat(50_000));
        count += 1;
    }
    assert!(count >= 3);
    // The value that it was about to put can be put by another.
    store.put(&count.to_le_bytes(), b"mine").unwrap();
}
