//! The second witness: the mock plugin follows the same history as its caller, so plugins that were
//! compiled against real old headers are driven too, some of which ask for sizes to the byte.
//! `PJRT_XLA_GIT` names a clone of XLA with its history.

mod stubs;

use std::panic::{AssertUnwindSafe, catch_unwind};
use stubs::Witness;

/// Versions with a layout of their own; those with two are here for both.
const MINORS: [u32; 10] = [40, 45, 54, 56, 61, 70, 75, 90, 107, 114];

/// The first and the last commit of each of them.
fn commits() -> Vec<(u32, String)> {
    let file = xtask::paths::history();
    let history =
        pjrt_codegen::history::load_file(&file).unwrap_or_else(|errors| panic!("{errors}"));
    let of = |minor: u32| {
        let states = history.states.iter().filter(|s| s.minor == minor);
        let mut all: Vec<_> = states.map(|s| (minor, s.commit.clone())).collect();
        assert!(!all.is_empty(), "no commit of 0.{minor}");
        all.drain(1..all.len().saturating_sub(1).max(1));
        all
    };
    MINORS.into_iter().flat_map(of).collect()
}

/// The version whose second table has a slot in the middle of ours.
const REVERTED: u32 = 56;

fn text(panic: &(dyn std::any::Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("?")
}

/// Loads the stub of a commit and drives it; what is wrong with it, if something is.
fn try_one(witness: &Witness, minor: u32, commit: &str, refused: bool) -> Vec<String> {
    let Some(compiled) = witness.compile(commit) else {
        return Vec::new();
    };
    let one = |exact: bool| {
        let (stub, plugin) = compiled.load(exact);
        let plugin = match plugin {
            Ok(plugin) => plugin,
            Err(error) if refused => {
                assert!(error.to_string().contains("0.56"), "{error}");
                return;
            }
            Err(error) => panic!("not loaded: {error}"),
        };
        assert!(!refused, "it is loaded");
        assert_eq!(u32::try_from(plugin.api_version().minor), Ok(minor));
        stubs::drive::drive(&stub, &plugin);
        assert_eq!(stub.faults(), "", "faults");
        assert_eq!(stub.living(), 0, "objects that nobody gave back");
        let functions = compiled.slots.len();
        eprintln!(
            "{commit} of 0.{minor}: {} of {functions} functions",
            stub.reached()
        );
    };
    let mut wrong = Vec::new();
    for exact in [false, true] {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| one(exact))) {
            let sizes = if exact { "==" } else { ">=" };
            wrong.push(format!("{commit} of 0.{minor}, {sizes}: {}", text(&*panic)));
        }
    }
    wrong
}

#[test]
fn plugins_of_real_headers_pass_whether_they_ask_for_sizes_or_for_least_sizes() {
    let Some(witness) = Witness::find() else {
        return;
    };
    let all = commits();
    let reverted = all.iter().rfind(|(minor, _)| *minor == REVERTED).unwrap();
    // Each has its own library, so they do not meet.
    let wrong = std::thread::scope(|scope| {
        let halves = all.chunks(all.len().div_ceil(2)).map(|half| {
            let witness = &witness;
            scope.spawn(move || {
                let each = half
                    .iter()
                    .map(|one| try_one(witness, one.0, &one.1, one == reverted));
                each.flatten().collect::<Vec<_>>()
            })
        });
        let halves: Vec<_> = halves.collect();
        let joined = halves.into_iter().map(|half| half.join().unwrap());
        joined.flatten().collect::<Vec<_>>()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
