//! The rows of the exam, and the guard of each.

/// How the guard of a row is turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By a switch in the running program.
    Run,
    /// In a build of its own: the guard is a type.
    Types,
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name, which its test has too.
    pub name: &'static str,
    /// Its guard: where it is, and what becomes of it.
    pub guard: &'static str,
    /// How that is turned off.
    pub kind: Kind,
}

const fn run(name: &'static str, guard: &'static str) -> Row {
    Row {
        name,
        guard,
        kind: Kind::Run,
    }
}

const fn types(name: &'static str, guard: &'static str) -> Row {
    Row {
        name,
        guard,
        kind: Kind::Types,
    }
}

/// All rows. Where the API has no function for the defect, the guard that is turned off is the smallest
/// change that brings it back.
pub const ROWS: &[Row] = &[
    run(
        "table_overread",
        "rt/api.rs: tables are copied as far as they reach and their version has their slots; off: as far as ours",
    ),
    run(
        "host_bounds",
        "host_array.rs: dimensions and strides stay within the elements; off: unchecked",
    ),
    run(
        "raw_copy_bounds",
        "raw_copy.rs: a range lies within the buffer; off: unchecked",
    ),
    run(
        "borrowed_freed",
        "rt/handle.rs: what a plugin owns is borrowed; off: it is destroyed with the handle",
    ),
    run(
        "event_error_lost",
        "rt/failure.rs: the outcome of waiting is the event's error; off: success",
    ),
    run(
        "cancelled_upload",
        "transfer.rs: memory of a transfer stays until its event; off: until it is dropped",
    ),
    run(
        "zero_copy_lifetime",
        "transfer.rs: lent memory stays until the plugin has done with it; off: until the call returns",
    ),
    run(
        "description_outlives_owner",
        "rt/handle.rs: a borrowed handle keeps its owner; off: it does not",
    ),
    run(
        "executable_outlives_loaded",
        "rt/handle.rs: an object keeps what it was taken from; off: it does not",
    ),
    run(
        "null_program",
        "executable.rs: the caller has no say in the struct that is filled; off: it is null",
    ),
    run(
        "callback_data_on_stack",
        "client.rs: a store stays as long as its client; off: as long as the call that makes it",
    ),
    types(
        "one_shot_twice",
        "alias.rs, promises.rs, own_event.rs: promises are used up and have one owner; off: they are cloned",
    ),
    types(
        "safe_raw_pointers",
        "overlay: what takes an address is unsafe; off: no method is",
    ),
    run(
        "tiled_layout",
        "layout.rs: tiles are counted, not their sizes; off: the sizes",
    ),
    run(
        "first_extension_only",
        "rt/chain.rs: all nodes are looked at; off: the first",
    ),
    run(
        "panic_on_plugin_output",
        "rt/handle.rs: an invalid output is an error; off: a panic",
    ),
    run(
        "download_cancelled",
        "transfer.rs: memory of a transfer stays until its event; off: until it is dropped",
    ),
    run(
        "polled_event_dropped",
        "rt/waiting.rs: what a callback uses is its own; off: it ends with the event's handle",
    ),
    types(
        "callback_not_send",
        "event.rs: a callback may go to another thread; off: any closure",
    ),
    run(
        "context_freed_early",
        "execute/prepared.rs: what a run uses stays until it is over; off: until the call returns",
    ),
    run(
        "temporary_in_args",
        "layout.rs: structs borrow from the value that they are made of; off: from a copy that is gone",
    ),
    types(
        "kv_store_not_sync",
        "key_value: a store is Send and Sync; off: anything",
    ),
    run(
        "foreign_error_destroyed",
        "rt/failure.rs: an error is destroyed by the plugin that made it; off: by whichever came first",
    ),
    types(
        "donated_still_usable",
        "execute/arguments.rs: a donated buffer is given by value; off: by reference",
    ),
    run(
        "foreign_handle",
        "rt/handle.rs: handles of one call are of one plugin and client; off: unchecked",
    ),
    run(
        "last_drop_on_plugin_thread",
        "rt/reaper.rs: inside a callback another thread destroys; off: the same",
    ),
    run(
        "one_shot_dropped",
        "alias.rs, promises.rs, own_event.rs: a promise that is dropped is broken; off: it is forgotten",
    ),
    run(
        "index_out_of_range",
        "rt/handle.rs: indices are below their limit and taken once; off: unchecked",
    ),
    run(
        "enum_too_new",
        "rt/checks.rs, rt/api.rs: types are known to the plugin; off: unchecked",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// All text of the sources below a folder.
    fn sources(folder: &Path) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                text += &sources(&path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                text += &std::fs::read_to_string(&path).unwrap();
            }
        }
        text
    }

    #[test]
    fn every_row_has_a_guard_that_can_be_turned_off_and_no_other_can() {
        let root = crate::paths::root();
        let text = sources(&root.join("pjrt/src")) + &sources(&root.join("codegen/src"));
        for row in ROWS {
            let switch = match row.kind {
                Kind::Run => format!("off(\"{}\")", row.name),
                Kind::Types => format!("pjrt_mutant = \"{}\"", row.name),
            };
            assert!(
                text.contains(&switch),
                "nothing in the sources has {switch}"
            );
            let program = format!("tests/ui/exam/{}.rs", row.name);
            let is_there = root.join(&program).exists();
            assert_eq!(is_there, row.kind == Kind::Types, "{program}");
        }
        let named = |begin: &str| -> Vec<String> {
            let parts = text.split(begin).skip(1);
            let names = parts.filter_map(|part| part.split_once('"'));
            names.map(|(name, _)| name.to_owned()).collect()
        };
        for name in [named("guard::off(\""), named("pjrt_mutant = \"")].concat() {
            assert!(
                ROWS.iter().any(|row| row.name == name),
                "`{name}` is no row"
            );
        }
    }
}
