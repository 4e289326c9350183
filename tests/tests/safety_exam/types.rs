//! What does not compile: one program for each row, and others that show more of the same. All are
//! compiled once, by a process of its own in which `trybuild` takes this for a test of `pjrt`.

use pjrt_tests::child::{again, ended, is_child};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// The test that the process is started for.
const CHILD: &str = "callback_not_send";

/// The compiler whose messages are expected. Under another the programs must be refused too, in
/// whatever words.
const COMPILER: &str = "rustc 1.95.0 ";

/// Programs in `tests/ui` besides those in `tests/ui/exam`, which have the names of their rows.
const MORE: &[&str] = &[
    "a_callback_borrows_nothing",
    "a_callback_goes_to_other_threads",
    "a_key_value_store_is_called_by_any_thread",
    "a_promise_is_kept_once",
    "a_type_of_elements_is_vouched_for",
    "an_argument_that_is_donated_is_gone",
    "buffers_and_events_have_one_owner",
    "memory_is_mapped_by_who_vouches_for_it",
    "what_is_given_away_is_not_used_again",
];

pub fn callback_not_send() {
    if is_child(CHILD) {
        let programs = trybuild::TestCases::new();
        programs.compile_fail("../tests/ui/exam/*.rs");
        for program in MORE {
            programs.compile_fail(format!("../tests/ui/{program}.rs"));
        }
        return;
    }
    refused("exam/callback_not_send");
    refused("a_callback_goes_to_other_threads");
    refused("a_callback_borrows_nothing");
}

pub fn kv_store_not_sync() {
    refused("exam/kv_store_not_sync");
    refused("a_key_value_store_is_called_by_any_thread");
}

pub fn one_shot_twice() {
    refused("exam/one_shot_twice");
    refused("a_promise_is_kept_once");
}

pub fn safe_raw_pointers() {
    refused("exam/safe_raw_pointers");
    refused("memory_is_mapped_by_who_vouches_for_it");
    refused("a_type_of_elements_is_vouched_for");
}

pub fn donated_still_usable() {
    refused("exam/donated_still_usable");
    refused("an_argument_that_is_donated_is_gone");
    refused("what_is_given_away_is_not_used_again");
    refused("buffers_and_events_have_one_owner");
}

/// The compiler refuses the program, in the words that are expected.
#[track_caller]
fn refused(program: &str) {
    static SAID: OnceLock<String> = OnceLock::new();
    let said = SAID.get_or_init(compiled);
    let answer = |words: &str| said.contains(&format!("ui/{program}.rs ... {words}"));
    let same_words = compiler().starts_with(COMPILER);
    let refused = answer("ok") || answer("mismatch") && !same_words;
    assert!(refused, "`{program}` is not refused as it must be: {said}");
}

/// What `trybuild` says of all programs.
fn compiled() -> String {
    let pjrt = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pjrt");
    let mut command = again(CHILD);
    command
        .env("PJRT_TEST_CHILD", CHILD)
        .env("CARGO_MANIFEST_DIR", canonical(&pjrt))
        .env("TERM", "dumb")
        .current_dir(canonical(&pjrt));
    let (_, said) = ended(&mut command, Duration::from_secs(1800));
    // Colours come between the words.
    let mut plain = String::new();
    let mut rest = said.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, behind)| behind);
    }
    plain + rest
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap()
}

fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().unwrap();
    String::from_utf8_lossy(&version.stdout).into_owned()
}
