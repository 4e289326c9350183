//! The known cases of the real history.

use super::super::{Minors, Presence};
use super::history;

fn function(name: &str) -> Minors {
    let item = history().function(name).expect("a function");
    history().function_minors(item).expect("minors")
}

fn structure(name: &str) -> Minors {
    let item = history().structure(name).expect("a struct");
    history().struct_minors(item).expect("minors")
}

fn field(of: &str, name: &str) -> Minors {
    let item = history().structure(of).expect("a struct");
    let fields = history().field_minors(item);
    let found = fields.into_iter().find(|(field, _)| *field == name);
    found.expect("a field").1
}

fn value(of: &str, name: &str) -> Minors {
    let item = history().enumeration(of).expect("an enumeration");
    let values = history().value_minors(item);
    let found = values.into_iter().find(|(value, _)| *value == name);
    found.expect("a value").1
}

fn since(minors: Minors) -> (u32, Option<u32>) {
    (minors.since, minors.safe_since)
}

#[test]
fn every_commit_and_every_minor_is_folded() {
    let source = &history().source;
    assert!(source.main >= 236);
    assert_eq!(source.unversioned, 76);
    let mut minors: Vec<u32> = history().states.iter().map(|s| s.minor).collect();
    minors.sort_unstable();
    minors.dedup();
    let newest = minors.last().copied().unwrap_or_default();
    assert!(newest >= 114);
    // What came after may have skipped minors.
    minors.retain(|minor| *minor <= 114);
    assert_eq!(minors, (1..=114).collect::<Vec<_>>());
    assert!(history().problems.is_empty(), "{:?}", history().problems);
}

#[test]
fn the_version_went_back_six_times() {
    let pairs = history().states.windows(2);
    let back: Vec<(u32, u32)> = pairs
        .map(|pair| (pair[0].minor, pair[1].minor))
        .filter(|(before, after)| after < before)
        .collect();
    let wanted = [(56, 55), (61, 60), (61, 60), (70, 69), (79, 78), (91, 90)];
    assert_eq!(back, wanted);
}

#[test]
fn an_item_that_was_reverted_is_safe_only_later() {
    let field = |name| since(field("PJRT_Client_Create_Args", name));
    assert_eq!(field("kv_try_get_callback"), (61, Some(62)));
    let layouts = function("PJRT_Layouts_PJRT_Executable_GetOutputLayouts");
    assert_eq!(since(layouts), (80, Some(81)));
    assert_eq!(layouts.removed, None);
    let options = "overridden_serialized_compile_options";
    let options = super::known::field("PJRT_Executable_DeserializeAndLoad_Args", options);
    assert_eq!(since(options), (56, Some(71)));
}

#[test]
fn fields_that_came_later_have_their_own_minor() {
    let poison = field("PJRT_Device_PoisonExecution_Args", "payload");
    assert_eq!(poison.safe_since, Some(100));
    let error = field("PJRT_Client_CreateErrorBuffer_Args", "payload");
    assert_eq!(error.safe_since, Some(103));
    let stats = |name| field("PJRT_Executable_GetCompiledMemoryStats_Args", name).safe_since;
    assert_eq!(stats("host_temp_size_in_bytes"), Some(43));
    assert_eq!(stats("peak_memory_in_bytes"), Some(72));
    assert_eq!(stats("total_size_in_bytes"), Some(90));
    assert_eq!(stats("indefinite_allocations"), Some(104));
}

#[test]
fn what_some_commits_of_the_newest_minor_lack_is_safe_in_the_next() {
    let traits = field("PJRT_Gpu_Register_Custom_Call_Args", "traits");
    assert_eq!(since(traits), (114, Some(115)));
}

#[test]
fn both_tables_of_0_56_are_told_apart_by_their_size() {
    let first = history().consistent("PJRT_Api", 56, 808);
    let second = history().consistent("PJRT_Api", 56, 816);
    assert!(!first.is_empty() && !second.is_empty());
    assert!(first.iter().all(|state| !second.contains(state)));
    let api = history().structure("PJRT_Api").expect("the table");
    let place = |state: usize, name: &str| {
        let body = api.at(state)?;
        body.fields
            .iter()
            .find(|f| f.name == name)
            .map(|f| f.offset)
    };
    let today = history().states.len() - 1;
    let moved = "PJRT_Buffer_CopyToDevice";
    assert!(
        first
            .iter()
            .all(|s| place(*s, moved) == place(today, moved))
    );
    assert!(
        second
            .iter()
            .all(|s| place(*s, moved) != place(today, moved))
    );
    // The first is a prefix of today's table, the second the only one since 0.40 that is not.
    let odd: Vec<_> = history()
        .stale()
        .into_iter()
        .filter(|s| s.name == "PJRT_Api")
        .collect();
    let odd: Vec<_> = odd
        .iter()
        .filter(|s| !s.prefix)
        .map(|s| s.reported)
        .collect();
    assert_eq!(odd, [816]);
}

#[test]
fn stale_tables_report_less_than_they_hold() {
    let stale = history().stale();
    let of = |name: &str| {
        let own = stale.iter().filter(|s| s.name == name);
        let own = own.map(|s| (s.reported, s.end, s.minors.clone()));
        own.collect::<Vec<_>>()
    };
    let api = [
        (792, 800, vec![(35, 35)]),
        (808, 816, vec![(40, 47)]),
        (808, 824, vec![(48, 51)]),
        (808, 840, vec![(52, 56)]),
        (816, 848, vec![(56, 56)]),
    ];
    assert_eq!(of("PJRT_Api"), api);
    assert_eq!(of("PJRT_Plugin_Attributes_Args"), [(24, 32, vec![(9, 71)])]);
    assert_eq!(of("PJRT_ExecuteOptions"), [(52, 72, vec![(39, 45)])]);
    assert_eq!(of("PJRT_Profiler_Extension"), [(32, 40, vec![(45, 48)])]);
}

#[test]
fn process_info_is_laid_out_as_today_from_the_minor_after_its_change() {
    assert_eq!(structure("PJRT_ProcessInfo").layout_since, Some(76));
    let update = function("PJRT_Client_UpdateGlobalProcessInfo");
    assert_eq!(
        (update.safe_since, update.layout_since),
        (Some(73), Some(76))
    );
}

#[test]
fn arguments_that_were_rearranged_change_their_functions_layout() {
    let copy = function("PJRT_Buffer_CopyToRemoteDevice");
    assert_eq!((copy.safe_since, copy.layout_since), (Some(74), Some(91)));
    assert_eq!(
        function("PJRT_Gpu_Register_Custom_Call").layout_since,
        Some(55)
    );
    assert_eq!(function("PJRT_Triton_Compile").layout_since, Some(84));
    assert_eq!(function("PJRT_FFI_UserData_Add").layout_since, Some(82));
}

#[test]
fn the_chain_of_extensions_had_another_layout_before_0_45() {
    assert_eq!(structure("PJRT_Extension_Base").layout_since, Some(45));
    // Functions are not affected by it.
    assert_eq!(function("PJRT_Error_Message").layout_since, Some(1));
}

#[test]
fn an_embedded_base_is_no_change() {
    assert_eq!(structure("PJRT_Layouts_Extension").layout_since, Some(51));
    assert_eq!(field("PJRT_Layouts_Extension", "base").since, 51);
}

#[test]
fn a_renamed_field_is_one_item() {
    let start = field("PJRT_Client_Create_Args", "extension_start");
    assert_eq!(since(start), (1, Some(1)));
    assert_eq!(field("PJRT_Memory_Kind_Args", "kind").since, 14);
    let zero_copy = "PJRT_HostBufferSemantics_kImmutableZeroCopy";
    assert_eq!(
        since(value("PJRT_HostBufferSemantics", zero_copy)),
        (1, Some(1))
    );
    assert!(history().enumeration("PJRT_Structure_Type").is_none());
    let own = history().structure("PLUGIN_Profiler_Error_Message_Args");
    let own = own
        .and_then(|item| item.newest())
        .expect("a struct of the profiler");
    assert!(
        own.fields.iter().any(|f| f.name == "priv"),
        "not renamed there"
    );
}

#[test]
fn nine_minors_have_two_layouts() {
    let shared = history().shared();
    let core = shared.iter().filter(|s| s.module == "core");
    let layouts = core.filter(|s| !s.layouts.is_empty());
    let minors: Vec<u32> = layouts.map(|s| s.minor).collect();
    assert_eq!(minors, [1, 2, 11, 13, 20, 56, 61, 70, 75]);
}

#[test]
fn a_deleted_header_keeps_its_items() {
    let table = structure("PJRT_HostAllocator_Extension");
    assert_eq!(table.removed, Some(113));
    let module = history().module("host_allocator").expect("the module");
    let today = history().states.len() - 1;
    assert_eq!(module.at(today), Some(&Presence::Gone));
    assert!(
        history()
            .since_map()
            .contains_key("PJRT_HostAllocator_Extension")
    );
}

#[test]
fn the_ffi_header_counts_for_itself() {
    let details = function("XLA_FFI_Error_GetDetails");
    assert_eq!(details.since, 0, "it was GetMessage before");
    assert_eq!(field("XLA_FFI_Error_GetDetails_Args", "errc").since, 4);
    let map = history().since_map();
    assert!(!map.keys().any(|name| name.starts_with("XLA_FFI_")));
}

#[test]
fn the_map_for_the_model_has_what_is_there_today() {
    let map = history().since_map();
    assert_eq!(map.get("PJRT_Client_Create"), Some(&1));
    assert_eq!(
        map.get("PJRT_Client_Create_Args.kv_try_get_callback"),
        Some(&62)
    );
    assert_eq!(map.get("PJRT_Api.PJRT_Buffer_CopyRawToHost"), Some(&57));
    assert_eq!(map.get("PJRT_NamedValue.string_value"), Some(&1));
    assert!(!map.contains_key("PJRT_Buffer_OnDeviceTrimmedShape"));
}

#[test]
fn an_item_is_shown_by_any_of_its_names() {
    let shown = history().show("Client_Create").expect("without the prefix");
    assert_eq!(
        (shown.name.as_str(), shown.kind),
        ("PJRT_Client_Create", "function")
    );
    let sizes: Vec<_> = shown.sizes.iter().map(|s| (s.minor, s.size_of)).collect();
    assert!(
        sizes.ends_with(&[(61, 88), (61, 72), (62, 88)]),
        "{sizes:?}"
    );
    let layouts = history().show("layouts").expect("an extension");
    assert_eq!((layouts.kind, layouts.minors.since), ("extension", 51));
    let renamed = history()
        .show("XLA_FFI_Error_GetMessage")
        .expect("an older name");
    assert_eq!(renamed.name, "XLA_FFI_Error_GetDetails");
    assert_eq!(history().show("PJRT_Nothing"), None);
    assert!(
        history()
            .similar("UpdateGlobal")
            .contains(&"PJRT_Client_UpdateGlobalProcessInfo")
    );
}

#[test]
fn an_item_as_json_has_integers_for_minors() {
    let json = history()
        .show("PJRT_ProcessInfo")
        .expect("a struct")
        .to_json();
    assert_eq!(json["since"], 73);
    assert_eq!(json["safe_since"], 73);
    assert_eq!(json["layout_since"], 76);
    assert!(json["removed"].is_null());
    let fields = json["fields"].as_array().expect("fields");
    assert_eq!(fields[0]["name"], "struct_size");
    assert_eq!(fields[0]["safe_since"], 76);
    assert_eq!(fields[1]["offset"], 8);
    assert_eq!(json["sizes"][0]["size_of"], 40);
}
