//! The safety exam: defects of other safe wrappers of PJRT that safe code must not be able to reach
//! here. Each test has the name of its defect. It is shown on the mock plugin and, where it can show
//! there, on the real CPU plugin (PJRT 0.81) in a process of its own; what the compiler refuses is
//! shown by programs in `tests/ui/exam`.
//!
//! `cargo xtask exam --mutants` turns off the guard of each test and sees that the test fails.

#[path = "safety_exam/callbacks.rs"]
mod callbacks;
#[path = "safety_exam/lifetimes.rs"]
mod lifetimes;
#[path = "safety_exam/memory.rs"]
mod memory;
#[path = "safety_exam/outputs.rs"]
mod outputs;
#[path = "safety_exam/promises.rs"]
mod promises;
#[path = "safety_exam/support.rs"]
mod support;
#[path = "safety_exam/tables.rs"]
mod tables;
#[path = "safety_exam/types.rs"]
mod types;

/// One test for each defect.
macro_rules! exam {
    ($($name:ident in $module:ident;)*) => {
        $(
            #[test]
            fn $name() {
                $module::$name();
            }
        )*
    };
}

exam! {
    table_overread in tables;
    host_bounds in memory;
    raw_copy_bounds in memory;
    borrowed_freed in lifetimes;
    event_error_lost in promises;
    cancelled_upload in memory;
    zero_copy_lifetime in memory;
    description_outlives_owner in lifetimes;
    executable_outlives_loaded in lifetimes;
    null_program in outputs;
    callback_data_on_stack in callbacks;
    one_shot_twice in types;
    safe_raw_pointers in types;
    tiled_layout in memory;
    first_extension_only in tables;
    panic_on_plugin_output in outputs;
    download_cancelled in memory;
    polled_event_dropped in promises;
    callback_not_send in types;
    context_freed_early in lifetimes;
    temporary_in_args in memory;
    kv_store_not_sync in types;
    foreign_error_destroyed in outputs;
    donated_still_usable in types;
    foreign_handle in lifetimes;
    last_drop_on_plugin_thread in callbacks;
    one_shot_dropped in promises;
    index_out_of_range in outputs;
    enum_too_new in tables;
}
