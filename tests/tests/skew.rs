//! The safe layer on plugins of every version. Each scenario is tried on the mock plugin at each
//! minor: it works, or gives the error that the history of the headers says, and leaves nothing.

#[path = "skew/apart.rs"]
mod apart;
#[path = "skew/buffers.rs"]
mod buffers;
#[path = "skew/core.rs"]
mod core;
#[path = "skew/extensions.rs"]
mod extensions;
#[path = "skew/faults.rs"]
mod faults;
#[cfg(unix)]
#[path = "skew/guard.rs"]
mod guard;
#[path = "skew/known.rs"]
mod known;
#[path = "skew/oracle.rs"]
mod oracle;
#[path = "skew/programs.rs"]
mod programs;
#[path = "skew/promises.rs"]
mod promises;
#[cfg(unix)]
#[path = "skew/reach.rs"]
mod reach;
#[path = "skew/scenario.rs"]
mod scenario;
#[path = "mock_extensions/scenes.rs"]
mod scenes;
#[path = "skew/world.rs"]
mod world;

use pjrt::Error;
use pjrt_mock::{Builder, Mock};
use std::collections::{BTreeMap, BTreeSet};
use world::{World, tried};

/// Plugins of every commit whose declarations differ, but for those with slots at other places.
fn commits() -> impl Iterator<Item = (u32, usize)> {
    let minors = pjrt_mock::minors().into_iter();
    let commits = minors.flat_map(|m| pjrt_mock::commits(m).into_iter().map(move |c| (m, c)));
    commits.filter(|(_, commit)| pjrt_mock::keeps_slots(*commit))
}

/// Tries everything on plugins of every version, and holds what comes against the history.
fn every_version(look: impl Fn(Builder) -> Builder) {
    let mut complaints = Vec::new();
    let mut worked: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    let mut gone: BTreeSet<&str> = BTreeSet::new();
    for (minor, commit) in commits() {
        let builder = look(Mock::builder().minor(minor).commit(commit));
        tried(
            &builder,
            World::new,
            &mut complaints,
            |scenario, version, outcome, all| {
                gone.remove(scenario.name);
                match outcome {
                    Ok(()) => {
                        worked.entry(scenario.name).or_default().insert(minor);
                    }
                    Err(error) => {
                        let objection = match version.cannot_be_told(&error) {
                            true => None,
                            false => version.objection(&error),
                        };
                        all.extend(objection.map(|why| format!("{}: {why}", scenario.name)));
                        if let Error::NoExtension { .. } = error {
                            gone.insert(scenario.name);
                        }
                    }
                }
            },
        );
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let newest = *pjrt_mock::minors().last().unwrap();
    for scenario in scenario::all() {
        let name = scenario.name;
        let minors = worked
            .get(name)
            .unwrap_or_else(|| panic!("{name} never works"));
        // Of an extension that the newest headers no longer have.
        let ended = gone.contains(name);
        assert!(
            ended || minors.contains(&newest),
            "{name} does not work at the newest"
        );
    }
}

#[test]
fn everything_works_or_is_refused_with_the_versions_of_the_history() {
    every_version(|builder| builder);
}

#[test]
fn plugins_that_take_only_the_sizes_of_their_own_version_get_them() {
    every_version(Builder::exact_sizes);
}

#[test]
fn plugins_of_tomorrow_can_do_everything() {
    let mut complaints = Vec::new();
    for minors in [1, 2, 40] {
        let builder = Mock::builder().future(minors);
        tried(
            &builder,
            World::new,
            &mut complaints,
            |scenario, _, outcome, all| match outcome {
                Ok(())
                | Err(Error::NoExtension {
                    extension: "HostAllocator",
                    ..
                }) => {}
                Err(error) => all.push(format!("{} later, {}: {error}", minors, scenario.name)),
            },
        );
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn a_slot_that_is_null_is_told_by_the_name_of_its_function() {
    let mut complaints = Vec::new();
    // Without these a plugin is not loaded, or its errors are not read.
    let needed =
        |name: &&str| *name != "PJRT_Plugin_Initialize" && !name.starts_with("PJRT_Error_");
    for function in pjrt_mock::implemented().into_iter().filter(needed) {
        let before = complaints.len();
        let builder = Mock::builder().without(function);
        tried(
            &builder,
            World::new,
            &mut complaints,
            |scenario, _, outcome, all| match outcome {
                Ok(())
                | Err(Error::NoExtension {
                    extension: "HostAllocator",
                    ..
                }) => {}
                Err(Error::Unimplemented { function: name, .. }) if name == function => {}
                Err(error) => all.push(format!("{}: {error}", scenario.name)),
            },
        );
        for complaint in complaints.iter_mut().skip(before) {
            complaint.insert_str(0, &format!("without {function}: "));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
