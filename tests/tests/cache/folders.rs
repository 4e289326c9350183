//! Folders: their limit, their rights, and disks that are full.

use crate::{OTHER, PROGRAM, Start, absent, entries, entry, folder, not_kept};
use pjrt::cache::CompilationCache;
use pjrt_tests::child::{alone, is_child};
use std::fs::{self, File};
use std::time::{Duration, SystemTime};

const THIRD: &str = "mock third\nparam f32[2]\nout 0";

#[test]
fn the_entry_that_was_not_used_for_the_longest_time_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new();
    let with = |limit| {
        let builder = CompilationCache::builder().folder(folder.path());
        builder.limit(limit).open().unwrap()
    };
    absent(start.outcome(&with(u64::MAX), PROGRAM));
    let first = entry(folder.path());
    let size = fs::metadata(&first).unwrap().len();
    absent(start.outcome(&with(u64::MAX), OTHER));
    let second = entries(folder.path())
        .into_iter()
        .find(|path| *path != first);
    // The first one is older, and then it is used.
    for (path, age) in [(&first, 200), (&second.unwrap(), 100)] {
        let then = SystemTime::now() - Duration::from_secs(age);
        let file = File::options().append(true).open(path).unwrap();
        file.set_modified(then).unwrap();
    }
    let cache = with(2 * size + size / 2);
    assert!(start.outcome(&cache, PROGRAM).is_hit());
    absent(start.outcome(&cache, THIRD));
    assert_eq!(entries(folder.path()).len(), 2);
    assert!(start.outcome(&cache, PROGRAM).is_hit());
    assert!(start.outcome(&cache, THIRD).is_hit());
    absent(start.outcome(&cache, OTHER));
}

#[test]
fn a_program_larger_than_the_limit_is_not_kept_and_removes_nothing() {
    let (folder, cache) = folder();
    let start = Start::new();
    absent(start.outcome(&cache, OTHER));
    let small = CompilationCache::builder().folder(folder.path()).limit(10);
    let error = not_kept(start.outcome(&small.open().unwrap(), PROGRAM));
    assert!(error.to_string().contains("raise its limit"), "{error}");
    assert!(start.outcome(&cache, OTHER).is_hit());
}

#[test]
fn files_that_were_left_half_written_long_ago_are_removed() {
    let (folder, cache) = folder();
    let (old, new) = (
        folder.path().join(".partial-1"),
        folder.path().join(".partial-2"),
    );
    for path in [&old, &new] {
        fs::write(path, "half").unwrap();
    }
    let file = File::options().append(true).open(&old).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(7200))
        .unwrap();
    absent(Start::new().outcome(&cache, PROGRAM));
    assert!(!old.exists());
    assert!(new.exists(), "somebody may be writing it");
}

#[test]
fn a_folder_that_vanishes_costs_only_the_entry() {
    let (folder, cache) = folder();
    let start = Start::new();
    fs::remove_dir(folder.path()).unwrap();
    let error = not_kept(start.outcome(&cache, PROGRAM));
    assert!(matches!(error, pjrt::Error::File { .. }), "{error:?}");
    assert_eq!(start.calls(), (1, 0));
}

#[test]
fn no_folder_is_made_where_a_file_lies() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = CompilationCache::open(file.path()).unwrap_err();
    assert!(error.to_string().contains("no folder"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_write_to_is_refused_unless_it_is_shared() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o777, 0o770, 0o1777] {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = CompilationCache::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("shared"), "{error}");
    }
    let shared = CompilationCache::builder()
        .folder(folder.path())
        .shared(true);
    absent(Start::new().outcome(&shared.open().unwrap(), PROGRAM));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    CompilationCache::open(folder.path()).unwrap();
}

#[cfg(unix)]
#[test]
fn folders_and_entries_are_made_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("a/b");
    let cache = CompilationCache::open(&folder).unwrap();
    absent(Start::new().outcome(&cache, PROGRAM));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&entry(&folder)), 0o600);
}

/// The process may write no file larger than this: what a full disk is like, half-way through.
#[cfg(unix)]
fn full_after(bytes: u64) {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: the signal is ignored, so that the write is an error; the struct is read in the call.
    let status = unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::setrlimit(libc::RLIMIT_FSIZE, &limit)
    };
    assert_eq!(status, 0);
}

#[cfg(unix)]
#[test]
fn on_a_full_disk_the_program_is_compiled_and_nothing_is_left_half_written() {
    const TEST: &str =
        "folders::on_a_full_disk_the_program_is_compiled_and_nothing_is_left_half_written";
    if !is_child(TEST) {
        return alone(TEST);
    }
    let (folder, cache) = folder();
    let start = Start::new();
    absent(start.outcome(&cache, OTHER));
    full_after(64);
    let (executable, outcome) = start.compile(&cache, PROGRAM);
    let error = not_kept(outcome);
    assert!(matches!(error, pjrt::Error::File { .. }), "{error:?}");
    let x = start
        .client
        .buffer_from_slice(&[1.0f32, 2.0], &[2])
        .unwrap();
    let y = executable.run(&[&x]).unwrap();
    assert_eq!(y[0].to_vec::<f32>().unwrap(), [2.0, 4.0]);
    // Only the entry from before is there, whole.
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!((files, entries(folder.path()).len()), (1, 1));
    assert!(start.outcome(&cache, OTHER).is_hit());
}
