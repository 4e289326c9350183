//! The examples of the crate run to their end, on the real plugins, each in a process of its own.

use pjrt_tests::{child, plugin};

/// Each example is a module here; its `main` is what runs.
macro_rules! examples {
    ($($name:ident on $plugin:literal from $path:literal),* $(,)?) => {
        $(
            #[path = $path]
            mod $name;

            #[test]
            fn $name() {
                if plugin($plugin).is_none() {
                    return;
                }
                if !child::is_child(stringify!($name)) {
                    return child::alone(stringify!($name));
                }
                $name::main().unwrap();
            }
        )*

        #[test]
        fn every_example_is_run() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../pjrt/examples");
            let entries = std::fs::read_dir(folder).unwrap().flatten();
            let names = entries.map(|entry| entry.file_name().into_string().unwrap());
            let found: Vec<String> = names.filter(|name| name.ends_with(".rs")).collect();
            let mut run = vec![$(concat!(stringify!($name), ".rs")),*];
            assert_eq!(found.len(), run.len(), "{found:?}");
            run.retain(|name| !found.iter().any(|found| found == name));
            assert!(run.is_empty(), "there is no example {run:?}");
        }
    };
}

examples! {
    from_nothing on "cpu" from "../../pjrt/examples/from_nothing.rs",
    quickstart on "cpu" from "../../pjrt/examples/quickstart.rs",
    buffers on "cpu" from "../../pjrt/examples/buffers.rs",
    donation on "cpu" from "../../pjrt/examples/donation.rs",
    futures on "cpu" from "../../pjrt/examples/futures.rs",
    all_reduce on "cpu" from "../../pjrt/examples/all_reduce.rs",
    compilation_cache on "cpu" from "../../pjrt/examples/compilation_cache.rs",
    two_processes on "cpu" from "../../pjrt/examples/two_processes.rs",
    ahead_of_time on "tpu" from "../../pjrt/examples/ahead_of_time.rs",
}
