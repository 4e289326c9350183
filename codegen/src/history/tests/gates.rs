//! What plugins of each version have, of the real history.

use super::history;
use crate::model::gates::{Gates, Row};
use crate::schema;
use std::sync::OnceLock;

fn gates() -> &'static Gates {
    static GATES: OnceLock<Gates> = OnceLock::new();
    GATES.get_or_init(|| {
        let text = schema::tests::checked_in();
        let schema = schema::load("schema", text).expect("the schema is valid");
        history().gates(&schema, 40)
    })
}

fn rows(item: &str) -> Vec<[u32; 4]> {
    gates().of(item).iter().map(Row::numbers).collect()
}

const ABSENT: [u32; 2] = [0, 0];
const INCOMPATIBLE: [u32; 2] = [0, 1];

#[test]
fn what_was_always_as_it_is_has_no_rows() {
    for item in ["PJRT_Client_Destroy", "PJRT_Event_Await", "PJRT_Program"] {
        assert_eq!(rows(item), Vec::<[u32; 4]>::new(), "{item}");
    }
}

#[test]
fn a_function_is_absent_before_every_commit_of_a_minor_has_it() {
    let [a, b] = ABSENT;
    assert_eq!(rows("PJRT_Event_Set"), [[40, 0, a, b], [89, 0, 48, 48]]);
}

#[test]
fn the_sizes_of_grown_arguments_follow_the_minor() {
    let stats = rows("PJRT_Device_MemoryStats");
    assert_eq!(stats, [[40, 0, 185, 185], [113, 0, 201, 201]]);
}

#[test]
fn a_size_that_two_commits_of_a_minor_disagree_on_is_the_larger_and_what_both_know_the_less() {
    let create = rows("PJRT_Client_Create");
    assert_eq!(create, [[40, 0, 72, 72], [61, 0, 88, 72], [62, 0, 88, 88]]);
}

#[test]
fn a_constant_that_was_forgotten_is_sent_and_its_real_end_known() {
    let options = rows("PJRT_ExecuteOptions");
    assert_eq!(options.first(), Some(&[40, 0, 52, 72]));
    assert_eq!(options.last(), Some(&[112, 0, 144, 144]));
}

#[test]
fn tables_of_the_oldest_versions_end_later_than_they_say() {
    let ends: Vec<_> = rows("PJRT_Api")
        .into_iter()
        .filter(|r| r[1] == 808)
        .collect();
    let end = |minor| ends.iter().find(|r| r[0] == minor).map(|r| r[3]);
    assert_eq!(
        [end(40), end(47), end(48), end(51)],
        [816, 816, 824, 824].map(Some)
    );
    assert_eq!([end(52), end(55), end(56)], [840, 840, 840].map(Some));
    assert_eq!(end(57), None);
}

#[test]
fn the_second_table_of_minor_56_is_the_beginning_of_no_other() {
    let [a, b] = INCOMPATIBLE;
    assert!(rows("PJRT_Api").contains(&[56, 816, a, b]));
    let moved = rows("PJRT_Buffer_CopyToDevice");
    assert!(
        moved.contains(&[56, 808, 40, 40]),
        "the first table is as before"
    );
    assert!(moved.contains(&[57, 0, 40, 40]));
}

#[test]
fn process_info_had_another_beginning() {
    let [a, b] = INCOMPATIBLE;
    let update = rows("PJRT_Client_UpdateGlobalProcessInfo");
    assert_eq!(update, [[40, 0, 0, 0], [73, 0, a, b], [76, 0, 40, 40]]);
    assert_eq!(
        gates().layout_since("PJRT_Client_UpdateGlobalProcessInfo"),
        Some(76)
    );
}

#[test]
fn copies_to_a_remote_device_are_incompatible_before_their_event() {
    let copy = rows("PJRT_Buffer_CopyToRemoteDevice");
    assert_eq!(copy.first(), Some(&[40, 0, 0, 1]));
    assert_eq!(
        gates().layout_since("PJRT_Buffer_CopyToRemoteDevice"),
        Some(91)
    );
}

#[test]
fn an_extensions_table_tells_revisions_of_one_minor_apart() {
    let gpu = rows("PJRT_Gpu_Register_Custom_Call");
    assert!(gpu.contains(&[114, 32, 64, 64]) && gpu.contains(&[114, 33, 68, 68]));
    let flag = rows("PJRT_Gpu_Custom_Call.custom_call_handles_traits");
    assert!(flag.contains(&[114, 33, 1, 1]) && flag.contains(&[40, 0, 0, 0]));
}

#[test]
fn slots_of_a_vtable_that_changed_within_a_version_are_told_apart_by_its_size() {
    let slice = rows("PJRT_RawBuffer_FunctionTable.slice");
    assert!(slice.contains(&[113, 120, 1, 1]) && !slice.contains(&[113, 112, 1, 1]));
    let copy = rows("PJRT_RawBuffer_FunctionTable.copy_raw_host_to_device_and_return_event");
    assert!(copy.contains(&[113, 0, 0, 1]) && copy.contains(&[114, 0, 1, 1]));
}

#[test]
fn fields_are_later_by_the_bytes_that_all_know() {
    let later = |item, end| gates().later(item, end);
    assert_eq!(later("PJRT_Executable_GetCompiledMemoryStats", 64), None);
    assert_eq!(
        later("PJRT_Executable_GetCompiledMemoryStats", 112),
        Some(72)
    );
    assert_eq!(
        later("PJRT_Executable_GetCompiledMemoryStats", 144),
        Some(104)
    );
    assert_eq!(
        later("PJRT_Device_AddressableMemories", 40),
        None,
        "only its constant was old"
    );
}

#[test]
fn values_that_came_later_have_their_minor() {
    let types = gates()
        .values
        .get("PJRT_Buffer_Type")
        .expect("late element types");
    assert!(types.contains(&(24, 54)) && types.contains(&(33, 114)));
    assert_eq!(gates().values.get("PJRT_NamedValue_Type"), None);
}
#[test]
fn a_callback_with_other_parameters_makes_its_function_incompatible() {
    let make = rows("PJRT_Transfers_PJRT_Client_MakeCrossHostReceiveBuffers");
    assert_eq!(make, [[40, 0, 0, 1], [86, 0, 104, 104]]);
}

#[test]
fn arguments_whose_last_struct_was_longer_are_sent_with_its_old_size() {
    let add = rows("PJRT_FFI_UserData_Add");
    assert!(
        add.contains(&[81, 0, 48, 40]) && add.contains(&[82, 0, 40, 40]),
        "{add:?}"
    );
}

#[test]
fn the_oldest_supported_version_is_one_that_there_was() {
    let text = schema::tests::checked_in();
    let schema = schema::load("schema", text).expect("the schema is valid");
    let versions = |table: &str, minor| {
        let oldest = [(table.to_owned(), minor)].into_iter().collect();
        history().versions(&schema, &oldest)
    };
    let versioned = versions("PJRT_Api", 50).expect("a minor of the history");
    let rows = versioned.gates.of("PJRT_Event_Set");
    assert_eq!(rows.first().map(|row| row.minor), Some(50));
    for (table, minor) in [("PJRT_Api", 100_000), ("XLA_FFI_Api", 40), ("PJRT_None", 1)] {
        let faults = versions(table, minor)
            .expect_err("no such version")
            .to_string();
        assert!(
            faults.contains("V011") && faults.contains(table),
            "{faults}"
        );
    }
}
