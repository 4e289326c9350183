//! Collective operations: that libtpu has them, and all that they do on a plugin made up here.

#[path = "collectives/plugin.rs"]
mod collectives;

use collectives::{State, plugin, provider, state};
use pjrt::collectives::{
    CollectiveOpKind, Collectives, CollectivesProvider, Communicator, CpuExecutor, ReductionKind,
    Region,
};
use pjrt::megascale::Megascale;
use pjrt::sys::collectives as ext;
use pjrt::{ElementType, Error, ErrorCode, Event};
use pjrt_tests::made_up::turn;
use std::fmt::Debug;
use std::time::Duration;

const WHOLE: usize = size_of::<ext::PJRT_Collectives_Extension>();

fn of_two() -> (CollectivesProvider, Communicator) {
    let provider = provider(&plugin(WHOLE));
    let mut all = provider.communicators(&[4, 9], None, &[1]).unwrap();
    seen();
    (provider, all.remove(0))
}

fn executor(devices: &[i64]) -> CpuExecutor<'_> {
    CpuExecutor {
        run_id: 5,
        global_device_ids: devices,
        num_local_participants: 1,
        kind: CollectiveOpKind::REPLICA,
        op_id: -3,
        timeout: Duration::from_millis(2),
    }
}

fn region<T>(memory: &mut [T]) -> Region {
    Region {
        size: size_of_val(memory),
        address: memory.as_mut_ptr().cast(),
    }
}

fn seen() -> Vec<String> {
    state(|s| std::mem::take(&mut s.seen))
}

fn code<T: Debug>(result: pjrt::Result<T>) -> ErrorCode {
    match result.unwrap_err() {
        Error::Plugin(error) => error.code,
        other => panic!("expected an error of the plugin, got {other}"),
    }
}

fn refused<T: Debug>(result: pjrt::Result<T>) -> &'static str {
    match result.unwrap_err() {
        Error::InvalidArgument { argument, .. } => argument,
        other => panic!("expected a refusal, got {other}"),
    }
}

fn wrong<T: Debug>(result: pjrt::Result<T>) -> &'static str {
    match result.unwrap_err() {
        Error::InvalidOutput { field, .. } => field,
        other => panic!("expected a wrong output, got {other}"),
    }
}

#[test]
fn libtpu_has_the_extension_and_the_cpu_plugin_does_not() {
    if let Some(tpu) = pjrt_tests::plugin("tpu") {
        let _: Collectives = tpu.extension().unwrap();
        let mut nodes = tpu.extensions().into_iter();
        let size = nodes.find(|node| node.kind.as_raw().0 == 21).unwrap().size;
        assert!(size >= 96, "all nine functions lie in the table");
    }
    if let Some(cpu) = pjrt_tests::plugin("cpu") {
        let error = cpu.extension::<Collectives>().unwrap_err();
        assert!(matches!(error, Error::NoExtension { .. }), "{error}");
    }
}

#[test]
fn communicators_outlive_their_array_and_keep_their_provider() {
    let _turn = turn();
    let provider = provider(&plugin(WHOLE));
    let ids: [&[u8]; 2] = [b"\0\xff", b""];
    let all = provider
        .communicators(&[4, 9], Some(&ids), &[1, 0])
        .unwrap();
    assert_eq!(all.len(), 2);
    let none = provider.communicators(&[4, 9], None, &[]).unwrap();
    assert!(none.is_empty());
    assert_eq!(seen(), ["[4, 9] [1, 0] [0, 255][]", "[4, 9] [] none"]);
    let text = all[0].description().unwrap();
    assert_eq!(&text[..], b"a made-up communicator");
    drop(provider);
    std::thread::spawn(move || drop(all)).join().unwrap();
    // The text needs the provider's plugin only; the turn's end sees that all of it is freed.
    assert_eq!(text.len(), 22);
}

#[test]
fn what_cannot_be_is_refused_and_what_was_made_is_freed() {
    let _turn = turn();
    let provider = provider(&plugin(WHOLE));
    for rank in [-1, 2, i64::MIN] {
        assert_eq!(
            refused(provider.communicators(&[4, 9], None, &[rank])),
            "rank_ids"
        );
    }
    assert_eq!(seen(), [""; 0]);
    let both = || provider.communicators(&[4, 9], None, &[0, 1]);
    for (set, field) in [
        ((|s| s.empty = Some(0)) as fn(&mut State), "communicators"),
        (|s| s.no_list = true, "communicators"),
    ] {
        state(|s| *s = State::default());
        state(set);
        assert_eq!(wrong(both()), field);
    }
    state(|s| {
        *s = State {
            fail: true,
            ..State::default()
        }
    });
    assert_eq!(code(both()), ErrorCode::ABORTED);
}

#[test]
fn a_number_of_communicators_that_was_not_asked_for_is_an_error() {
    let _turn = turn();
    let provider = provider(&plugin(WHOLE));
    for count in [1, usize::MAX] {
        state(|s| s.report = Some(count));
        assert_eq!(
            wrong(provider.communicators(&[4], None, &[])),
            "num_communicators"
        );
    }
}

#[test]
fn operations_get_memory_type_count_and_executor() {
    let _turn = turn();
    let (provider, one) = of_two();
    let (mut from, mut to) = ([1.5f32, 2.5], [0f32; 2]);
    let (send, recv) = (region(&mut from), region(&mut to));
    let (f32s, run) = (ElementType::F32, executor(&[4, 9]));
    let told = "run 5 of [4, 9] here 1 kind 1 op -3 within 2000000";
    // SAFETY: the memory stays, and the made-up plugin has done with it when it returns.
    let event: Event =
        unsafe { one.all_reduce(send, recv, f32s, 2, ReductionKind::MAX, &run) }.unwrap();
    assert_eq!(to, from);
    event.wait().unwrap();
    // SAFETY: as above.
    let events = unsafe {
        [
            one.reduce_scatter(send, recv, f32s, 1, ReductionKind::SUM, &run)
                .unwrap(),
            one.all_gather(send, recv, f32s, 1, &run).unwrap(),
            one.collective_permute(send, recv, f32s, 2, Some(-1), &[0, 1], &run)
                .unwrap(),
            one.collective_permute(send, recv, f32s, 2, None, &[], &run)
                .unwrap(),
            one.all_to_all(&[send, recv], &[recv, recv], f32s, 2, &run)
                .unwrap(),
            one.all_to_all(&[], &[], f32s, 0, &run).unwrap(),
        ]
    };
    let expected = [
        &*format!("reduce 11 2 3 {told}"),
        &format!("scatter 11 1 0 {told}"),
        &format!("gather 11 1 {told}"),
        "permute 2 Some(-1) [0, 1]",
        "permute 2 None []",
        "all 2 2 2",
        "all 0 0 0",
    ];
    assert_eq!(seen(), expected);
    // An event keeps its communicator, and that its provider.
    drop((one, provider));
    for event in &events {
        event.wait().unwrap();
    }
}

#[test]
fn memory_that_is_too_small_and_numbers_that_nobody_knows_are_refused_before_the_call() {
    let _turn = turn();
    let (_provider, one) = of_two();
    let mut memory = [0u8; 8];
    let whole = region(&mut memory);
    let short = Region { size: 7, ..whole };
    let null = Region {
        address: std::ptr::null_mut(),
        size: 8,
    };
    let run = executor(&[4, 9]);
    let f32s = ElementType::F32;
    // SAFETY: the made-up plugin is not reached.
    unsafe {
        let gather = |a, b, ty, count, run: &CpuExecutor<'_>| one.all_gather(a, b, ty, count, run);
        assert_eq!(refused(gather(short, whole, f32s, 2, &run)), "send_buffer");
        assert_eq!(refused(gather(whole, short, f32s, 2, &run)), "recv_buffer");
        assert_eq!(refused(gather(null, whole, f32s, 2, &run)), "send_buffer");
        assert_eq!(
            refused(gather(whole, whole, f32s, usize::MAX, &run)),
            "send_buffer"
        );
        assert_eq!(
            refused(gather(whole, whole, ElementType::TOKEN, 0, &run)),
            "primitive_type"
        );
        let all = one.all_to_all(&[whole], &[], f32s, 2, &run);
        assert_eq!(refused(all), "recv_buffers");
        let all = one.all_to_all(&[whole, short], &[whole, whole], f32s, 2, &run);
        assert_eq!(refused(all), "send_buffers");
        let odd = ReductionKind::from_raw(ext::PJRT_Collectives_ReductionKind(4));
        assert_eq!(
            refused(one.all_reduce(whole, whole, f32s, 2, odd, &run)),
            "reduction_kind"
        );
        let scattered = one.reduce_scatter(whole, whole, f32s, 2, odd, &run);
        assert_eq!(refused(scattered), "reduction_kind");
        let odd = CollectiveOpKind::from_raw(ext::PJRT_Collectives_CollectiveOpKind(-1));
        let mut runs = [run; 4];
        runs[0].kind = odd;
        runs[1].num_local_participants = 0;
        runs[2].num_local_participants = -1;
        runs[3].num_local_participants = 3;
        for run in &runs {
            assert_eq!(refused(gather(whole, whole, f32s, 2, run)), "cpu_executor");
        }
    }
    assert_eq!(seen(), [""; 0]);
}

#[test]
fn failures_and_missing_events_and_texts_are_errors() {
    let _turn = turn();
    let (_provider, one) = of_two();
    let mut memory = [0u8; 8];
    let whole = region(&mut memory);
    let run = executor(&[4]);
    // SAFETY: the memory stays.
    let gather = || unsafe { one.all_gather(whole, whole, ElementType::U8, 8, &run) };
    state(|s| s.empty = Some(0));
    assert_eq!(wrong(gather()), "event");
    state(|s| s.fail = true);
    assert_eq!(code(gather()), ErrorCode::ABORTED);
    state(|s| s.no_text = true);
    assert_eq!(wrong(one.description()), "str");
}

#[test]
fn a_shorter_table_lacks_its_last_functions_and_makes_nothing_that_it_cannot_free() {
    let _turn = turn();
    let no_text = provider(&plugin(WHOLE - 8));
    let one = no_text.communicators(&[4], None, &[0]).unwrap().remove(0);
    let absent = one.description();
    assert!(
        matches!(absent, Err(Error::Unimplemented { .. })),
        "{absent:?}"
    );
    let no_destroy = provider(&plugin(40));
    let error = no_destroy.communicators(&[4], None, &[0]).unwrap_err();
    let Error::Unimplemented { function, .. } = error else {
        panic!("expected an absent function, got {error}")
    };
    assert_eq!(function, "PJRT_Collectives_Communicator_Destroy");
    assert_eq!(seen(), [""; 0]);
}

#[test]
fn a_timeout_beyond_what_the_plugin_counts_is_the_longest() {
    let _turn = turn();
    let (_provider, one) = of_two();
    let mut run = executor(&[4]);
    run.timeout = Duration::MAX;
    let mut memory = [0u8; 1];
    let whole = region(&mut memory);
    // SAFETY: the memory stays.
    unsafe { one.all_gather(whole, whole, ElementType::U8, 1, &run) }.unwrap();
    assert!(seen()[0].ends_with(&format!("within {}", i64::MAX)));
}

#[test]
fn libtpu_makes_no_communicators_without_a_network() {
    let Some(tpu) = pjrt_tests::plugin("tpu") else {
        return;
    };
    let megascale: Megascale = tpu.extension().unwrap();
    let context = megascale.default_client_context().unwrap();
    let provider = context.collectives(&[b"localhost:1"], Some(&[0]), Some(&[0]), 1, None);
    let provider = provider.unwrap();
    for ids in [None, Some(&[&b"id"[..]][..])] {
        let refused = provider.communicators(&[0], ids, &[0]);
        assert_eq!(code(refused), ErrorCode::INTERNAL);
    }
}
