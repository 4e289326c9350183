//! Options of runs, with a plugin made up here that shows what arrives and calls the callbacks of
//! send and receive operations and of values on their way: the real CPU plugin never does.

#[path = "execute_fake/fake.rs"]
mod fake;
#[path = "execute_fake/on_mock.rs"]
mod on_mock;

use fake::*;
use pjrt::{
    CallbackError, CopyToDeviceStream, ElementType, Error, ErrorCode, ExecuteOptions, Plugin,
    SentChunk,
};
use std::ffi::c_void;
use std::ptr::null;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Waits for what another thread is about to do.
fn until(problem: &str, done: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !done() {
        assert!(std::time::Instant::now() < deadline, "{problem}");
        thread::yield_now();
    }
}

#[test]
fn every_option_arrives() {
    let _turn = turn();
    let program = compile(&current());
    let context = Arc::new(current().create_execute_context().unwrap());
    let options = ExecuteOptions::new()
        .launch_id(-3)
        .context(context)
        .call_location("train.py:12")
        .task(4, 40)
        .task(5, 50)
        .on_send(7, |_| Ok(()))
        .on_send(8, |_| Ok(()))
        .on_receive(9, |_, _| ())
        .on_output(10, 2, |_| ());
    run(&program, &options);
    let seen = seen();
    assert_eq!(seen.size, pjrt::sys::PJRT_ExecuteOptions_STRUCT_SIZE);
    assert_eq!(
        (seen.launch_id, seen.location.as_str()),
        (-3, "train.py:12")
    );
    assert_ne!(seen.context, 0);
    assert_eq!(seen.tasks, [(4, 40), (5, 50)]);
    assert!(seen.row_major && seen.kept.is_empty());
    let channels = |lists: &[Vec<(i64, usize)>]| -> Vec<Vec<i64>> {
        let of = |list: &Vec<(i64, usize)>| list.iter().map(|entry| entry.0).collect();
        lists.iter().map(of).collect()
    };
    assert_eq!(channels(&seen.sends), [[7, 8], [7, 8]]);
    assert_eq!(channels(&seen.receives), [[9], [9]]);
    assert_eq!((seen.outputs[0].0, seen.outputs[0].1), (10, 2));
    finish(seen.waiting);

    let native = ExecuteOptions::new().on_send(1, |_| Ok(()));
    run(&program, &native.device_layout_in_callbacks());
    let given = self::seen();
    assert!(!given.row_major);
    finish(given.waiting);
    run(&program, &ExecuteOptions::new());
    let given = self::seen();
    assert!(!given.row_major && given.outputs.is_empty() && given.send.is_none());
    assert!(given.waiting.is_empty(), "nothing is held, so nobody waits");
}

#[test]
fn sent_chunks_reach_the_callback_and_are_freed_once() {
    let _turn = turn();
    let program = compile(&current());
    let kept: Arc<Mutex<Vec<(usize, SentChunk)>>> = Arc::default();
    let inner = kept.clone();
    let options = ExecuteOptions::new().on_send(7, move |sent| match sent.chunk.first() {
        Some(0) => Err(CallbackError::new(ErrorCode::DATA_LOSS, "nothing but zero")),
        Some(1) => panic!("one is too few"),
        _ => {
            assert_eq!((sent.total_size, sent.done), (8, sent.chunk.len() == 8));
            inner.lock().unwrap().push((sent.device, sent.chunk));
            Ok(())
        }
    });
    run(&program, &options);
    drop(options);
    let mut seen = seen();
    let before = CHUNKS.load(Ordering::SeqCst);
    assert_eq!(send(&seen, seen.sends[1][0].1, &[2, 3, 4]), None);
    assert_eq!(send(&seen, seen.sends[0][0].1, &[5; 8]), None);
    assert_eq!(CHUNKS.load(Ordering::SeqCst), before);
    let chunks = std::mem::take(&mut *kept.lock().unwrap());
    assert_eq!((chunks[0].0, &chunks[0].1[..]), (1, &[2u8, 3, 4][..]));
    assert_eq!((chunks[1].0, &chunks[1].1[..]), (0, &[5u8; 8][..]));
    drop(chunks);
    assert_eq!(CHUNKS.load(Ordering::SeqCst), before + 2);

    let (code, text) = send(&seen, seen.sends[0][0].1, &[0]).unwrap();
    assert_eq!(
        (code, text.as_str()),
        (ErrorCode::DATA_LOSS.as_raw(), "nothing but zero")
    );
    let (code, _) = send(&seen, seen.sends[0][0].1, &[1]).unwrap();
    assert_eq!(code, ErrorCode::INTERNAL.as_raw());
    assert_eq!(CHUNKS.load(Ordering::SeqCst), before + 4);

    // When both devices are done the callback goes, and a late call finds none.
    let mut waiting = std::mem::take(&mut seen.waiting);
    let second = waiting.split_off(1);
    finish(waiting);
    assert_eq!(Arc::strong_count(&kept), 2);
    finish(second);
    assert_eq!(Arc::strong_count(&kept), 1);
    assert!(send(&seen, seen.sends[0][0].1, &[9]).is_some());
    assert_eq!(CHUNKS.load(Ordering::SeqCst), before + 5);
}

#[test]
fn a_receive_operation_hands_its_stream_over() {
    let _turn = turn();
    let program = compile(&current());
    let kept: Arc<Mutex<Vec<(usize, CopyToDeviceStream)>>> = Arc::default();
    let inner = kept.clone();
    let options = ExecuteOptions::new()
        .on_receive(1, move |device, stream| {
            inner.lock().unwrap().push((device, stream))
        })
        .on_receive(2, |_, _| panic!("not wanted"));
    run(&program, &options);
    let seen = seen();
    let before = STREAMS.load(Ordering::SeqCst);
    let give = |word: usize| {
        // SAFETY: the stream is given over.
        unsafe { seen.receive.unwrap()(object(), std::ptr::without_provenance_mut(word)) }
    };
    give(seen.receives[1][0].1);
    assert_eq!(kept.lock().unwrap()[0].0, 1);
    assert_eq!(STREAMS.load(Ordering::SeqCst), before);
    kept.lock().unwrap().clear();
    assert_eq!(STREAMS.load(Ordering::SeqCst), before + 1);
    // A stream whose callback panics is destroyed, here on the crate's own thread.
    give(seen.receives[0][1].1);
    until("the stream is still there", || {
        STREAMS.load(Ordering::SeqCst) >= before + 2
    });
    finish(seen.waiting);
}

#[test]
fn values_on_their_way_are_shown_with_shape_and_bytes() {
    type Shown = (i64, i64, i64, ElementType, Vec<i64>, Option<Vec<u8>>);
    let _turn = turn();
    let program = compile(&current());
    let shown: Arc<Mutex<Vec<Shown>>> = Arc::default();
    let inner = shown.clone();
    let options = ExecuteOptions::new().on_output(10, 1, move |value| {
        inner.lock().unwrap().push((
            value.replica,
            value.partition,
            value.operand,
            value.element_type,
            value.dims.to_vec(),
            value.data.map(<[u8]>::to_vec),
        ));
    });
    run(&program, &options);
    let seen = seen();
    let show = |data: *const c_void, dims: &[i64], ty: ElementType| {
        let word = std::ptr::without_provenance_mut(seen.outputs[0].2);
        let call = seen.output.unwrap();
        // SAFETY: data and dimensions live through the call and belong together.
        unsafe { call(1, 2, data, dims.as_ptr(), dims.len(), ty.as_raw(), 3, word) }
    };
    let data = [1u16, 2];
    show(data.as_ptr().cast(), &[2, 1], ElementType::U16);
    show(null(), &[], ElementType::INVALID);
    show(data.as_ptr().cast(), &[-1], ElementType::U16);
    let bytes = data.iter().flat_map(|n| n.to_ne_bytes()).collect();
    let expected: [Shown; 3] = [
        (1, 2, 3, ElementType::U16, vec![2, 1], Some(bytes)),
        (1, 2, 3, ElementType::INVALID, vec![], None),
        (1, 2, 3, ElementType::U16, vec![-1], None),
    ];
    assert_eq!(*shown.lock().unwrap(), expected);
    finish(seen.waiting);
}

#[test]
fn a_context_lives_until_the_last_device_is_done() {
    let _turn = turn();
    let program = compile(&current());
    let before = CONTEXTS.load(Ordering::SeqCst);
    let context = Arc::new(current().create_execute_context().unwrap());
    drop(run(&program, &ExecuteOptions::new().context(context)));
    let mut waiting = seen().waiting;
    let second = waiting.split_off(1);
    finish(waiting);
    assert_eq!(CONTEXTS.load(Ordering::SeqCst), before);
    finish(second);
    until("the context is still there", || {
        CONTEXTS.load(Ordering::SeqCst) > before
    });
}

#[test]
fn slices_arrive_and_live_until_the_last_device_is_done() {
    let _turn = turn();
    let program = compile(&current());
    let before = SLICES.load(Ordering::SeqCst);
    let config = slices(&current());
    let options = ExecuteOptions::new().slices(config);
    drop(run(&program, &options));
    drop(options);
    let mut seen = seen();
    assert_eq!(seen.slices, object::<()>().addr());
    let second = seen.waiting.split_off(1);
    finish(seen.waiting);
    assert_eq!(SLICES.load(Ordering::SeqCst), before);
    finish(second);
    until("the configuration is still there", || {
        SLICES.load(Ordering::SeqCst) > before
    });

    let refused = |plugin: &Plugin, config| {
        let options = ExecuteOptions::new().slices(config);
        let error = compile(plugin).execute(vec![vec![], vec![]], &options);
        error.unwrap_err()
    };
    let error = refused(&current(), slices(&plugin(114)));
    assert!(
        matches!(
            error,
            Error::ForeignHandle {
                argument: "multi_slice_config",
                ..
            }
        ),
        "{error:?}"
    );
    let older = plugin(96);
    let error = refused(&older, slices(&older));
    assert!(
        matches!(
            error,
            Error::TooNew {
                field: "multi_slice_config",
                since: 97,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn an_absurd_number_of_outputs_is_an_error() {
    let _turn = turn();
    OUTPUTS.store(usize::MAX / 4, Ordering::SeqCst);
    let program = compile(&current());
    let error = program
        .execute(vec![vec![], vec![]], &ExecuteOptions::new())
        .unwrap_err();
    OUTPUTS.store(1, Ordering::SeqCst);
    assert!(matches!(error, Error::InvalidOutput { .. }), "{error:?}");
}

#[test]
fn a_plugin_that_calls_twice_finds_nothing() {
    let _turn = turn();
    let program = compile(&current());
    let executions = run(&program, &ExecuteOptions::new());
    let count = Arc::new(AtomicUsize::new(0));
    let inner = count.clone();
    let done = &executions[0].done;
    done.on_ready(move |_| _ = inner.fetch_add(1, Ordering::SeqCst))
        .unwrap();
    let waiting = seen().waiting;
    finish(waiting.clone());
    finish(waiting);
    assert_eq!(
        (count.load(Ordering::SeqCst), Arc::strong_count(&count)),
        (1, 1)
    );
}

#[test]
fn a_failed_start_on_several_devices_frees_callbacks_but_not_the_context() {
    let _turn = turn();
    let program = compile(&current());
    let before = CONTEXTS.load(Ordering::SeqCst);
    let context = Arc::new(current().create_execute_context().unwrap());
    let count = Arc::new(());
    let inner = count.clone();
    let options = ExecuteOptions::new()
        .launch_id(FAILS)
        .context(context)
        .on_send(1, move |_| {
            let _ = &inner;
            Ok(())
        });
    let failed = program.execute(vec![vec![], vec![]], &options);
    assert!(matches!(failed, Err(Error::Plugin(_))));
    drop(options);
    assert_eq!(Arc::strong_count(&count), 1);
    // Some device may have started: it may read the context as long as it likes.
    assert_eq!(CONTEXTS.load(Ordering::SeqCst), before);
    seen();
}

#[test]
fn what_a_plugin_is_too_old_for_is_refused_and_not_dropped() {
    let _turn = turn();
    let program = compile(&plugin(63));
    let name = |options: ExecuteOptions| match program.execute(vec![vec![], vec![]], &options) {
        Err(Error::TooNew { field, since, .. }) => (field, since),
        other => panic!("expected a refusal, got {other:?}"),
    };
    assert_eq!(
        name(ExecuteOptions::new().call_location("x")),
        ("call_location", 76)
    );
    assert_eq!(name(ExecuteOptions::new().task(1, 2)), ("task_ids", 78));
    let foreign = Arc::new(current().create_execute_context().unwrap());
    let error = program.execute(
        vec![vec![], vec![]],
        &ExecuteOptions::new().context(foreign),
    );
    assert!(matches!(
        error,
        Err(Error::ForeignHandle {
            argument: "context",
            ..
        })
    ));
    // Sends are as old as the API, and their data is row-major there.
    run(&program, &ExecuteOptions::new().on_send(1, |_| Ok(())));
    let seen = seen();
    assert!(!seen.row_major);
    finish(seen.waiting);
    let twice = ExecuteOptions::new()
        .on_send(1, |_| Ok(()))
        .on_send(1, |_| Ok(()));
    let error = program.execute(vec![vec![], vec![]], &twice).unwrap_err();
    assert!(error.to_string().contains("1 is given twice"), "{error}");
}
