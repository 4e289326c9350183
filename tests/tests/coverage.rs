//! The ledger: what counts as a verdict and what does not. The facts are the real ones; overlay and
//! sources are small ones of each test's own.

#[path = "coverage/small.rs"]
mod small;

use pjrt_codegen::coverage::{self, Called, Kind, Verdict};
use pjrt_codegen::model::API_TABLE;
use pjrt_codegen::schema::{Function, Slot, Stats};
use small::*;
use std::collections::BTreeSet;

#[test]
fn every_item_of_the_facts_has_one_verdict() {
    let facts = facts();
    let stats: Vec<Stats> = facts.headers.iter().map(Stats::of).collect();
    let ledger = ledger(OVERLAY, EVENT);
    let total = |kind| ledger.count(kind).total;
    assert_eq!(
        total(Kind::Field),
        stats.iter().map(|s| s.fields).sum::<usize>()
    );
    assert_eq!(
        total(Kind::EnumValue),
        stats.iter().map(|s| s.enum_values).sum::<usize>()
    );
    let slots = facts
        .headers
        .iter()
        .flat_map(|h| &h.structs)
        .flat_map(|s| &s.fields);
    let slots = slots.filter(|f| f.slot.is_some()).count();
    assert_eq!(total(Kind::Function) + total(Kind::Slot), slots);
    assert_eq!(total(Kind::Function), stats[0].functions);
    let names: BTreeSet<(Kind, &str)> = ledger
        .items
        .iter()
        .map(|i| (i.kind, i.name.as_str()))
        .collect();
    assert_eq!(names.len(), ledger.items.len());
}

#[test]
fn verdicts_follow_what_the_overlay_says_and_the_code_bears_out() {
    let ledger = ledger(OVERLAY, EVENT);
    assert_eq!(ledger.dangling, []);
    assert_eq!(
        verdict(&ledger, "PJRT_Event_Destroy"),
        &generated("Drop of Event")
    );
    assert_eq!(
        verdict(&ledger, "PJRT_Event_IsReady"),
        &generated("Event::is_ready")
    );
    let ready = verdict(&ledger, "PJRT_Event_IsReady_Args.is_ready");
    assert_eq!(ready, &generated("Event::is_ready"));
    // Through a helper that nobody can call from outside.
    let wait = hand_written("pjrt::event::Event::wait");
    assert_eq!(verdict(&ledger, "PJRT_Event_Await"), &wait);
    assert_eq!(verdict(&ledger, "PJRT_Event_Await_Args.event"), &wait);
    let size = verdict(&ledger, "PJRT_Event_Await_Args.struct_size");
    assert_eq!(size, &generated("raw::event_await"));
    assert!(verdict(&ledger, "PJRT_Event_OnReady").is_undecided());
}

#[test]
fn a_function_without_an_entry_is_named() {
    let start = OVERLAY.find("[function.PJRT_Event_IsReady]").unwrap();
    let end = OVERLAY.find("[function.PJRT_Event_Await]").unwrap();
    let without = [&OVERLAY[..start], &OVERLAY[end..]].concat();
    let ledger = ledger(&without, EVENT);
    let line = problem(&ledger, "PJRT_Event_IsReady:");
    assert!(
        line.starts_with("needs a verdict") && line.contains("no entry"),
        "{line}"
    );
}

#[test]
fn calling_a_function_is_no_verdict() {
    let without = OVERLAY.replace(
        "safe = \"hand-written\"\npath = \"pjrt::event::Event::wait\"\n",
        "",
    );
    let ledger = ledger(&without, EVENT);
    let line = problem(&ledger, "PJRT_Event_Await:");
    assert!(line.contains("`Event::wait_raw` calls it"), "{line}");
}

#[test]
fn a_path_to_nothing_dangles() {
    for path in [
        "pjrt::event::Event::join",
        "pjrt::buffer::Event::wait",
        "pjrt::wait",
    ] {
        let overlay = OVERLAY.replace("pjrt::event::Event::wait", path);
        let ledger = ledger(&overlay, EVENT);
        let line = problem(&ledger, "PJRT_Event_Await:");
        assert!(
            line.starts_with("dangling") && line.contains("not in the sources"),
            "{line}"
        );
        assert!(verdict(&ledger, "PJRT_Event_Await").is_undecided());
    }
}

#[test]
fn a_path_that_does_not_reach_the_call_dangles() {
    let reaching: &[&str] = &[
        // A public method is a safe form of its own.
        "pub fn wait(&self) { self.other() } pub fn other(&self) { unsafe { raw::event_await(a, i) } }",
        "pub fn wait(&self) { unsafe { raw::event_is_ready(a, i) } }",
        // Only the generated method calls it.
        "pub fn wait(&self) { self.is_ready() }",
        "pub fn wait(&self) {} #[cfg(test)] fn t() { unsafe { raw::event_await(a, i) } }",
        "pub fn wait(&self) { \"raw::event_await(a, i)\" } // raw::event_await(a, i)\n",
    ];
    for body in reaching {
        let text = format!(
            "use crate::raw; pjrt_macros::generate!(handle PJRT_Event); impl Event {{ {body} }}"
        );
        let ledger = ledger(OVERLAY, &text);
        let line = problem(&ledger, "PJRT_Event_Await:");
        assert!(
            line.starts_with("dangling") && line.contains("does not reach"),
            "{body}: {line}"
        );
    }
    let overlay = OVERLAY.replace("pjrt::event::Event::wait", "pjrt::event::Event::is_ready");
    let line = problem(&ledger(&overlay, EVENT), "PJRT_Event_Await:");
    assert!(line.contains("is generated, not hand-written"), "{line}");
}

#[test]
fn generated_counts_only_where_the_macro_is_invoked() {
    let event = EVENT.replace("pjrt_macros::generate!(handle PJRT_Event);", "");
    let ledger = ledger(OVERLAY, &event);
    let line = problem(&ledger, "PJRT_Event_IsReady:");
    assert!(
        line.starts_with("dangling") && line.contains("nothing that the macro makes"),
        "{line}"
    );
}

#[test]
fn files_that_are_tests_or_not_declared_show_nothing() {
    let lib = "mod event; pub mod raw; #[cfg(test)] mod tests;";
    let event = "pjrt_macros::generate!(handle PJRT_Event);";
    let wait =
        "use crate::raw; impl Event { pub fn wait(&self) { unsafe { raw::event_await(a, i) } } }";
    let overlay = OVERLAY.replace("event::Event::wait", "Event::wait");
    let model = model(facts(), &overlay);
    let files = [
        ("lib.rs", lib),
        ("event.rs", event),
        ("tests.rs", wait),
        ("lost.rs", wait),
    ];
    let line = problem(&ledger_of(&model, &files, "", ""), "PJRT_Event_Await:");
    assert!(line.contains("not in the sources"), "{line}");
    let declared = lib.replace("#[cfg(test)]", "");
    let files = [
        ("lib.rs", declared.as_str()),
        ("event.rs", event),
        ("tests.rs", wait),
    ];
    assert_eq!(ledger_of(&model, &files, "", "").dangling, []);
}

#[test]
fn a_field_that_is_always_null_or_never_read_is_named() {
    let overlay = "[function.PJRT_Client_Create]\nsafe = \"hand-written\"\npath = \"pjrt::create\"\non = \"none\"\ndoc = \"d\"\nwhy = \"w\"\n";
    let create = |given: &str, read: &str| {
        let text = format!(
            "use crate::raw; pub fn create(api: &Api) -> *mut C {{
                let out = unsafe {{ raw::client_create(api, raw::ClientCreateIn::new(
                    options.as_ptr(), options.len(), {given},
                    None, ptr::null_mut(), None, ptr::null_mut())) }}?;
                {read}
            }}"
        );
        ledger_of(&model(facts(), overlay), &[("event.rs", &text)], "", "")
    };
    let field = |name: &str| format!("PJRT_Client_Create_Args.{name}");
    let ledger = create("None, ptr::null_mut()", "out.client");
    assert_eq!(
        verdict(&ledger, "PJRT_Client_Create"),
        &hand_written("pjrt::create")
    );
    assert_eq!(
        verdict(&ledger, &field("client")),
        &hand_written("pjrt::create")
    );
    assert_eq!(
        verdict(&ledger, &field("num_options")),
        &hand_written("pjrt::create")
    );
    for name in ["kv_get_callback", "kv_get_user_arg", "kv_try_get_callback"] {
        assert_eq!(missing(verdict(&ledger, &field(name))), "always null");
    }
    let line = problem(&ledger, "PJRT_Client_Create_Args.kv_get_callback");
    assert!(line.ends_with(": always null"), "{line}");
    let ledger = create("Some(get), store.cast()", "other.client");
    assert_eq!(
        verdict(&ledger, &field("kv_get_callback")),
        &hand_written("pjrt::create")
    );
    assert_eq!(missing(verdict(&ledger, &field("client"))), "never read");
}

#[test]
fn what_is_new_in_a_header_needs_a_verdict() {
    let mut facts = facts();
    let core = &mut facts.headers[0];
    let mut table = core
        .structs
        .iter()
        .position(|s| s.name == API_TABLE)
        .map(|i| &mut core.structs[i])
        .unwrap();
    let mut slot = table.fields.last().unwrap().clone();
    slot.name = "PJRT_Event_Forget".into();
    slot.offset += slot.size;
    slot.slot = Some(Slot::Function);
    table.fields.push(slot.clone());
    let mut args = core
        .structs
        .iter()
        .find(|s| s.name == "PJRT_Event_Await_Args")
        .unwrap()
        .clone();
    let mut urgency = args.fields.last().unwrap().clone();
    urgency.name = "urgency".into();
    urgency.ty = "int64_t".into();
    urgency.dir = None;
    table = core
        .structs
        .iter_mut()
        .find(|s| s.name == "PJRT_Event_Await_Args")
        .unwrap();
    table.fields.push(urgency);
    args.name = "PJRT_Event_Forget_Args".into();
    let mut function: Function = core
        .functions
        .iter()
        .find(|f| f.name == "PJRT_Event_Await")
        .unwrap()
        .clone();
    function.name = "PJRT_Event_Forget".into();
    function.slot.clone_from(&slot.name);
    function.offset = slot.offset;
    function.args = Some(args.name.clone());
    core.functions.push(function);
    core.structs.push(args);
    let ledger = ledger_of(&model(facts, OVERLAY), &[("event.rs", EVENT)], "", "");
    let line = problem(&ledger, "PJRT_Event_Forget:");
    assert!(line.starts_with("needs a verdict"), "{line}");
    // Its checked call is there by itself.
    let size = verdict(&ledger, "PJRT_Event_Forget_Args.struct_size");
    assert_eq!(size, &generated("raw::event_forget"));
    let line = problem(&ledger, "PJRT_Event_Await_Args.urgency");
    assert!(
        line.starts_with("needs a verdict") && line.contains("nothing passes it"),
        "{line}"
    );
}

#[test]
fn enum_values_are_generated_with_their_type_or_named_by_code() {
    let event = format!(
        "{EVENT} pjrt_macros::generate!(enum PJRT_ProcessState); fn f() {{ sys::PJRT_NamedValue_Type::PJRT_NamedValue_kFloat; }}"
    );
    let ledger = ledger(OVERLAY, &event);
    let state = verdict(&ledger, "PJRT_ProcessState_kConnected");
    assert_eq!(state, &generated("event::ProcessState"));
    assert_eq!(
        verdict(&ledger, "PJRT_NamedValue_kFloat"),
        &hand_written("event::f")
    );
    assert!(verdict(&ledger, "PJRT_NamedValue_kInt64").is_undecided());
}

#[test]
fn fields_of_values_count_where_code_that_knows_the_struct_names_them() {
    let event = format!(
        "{EVENT} fn read(item: *const sys::PJRT_NamedValue) {{ (*item).name; (*item).name_size; }}
         fn other(value: &Mine) {{ value.value_size; PJRT {{ value_size: 1 }}; }}"
    );
    let ledger = ledger(OVERLAY, &event);
    assert_eq!(
        verdict(&ledger, "PJRT_NamedValue.name"),
        &hand_written("event::read")
    );
    assert!(verdict(&ledger, "PJRT_NamedValue.value_size").is_undecided());
    // The header stands with the rest.
    assert!(verdict(&ledger, "PJRT_NamedValue.extension_start").is_covered());
    assert!(verdict(&ledger, "PJRT_ProcessInfo.task_id").is_undecided());
}

#[test]
fn skips_give_a_reason_and_stale_ones_are_named() {
    let skipped = "PJRT_Event_OnReady = \"no use\"\nPJRT_Error_FunctionTable = \"no table\"\n\
        PJRT_Event_Await = \"it has one\"\nPJRT_No_Such = \"gone\"\n";
    let ledger = ledger_of(
        &model(facts(), OVERLAY),
        &[("event.rs", EVENT)],
        skipped,
        "",
    );
    let reason = Verdict::Skipped("no use".into());
    assert_eq!(verdict(&ledger, "PJRT_Event_OnReady"), &reason);
    assert_eq!(
        verdict(&ledger, "PJRT_Event_OnReady_Args.callback"),
        &reason
    );
    assert!(matches!(
        verdict(&ledger, "PJRT_Error_FunctionTable.destroy"),
        Verdict::Skipped(_)
    ));
    assert!(matches!(
        verdict(&ledger, "PJRT_Error_FunctionTable.instance_size"),
        Verdict::Skipped(_)
    ));
    for name in ["PJRT_Event_Await:", "PJRT_No_Such:"] {
        let line = problem(&ledger, name);
        assert!(
            line.starts_with("stale skip") && line.contains("schema/skipped.toml:"),
            "{line}"
        );
    }
}

#[test]
fn more_skips_than_fifteen_are_refused() {
    let model = model(facts(), OVERLAY);
    let names: Vec<String> = facts().headers[0]
        .functions
        .iter()
        .skip(10)
        .take(16)
        .map(|f| f.name.clone())
        .collect();
    let skip = |n: usize| {
        names
            .iter()
            .take(n)
            .map(|f| format!("{f} = \"no use\"\n"))
            .collect::<String>()
    };
    let many = |n: usize| {
        let ledger = ledger_of(&model, &[("event.rs", EVENT)], &skip(n), "");
        coverage::problems(&ledger)
            .into_iter()
            .any(|p| p.starts_with("too many skips"))
    };
    assert!(!many(15));
    assert!(many(16));
}

#[test]
fn a_recording_of_functions_that_are_gone_is_named() {
    let called =
        Called::record("cpu\t0.81\tPJRT_Event_Await\tok\ncpu\t0.81\tPJRT_Gone\terror\n").unwrap();
    let ledger = ledger_of(
        &model(facts(), OVERLAY),
        &[("event.rs", EVENT)],
        "",
        &called.to_json(),
    );
    let line = problem(&ledger, "PJRT_Gone:");
    assert!(line.starts_with("stale record"), "{line}");
    let report = coverage::json(&ledger);
    assert_eq!(
        report["called_on"]["cpu"]["ok"],
        serde_json::json!(["PJRT_Event_Await"])
    );
    assert_eq!(
        report["called_on"]["cpu"]["error"],
        serde_json::json!(["PJRT_Gone"])
    );
    for key in ["functions", "fields", "enum_values", "extension_slots"] {
        for count in ["total", "generated", "hand_written", "skipped", "undecided"] {
            assert!(report[key][count].is_u64(), "{key}.{count}");
        }
    }
    let model = model(facts(), OVERLAY);
    let text = coverage::markdown(&model, &ledger);
    assert!(
        text.contains("| PJRT_Event_Await |  | hand-written | `pjrt::event::Event::wait` | cpu |")
    );
}

#[test]
fn the_report_of_this_repository_names_everything_and_stays_readable() {
    let text = std::fs::read_to_string(root().join(coverage::COVERAGE)).unwrap();
    assert!(text.len() < 150_000, "{} bytes", text.len());
    for function in facts().headers.iter().flat_map(|h| &h.functions) {
        if !function.table.is_empty() {
            assert!(
                text.contains(&format!("| {} |", function.name)),
                "{}",
                function.name
            );
        }
    }
}
