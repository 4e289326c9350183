//! The rows of the exam, and the guard of each.

/// How the guard of a row is turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By a switch in the running program.
    Run,
    /// In a build of its own: the guard is a type.
    Types,
}

/// The rule that a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Presence, sizes and layouts.
    Versions,
    /// Who owns what, and who keeps it alive.
    Ownership,
    /// Memory of the host, and how long the plugin uses it.
    HostMemory,
    /// What threads may do.
    Threads,
    /// What a plugin calls.
    Callbacks,
    /// What is used once.
    OneShot,
    /// What becomes of an error.
    Errors,
    /// What cannot be safe.
    Unsafe,
}

impl Rule {
    /// All rules, in the order of the pages.
    pub const ALL: [Rule; 8] = [
        Rule::Versions,
        Rule::Ownership,
        Rule::HostMemory,
        Rule::Threads,
        Rule::Callbacks,
        Rule::OneShot,
        Rule::Errors,
        Rule::Unsafe,
    ];

    /// The heading that `docs/src/soundness.md` has for it.
    pub const fn title(self) -> &'static str {
        match self {
            Rule::Versions => "Presence and sizes",
            Rule::Ownership => "Ownership",
            Rule::HostMemory => "Host memory",
            Rule::Threads => "Threads",
            Rule::Callbacks => "Callbacks",
            Rule::OneShot => "Promises",
            Rule::Errors => "Errors",
            Rule::Unsafe => "What stays unsafe",
        }
    }
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name, which its test has too.
    pub name: &'static str,
    /// How its guard is turned off.
    pub kind: Kind,
    /// The rule that it is about.
    pub rule: Rule,
    /// What safe code could do elsewhere.
    pub defect: &'static str,
    /// The files that its guard is in.
    pub places: &'static [&'static str],
    /// What the guard sees to.
    pub guard: &'static str,
    /// What holds instead when it is off.
    pub without: &'static str,
}

/// All rows. Where the API has no function for the defect, the guard that is turned off is the smallest
/// change that brings it back.
pub const ROWS: &[Row] = &[
    Row {
        name: "table_overread",
        kind: Kind::Run,
        rule: Rule::Versions,
        defect: "Call a plugin that is older than the header: slots past the end of its table, or of an extension's table, were read as functions.",
        places: &["pjrt/src/rt/api.rs"],
        guard: "a table is copied as far as it reaches and as its version has slots",
        without: "as far as ours reaches",
    },
    Row {
        name: "host_bounds",
        kind: Kind::Run,
        rule: Rule::HostMemory,
        defect: "Upload with dimensions or strides that reach past the elements: foreign memory was read.",
        places: &["pjrt/src/host_array.rs"],
        guard: "dimensions and strides stay within the elements",
        without: "unchecked",
    },
    Row {
        name: "raw_copy_bounds",
        kind: Kind::Run,
        rule: Rule::HostMemory,
        defect: "Copy raw bytes with a size that nobody checked: the heap overflowed.",
        places: &["pjrt/src/raw_copy.rs"],
        guard: "a range lies within the buffer",
        without: "unchecked",
    },
    Row {
        name: "borrowed_freed",
        kind: Kind::Run,
        rule: Rule::Ownership,
        defect: "Free layouts that the executable owns.",
        places: &["pjrt/src/rt/handle.rs"],
        guard: "what a plugin owns is borrowed",
        without: "it is destroyed with the handle",
    },
    Row {
        name: "event_error_lost",
        kind: Kind::Run,
        rule: Rule::Errors,
        defect: "Wait for an event that is ready with an error, and be told that all is well.",
        places: &["pjrt/src/rt/failure.rs"],
        guard: "the outcome of waiting is the event's error",
        without: "success",
    },
    Row {
        name: "cancelled_upload",
        kind: Kind::Run,
        rule: Rule::HostMemory,
        defect: "Drop a pending upload, then its data: the plugin read memory that was freed.",
        places: &["pjrt/src/transfer.rs"],
        guard: "memory of a transfer stays until its event",
        without: "until the transfer is dropped",
    },
    Row {
        name: "zero_copy_lifetime",
        kind: Kind::Run,
        rule: Rule::HostMemory,
        defect: "Free host memory that a buffer uses without a copy.",
        places: &["pjrt/src/transfer.rs"],
        guard: "lent memory stays until the plugin has done with it",
        without: "until the call returns",
    },
    Row {
        name: "description_outlives_owner",
        kind: Kind::Run,
        rule: Rule::Ownership,
        defect: "Keep a device's description when its client or topology is gone.",
        places: &["pjrt/src/rt/handle.rs"],
        guard: "a borrowed handle keeps its owner",
        without: "it does not",
    },
    Row {
        name: "executable_outlives_loaded",
        kind: Kind::Run,
        rule: Rule::Ownership,
        defect: "Keep an executable when the loaded one that it came from is gone.",
        places: &["pjrt/src/rt/handle.rs"],
        guard: "an object keeps what it was taken from",
        without: "it does not",
    },
    Row {
        name: "null_program",
        kind: Kind::Run,
        rule: Rule::Versions,
        defect: "Ask for an optimised program with a null pointer in the place of the struct to fill.",
        places: &["pjrt/src/executable.rs"],
        guard: "the caller has no say in the struct that is filled",
        without: "it is null",
    },
    Row {
        name: "callback_data_on_stack",
        kind: Kind::Run,
        rule: Rule::Callbacks,
        defect: "Give the callbacks of a key-value store the address of a local variable: the plugin called when it was gone.",
        places: &["pjrt/src/client.rs"],
        guard: "a store stays as long as its client",
        without: "as long as the call that makes it",
    },
    Row {
        name: "one_shot_twice",
        kind: Kind::Types,
        rule: Rule::OneShot,
        defect: "Keep a promise twice: fulfil an alias, or call what a donation waits for, again.",
        places: &[
            "pjrt/src/alias.rs",
            "pjrt/src/promises.rs",
            "pjrt/src/own_event.rs",
        ],
        guard: "promises are used up and have one owner",
        without: "they are cloned",
    },
    Row {
        name: "safe_raw_pointers",
        kind: Kind::Types,
        rule: Rule::Unsafe,
        defect: "Implement a safe trait that returns raw pointers, or map any address for the device.",
        places: &["codegen/src/emit/methods.rs"],
        guard: "what takes an address is unsafe",
        without: "no method is",
    },
    Row {
        name: "tiled_layout",
        kind: Kind::Run,
        rule: Rule::HostMemory,
        defect: "Describe a layout with tiles of several dimensions: the list was read past its end.",
        places: &["pjrt/src/layout.rs"],
        guard: "tiles are counted, not their sizes",
        without: "the sizes",
    },
    Row {
        name: "first_extension_only",
        kind: Kind::Run,
        rule: Rule::Versions,
        defect: "Use an extension that is not the first in the plugin's chain: it was not found.",
        places: &["pjrt/src/rt/chain.rs"],
        guard: "all nodes are looked at",
        without: "the first",
    },
    Row {
        name: "panic_on_plugin_output",
        kind: Kind::Run,
        rule: Rule::Errors,
        defect: "Load a plugin that returns null, an empty list, or a failure to initialise: a panic, or a lock that is held.",
        places: &["pjrt/src/rt/handle.rs"],
        guard: "an invalid output is an error",
        without: "a panic",
    },
    Row {
        name: "download_cancelled",
        kind: Kind::Run,
        rule: Rule::HostMemory,
        defect: "Drop the future of a download: the plugin went on writing into memory that was freed.",
        places: &["pjrt/src/transfer.rs"],
        guard: "memory of a transfer stays until its event",
        without: "until the transfer is dropped",
    },
    Row {
        name: "polled_event_dropped",
        kind: Kind::Run,
        rule: Rule::Callbacks,
        defect: "Drop an event's future that was polled: its pending callback used what was freed.",
        places: &["pjrt/src/rt/waiting.rs", "pjrt/src/rt/handle.rs"],
        guard: "what a callback uses is its own",
        without: "it ends with the event's handle",
    },
    Row {
        name: "callback_not_send",
        kind: Kind::Types,
        rule: Rule::Threads,
        defect: "Give the plugin a callback that must not leave its thread.",
        places: &["pjrt/src/event.rs"],
        guard: "a callback may go to another thread",
        without: "any closure",
    },
    Row {
        name: "context_freed_early",
        kind: Kind::Run,
        rule: Rule::Ownership,
        defect: "Run with a context that is destroyed when the call returns, while the run goes on.",
        places: &["pjrt/src/execute/prepared.rs"],
        guard: "what a run uses stays until it is over",
        without: "until the call returns",
    },
    Row {
        name: "temporary_in_args",
        kind: Kind::Run,
        rule: Rule::HostMemory,
        defect: "Pass a layout: the struct of arguments pointed into a value that was already dropped.",
        places: &["pjrt/src/layout.rs"],
        guard: "structs borrow from the value that they are made of",
        without: "from a copy that is gone",
    },
    Row {
        name: "kv_store_not_sync",
        kind: Kind::Types,
        rule: Rule::Threads,
        defect: "Give the plugin a key-value store that only one thread may use.",
        places: &[
            "pjrt/src/key_value/mod.rs",
            "pjrt/src/key_value/callbacks.rs",
        ],
        guard: "a store is Send and Sync",
        without: "anything",
    },
    Row {
        name: "foreign_error_destroyed",
        kind: Kind::Run,
        rule: Rule::Errors,
        defect: "Get an error from one plugin, and have another destroy it.",
        places: &["pjrt/src/rt/failure.rs"],
        guard: "an error is destroyed by the plugin that made it",
        without: "by whichever came first",
    },
    Row {
        name: "donated_still_usable",
        kind: Kind::Types,
        rule: Rule::Ownership,
        defect: "Donate a buffer and use it again.",
        places: &["pjrt/src/execute/arguments.rs"],
        guard: "a donated buffer is given by value",
        without: "by reference",
    },
    Row {
        name: "foreign_handle",
        kind: Kind::Run,
        rule: Rule::Ownership,
        defect: "Mix handles of two plugins or clients in one call.",
        places: &["pjrt/src/rt/handle.rs"],
        guard: "handles of one call are of one plugin and client",
        without: "unchecked",
    },
    Row {
        name: "last_drop_on_plugin_thread",
        kind: Kind::Run,
        rule: Rule::Threads,
        defect: "Drop the last handle of a client inside a callback: the plugin waited for itself.",
        places: &["pjrt/src/rt/reaper.rs"],
        guard: "inside a callback another thread destroys",
        without: "the same thread",
    },
    Row {
        name: "one_shot_dropped",
        kind: Kind::Run,
        rule: Rule::OneShot,
        defect: "Drop a promise or an own event unused: whoever waits for it waits forever.",
        places: &[
            "pjrt/src/alias.rs",
            "pjrt/src/promises.rs",
            "pjrt/src/own_event.rs",
        ],
        guard: "a promise that is dropped is broken",
        without: "it is forgotten",
    },
    Row {
        name: "index_out_of_range",
        kind: Kind::Run,
        rule: Rule::Versions,
        defect: "Ask a transfer for an array that it does not have, or for one twice.",
        places: &["pjrt/src/rt/handle.rs"],
        guard: "indices are below their limit and taken once",
        without: "unchecked",
    },
    Row {
        name: "enum_too_new",
        kind: Kind::Run,
        rule: Rule::Versions,
        defect: "Send an element type that the plugin is too old to know.",
        places: &["pjrt/src/rt/checks.rs", "pjrt/src/rt/api.rs"],
        guard: "types are known to the plugin",
        without: "unchecked",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// All sources below a folder, by their paths in the repository.
    fn sources(root: &Path, folder: &str, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(root.join(folder)).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{folder}/{name}");
            if entry.path().is_dir() {
                sources(root, &path, found);
            } else if path.ends_with(".rs") {
                found.push((path, std::fs::read_to_string(entry.path()).unwrap()));
            }
        }
    }

    #[test]
    fn every_row_has_a_guard_that_can_be_turned_off_and_no_other_can() {
        let root = crate::paths::root();
        let mut files = Vec::new();
        sources(&root, "pjrt/src", &mut files);
        sources(&root, "codegen/src", &mut files);
        // The file of the switches names some to explain them.
        files.retain(|(path, _)| path != "pjrt/src/rt/guard.rs");
        for row in ROWS {
            let switch = match row.kind {
                Kind::Run => format!("off(\"{}\")", row.name),
                Kind::Types => format!("pjrt_mutant = \"{}\"", row.name),
            };
            let with = files.iter().filter(|(_, text)| text.contains(&switch));
            let with: Vec<&str> = with.map(|(path, _)| path.as_str()).collect();
            assert!(!with.is_empty(), "nothing in the sources has {switch}");
            for path in with {
                assert!(row.places.contains(&path), "{}: {path}", row.name);
            }
            for path in row.places {
                assert!(files.iter().any(|(p, _)| p == path), "there is no {path}");
            }
            let program = format!("tests/ui/exam/{}.rs", row.name);
            let is_there = root.join(&program).exists();
            assert_eq!(is_there, row.kind == Kind::Types, "{program}");
        }
        let named = |begin: &str| -> Vec<String> {
            let parts = files.iter().flat_map(|(_, text)| text.split(begin).skip(1));
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
